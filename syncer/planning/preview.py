"""Makes a plan and throws it away: sends nothing, changes nothing, needs no lock."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from syncer import models
from syncer.calls import Identify
from syncer.planning import audiences, counts, plan, suppression
from syncer.planning.changes import TargetPlan
from syncer.planning.targets import PlanRequest
from syncer.state import Connection, fetch_all, fetch_value


@dataclass(frozen=True, slots=True)
class _FirstCall:
    contact: str
    part: int
    user_id: str
    email: str
    traits: str | None
    about: models.Computation | None
    message_id: str
    properties: Sequence[str]
    values: str


@contextmanager
def imagined_plan(connection: Connection, request: PlanRequest) -> Iterator[plan.Planning]:
    """The plan that a run would make now, in the making; compares everything.

    Raises `HeldError` for a run that would be held as a whole.
    """
    with request.snapshot(connection) as snapshot, plan.transaction(connection, snapshot, thrown_away=True):
        suppression.judge(connection, snapshot.suppressed, request.guard, None)
        counted = counts.begin(connection, snapshot, fetch_value(connection, "show_next_run"))
        found = audiences.resolve(connection, request, counted)
        yield plan.Planning(connection, request, counted, found.identified(_imagined(found.sound)))


def first_calls(connection: Connection, planned: TargetPlan) -> list[Identify]:
    """The calls of a plan that would be sent first, as long as the private tables hold it; no more than a page."""
    target = planned.target
    asked = {
        "destination_id": target.destination_id,
        "per_audience": target.mode.per_audience,
        "limit": target.destination.page_size,
    }
    return [
        Identify(
            contact=row.contact,
            part=row.part,
            user_id=row.user_id,
            email=row.email,
            message_id=row.message_id,
            values=dict(zip(row.properties, msgspec.json.decode(row.values), strict=True)),
            traits={} if row.traits is None else msgspec.json.decode(row.traits),
            about=row.about,
        )
        for row in fetch_all(connection, _FirstCall, "list_first_calls", asked)
    ]


def _imagined(sound: Sequence[models.Audience]) -> list[int]:
    """A preview registers nothing: an audience that is new gets a number that no other can have."""
    numbers = itertools.count(-1, -1)  # those of the state are positive
    return [next(numbers) if audience.audience_id is None else audience.audience_id for audience in sound]
