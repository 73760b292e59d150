"""What is taken back by a plan: an approved rollback stands in the place of what the warehouse says.

Of a contact that is brought back, the plan tells what it was told before the run that is rolled back, and nothing that
the comparison found; so the next plan compares everything again, whatever changed meanwhile. What the warehouse still
says otherwise is told again by it, unless its audience is paused: a rollback is the one thing that a paused audience is
told.
"""

from collections.abc import Mapping
from typing import NamedTuple

from syncer import models
from syncer.planning import withholding
from syncer.planning.counts import Counts
from syncer.planning.snapshot import NotEnoughError
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, analyze, execute, fetch_all


class _RolledBack(NamedTuple):
    run_id: int
    audience_id: int


def add(
    connection: Connection,
    request: PlanRequest,
    counts: Counts,
    target: Target,
    audiences: Mapping[int, models.Audience],
    paused: Mapping[int, models.Audience],
) -> bool:
    """Puts what was approved into the differences, also of audiences that are `paused`; says whether there was any.

    Raises `NotEnoughError` where only a part of the snapshot is staged: it is about people who did not change.
    """
    found = fetch_all(connection, _RolledBack, "list_rolled_back", {"destination_id": target.destination_id})
    about = {row.audience_id for row in found}
    back = [row for row in found if row.audience_id in audiences or row.audience_id in paused]
    if not back:
        return False
    if counts.snapshot.part is not None:
        raise NotEnoughError("a rollback was approved: it is about people of whom nothing changed")
    resting = {key: each for key, each in paused.items() if key in about and not each.retired}
    if resting:
        named = {"names": [each.name for each in resting.values()], "audience_ids": list(resting)}
        properties = {"properties": [each.property for each in resting.values()]}
        execute(connection, "add_rolled_back_audiences", {**named, **properties})
    here = {"destination_id": target.destination_id}
    in_reach = {**here, **target.in_reach}
    execute(connection, "leave_to_rollback", in_reach)
    holdouts = _holdouts(request, {**audiences, **resting})
    run_ids = sorted({row.run_id for row in back})
    execute(connection, "add_rolled_back", {**in_reach, **holdouts, "run_ids": run_ids})
    if counts.snapshot.suppressed is not None:
        execute(connection, "leave_suppressed_out", {**here, "freezes": target.mode.freezes})
    execute(connection, "add_rolled_back_known", here, **target.known([*audiences.values(), *resting.values()]))
    analyze(connection, "member_delta", "known_member")
    return True


def _holdouts(request: PlanRequest, audiences: Mapping[int, models.Audience]) -> dict[str, object]:
    """Of these audiences those that people are held out of: see `withholding`."""
    keys = {audience.name: key for key, audience in audiences.items()}
    found = withholding.holdouts(request.configured, {each.name: each.property for each in audiences.values()})
    return {
        "held_out_of": [keys[each.audience] for each in found],
        "seeds": [each.seed for each in found],
        "shares": [each.share for each in found],
    }
