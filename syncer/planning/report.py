"""The reports that cannot be read from the history: of a plan that is thrown away, of a run whose state was lost."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from syncer import models, naming
from syncer.models import Status
from syncer.planning import changes, plan
from syncer.state.history import AudienceReport, DestinationReport, RunReport


def lost(run_id: int, trigger: models.Trigger, error: str) -> RunReport:
    """Of a run whose state was lost, so that it cannot be read how it ended."""
    now = datetime.now(UTC)
    return RunReport(run_id, trigger, Status.FAILED, now, None, error, 0, 0, [], [])


def planned(made: plan.Plan, started_at: datetime) -> RunReport:
    """Of a plan that was made and thrown away."""
    counts: defaultdict[int | None, list[changes.AudienceCount]] = defaultdict(list)
    for count in (count for target in made.targets for count in target.counts):
        counts[count.audience_id].append(count)
    return RunReport(
        run_id=None,
        trigger="manual",
        status="planned",
        started_at=started_at,
        finished_at=datetime.now(UTC),
        error=None,
        calls_saved=made.calls_saved,
        deferred=made.deferred,
        audiences=[_audience(made, each, counts.get(each.audience_id, [])) for each in made.audiences],
        destinations=[
            DestinationReport(
                name=target.target.name,
                status="planned",
                error=None,
                planned=target.identifies,
                succeeded=0,
                failed=0,
                unknown=0,
                aborted=0,
                requests=0,
                retries=0,
                skipped=target.skipped,
            )
            for target in made.targets
        ],
    )


def _audience(made: plan.Plan, audience: models.Audience, counts: Sequence[changes.AudienceCount]) -> AudienceReport:
    return AudienceReport(
        name=naming.listed(audience.name),
        property=audience.property,
        members=None if made.headcount is None else made.headcount.users.get(audience.name, 0),
        added=sum(count.added for count in counts),
        removed=sum(count.removed for count in counts),
        initial=any(count.initial for count in counts),
        held=sum(count.held for count in counts),
        refreshed=sum(count.refreshed for count in counts),
        problem=audience.problem,
    )
