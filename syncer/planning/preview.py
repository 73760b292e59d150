"""Makes a plan and throws it away: sends nothing, changes nothing, needs no lock."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from syncer import models
from syncer.planning import audiences, counts, plan, suppression
from syncer.planning.targets import PlanRequest
from syncer.state import Connection, execute, fetch_value


@contextmanager
def imagined_plan(connection: Connection, request: PlanRequest) -> Iterator[plan.Planning]:
    """The plan that a run would make now, in the making; compares everything.

    Raises `HeldError` for a run that would be held as a whole.
    """
    execute(connection, "wait_for_no_disk")
    with request.snapshot(connection) as snapshot, plan.transaction(connection, snapshot, thrown_away=True):
        suppression.judge(connection, snapshot.suppressed, request.guard, None)
        counted = counts.begin(connection, snapshot, fetch_value(connection, "show_next_run"))
        found = audiences.resolve(connection, request, counted)
        yield plan.Planning(connection, request, counted, found.identified(_imagined(found.sound)))


def _imagined(sound: Sequence[models.Audience]) -> list[int]:
    """A preview registers nothing: an audience that is new gets a number that no other can have."""
    numbers = itertools.count(-1, -1)  # those of the state are positive
    return [next(numbers) if audience.audience_id is None else audience.audience_id for audience in sound]
