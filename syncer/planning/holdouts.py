"""Keeps who is held out of an audience, and since when: with the history of who was told, that is what its lift is
computed from. See `withholding` for who they are."""

from collections.abc import Mapping, Sequence

from syncer import models
from syncer.planning.changes import TargetPlan
from syncer.state import Connection, execute


def remember(
    connection: Connection,
    run_id: int,
    audiences: Mapping[int, models.Audience],
    targets: Sequence[TargetPlan],
    *,
    reduced: bool,
) -> None:
    """Notes who is held out from now on, and who is no more, with the plan that says so. `reduced`: rows were taken out
    of its snapshot. Of an audience whose removals the guard holds, nobody is believed to have left."""
    doubted = {hold.audience_id for target in targets for hold in target.holds if hold.op == "removed"}
    planned = [(key, audience.name) for key, audience in audiences.items() if not audience.is_trait]
    believed = [(key, name) for key, name in planned if key not in doubted]
    if not reduced:
        execute(connection, "end_all_held_out", {"run_id": run_id, "audience_ids": [key for key, _ in believed]})
        return
    execute(connection, "end_held_out", {"run_id": run_id, **_columns(believed)})
    execute(connection, "begin_held_out", {"run_id": run_id, **_columns(planned)})


def _columns(audiences: Sequence[tuple[int, str]]) -> Mapping[str, object]:
    return {"audience_ids": [key for key, _ in audiences], "names": [name for _, name in audiences]}
