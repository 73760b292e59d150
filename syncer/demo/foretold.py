"""A few people of a plan, for a reader who wants to see what would be told before it is."""

from collections.abc import Sequence

from syncer import sync
from syncer.planning import forecast
from syncer.planning.changes import TargetPlan
from syncer.state import Connection
from syncer.stopping import Stop


def foretold(job: sync.Job, destination: str, stop: Stop) -> Sequence[forecast.Told]:
    """What the plan would tell this destination: of each kind, by op and reason, the first person."""
    first: dict[tuple[str, str | None], forecast.Told] = {}

    def look(connection: Connection, planned: TargetPlan) -> None:
        if planned.target.name == destination:
            for each in forecast.people(connection, planned, 20):
                first.setdefault((each.op, each.why), each)

    sync.preview(job, stop, sync.Unwatched(), look)
    return sorted(first.values(), key=lambda each: (each.why or "", each.op))
