"""The plan of a run: begun, made destination by destination, and summed up. `writing` keeps it, `preview` does not.

The warehouse's rows never pass through Python, except those of a warehouse that hands over values, on their way into
the staging table. One transaction holds the whole plan, of a large first sync the first slice (see `slices`): after a
crash there is all of it or nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from syncer import mirrors, models
from syncer.planning import tables
from syncer.planning.audiences import PlanAudiences
from syncer.planning.changes import TargetPlan, TargetPlanner
from syncer.planning.checksums import Checksums
from syncer.planning.counts import Counts
from syncer.planning.differences import Comparison
from syncer.planning.snapshot import Snapshot
from syncer.planning.targets import PlanRequest
from syncer.state import Connection, execute, fetch_value, translated_errors
from syncer.state.pauses import list_pauses


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `audiences` are those in scope, also those set aside. `headcount` None: of the rows that are
    `sliced` it is counted while the first slice is told.

    `targets` are without the destinations that are paused.
    """

    snapshot_at: datetime
    memberships: int
    headcount: mirrors.Headcount | None
    audiences: Sequence[models.Audience]
    targets: Sequence[TargetPlan]

    @property
    def sliced(self) -> TargetPlan | None:
        """The one that goes on in slices, if any does: it is the last one."""
        return next((target for target in self.targets if target.sliced is not None), None)

    @property
    def calls_saved(self) -> int:
        return sum(target.calls_saved for target in self.targets)

    @property
    def deferred(self) -> int:
        """Contacts that wait for the next run, or, at most, for the later slices of this one."""
        return sum(target.deferred for target in self.targets) + self.waiting

    @property
    def waiting(self) -> int:
        """Contacts that wait for later slices, at most."""
        if self.sliced is None:
            return 0
        return waiting(self.sliced, None if self.headcount is None else self.headcount.contacts)


def waiting(first: TargetPlan, contacts: int | None) -> int:
    """How many contacts wait for slices after the `first`, at most, of so many `contacts` of the snapshot."""
    rows = 0 if first.sliced is None else sum(first.sliced.waiting.values())
    return max(1, rows if contacts is None else min(rows, contacts - first.identifies))


@contextmanager
def transaction(
    connection: Connection, snapshot: Snapshot, *, thrown_away: bool = False, alone: bool = False
) -> Iterator[None]:
    """The transaction in which a whole plan is made, as of one moment; the private tables go with it.

    `alone`: commands that would change what a plan rewrites wait until it ends.
    """
    with translated_errors(), connection.transaction(force_rollback=thrown_away):
        execute(connection, "begin_plan")
        if alone:
            execute(connection, "lock_out_commands")
        snapshot.hold(connection)
        yield


@dataclass(frozen=True, slots=True)
class Planning:
    """A plan in the making, inside of `transaction`. All `audiences` that are sound have an id.

    With what the `last` run left, audiences whose rows have not changed since are not compared.
    """

    connection: Connection
    request: PlanRequest
    counts: Counts
    audiences: PlanAudiences
    last: Checksums | None = None

    def targets(self) -> Iterator[TargetPlan]:
        """The plan for each destination that is not paused. The private tables hold it until the next is asked for."""
        tables.create(self.connection)
        sound = self.audiences.by_id
        known = self.audiences.known_ids | sound.keys()
        pauses = list_pauses(self.connection)
        used = False
        for target in self.request.targets:
            if any(pause.covers(target.destination_id, None) for pause in pauses):
                continue
            audiences = {
                key: audience
                for key, audience in sound.items()
                if not any(pause.covers(target.destination_id, key) for pause in pauses)
            }
            paused = {key: audience for key, audience in sound.items() if key not in audiences}
            comparison = Comparison(
                self.connection, self.request, self.counts, target, audiences, paused, known, self.last
            )
            planner = TargetPlanner(self.connection, self.request, self.counts, target, audiences, comparison)
            about_all = self.request.scope.whole and len(audiences) == len(sound)
            if used:
                tables.empty(self.connection)
            used = True
            whole = about_all and self.audiences.whole
            slice_rows = self.request.slice_rows if target is self.request.targets[-1] else None
            yield planner.plan(about_all=about_all, whole=whole, unasked=self.audiences.unasked, slice_rows=slice_rows)

    def summed_up(self, targets: Sequence[TargetPlan]) -> Plan:
        """The whole plan, once all of its `targets` are planned."""
        counted_later = any(target.counted_later for target in targets)
        names = [audience.name for audience in self.audiences.in_scope]
        return Plan(
            snapshot_at=self.counts.snapshot.taken_at or fetch_value(self.connection, "show_now"),
            memberships=sum(self.counts.rows.values()),
            headcount=None if counted_later else self.counts.headcount(names),
            audiences=self.audiences.in_scope,
            targets=targets,
        )
