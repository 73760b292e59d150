"""Makes a plan and writes it down, once: the changes as rows of the history, beside them what has to wait, and why.

All of it is one transaction, so there is the whole plan or none. Its last statement makes the run `planned`; only from
then on the run counts. Of a large first sync it is the first slice: see `continuing`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from psycopg.types.json import Jsonb

from syncer import models, naming
from syncer.planning import (
    audiences,
    checksums,
    counts,
    digests,
    generations,
    holdouts,
    plan,
    saved,
    slices,
    suppression,
)
from syncer.planning.changes import TargetPlan
from syncer.planning.snapshot import NotEnoughError, Snapshot
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, analyze, blocks, columns_of, execute, fetch_all, fetch_value, pages, retried
from syncer.state.audiences import pin_audiences, register_audiences

# Below this a stale estimate does no harm.
_ANALYZE_FROM = 10_000


class _Page(NamedTuple):
    page: int


def write(connection: Connection, request: PlanRequest, run_id: int) -> plan.Plan:
    """Reads the warehouse and commits the plan of a run that is open; covered changes take effect with it.

    A plan sees the state of one moment. Where a command changes meanwhile what it writes too, the database refuses the
    plan; it is made again from the rows that were read, and the commands wait for it this time. If the changes at the
    warehouse turn out not to be enough, it is made from everything. Raises `PlanMovedError` for another plan than that
    which was reviewed.
    """
    try:
        planned = _read_and_write(connection, request, run_id)
    except NotEnoughError as why:
        planned = _read_and_write(connection, request, run_id, whole=str(why))
    if request.mirrors is not None:
        generations.sweep(connection, request.mirrors)
    return planned


def _read_and_write(
    connection: Connection, request: PlanRequest, run_id: int, *, whole: str | None = None
) -> plan.Plan:
    with generations.snapshot(connection, request, run_id, whole) as snapshot:
        lists = suppression.judge(connection, snapshot.suppressed, request.guard, run_id)
        return retried(
            lambda: _write(connection, request, snapshot, run_id, believes=lists),
            again=lambda: _write(connection, request, snapshot, run_id, believes=lists, alone=True),
        )


def _write(
    connection: Connection,
    request: PlanRequest,
    snapshot: Snapshot,
    run_id: int,
    *,
    believes: bool,
    alone: bool = False,
) -> plan.Plan:
    with plan.transaction(connection, snapshot, alone=alone):
        last = None
        if snapshot.part is None:
            last = checksums.recall(connection, {target.destination_id: target.reading for target in request.targets})
        counted = counts.begin(connection, snapshot, run_id, last)
        found = audiences.resolve(connection, request, counted)
        registered = found.identified(register_audiences(connection, found.sound, found.others))
        planning = plan.Planning(connection, request, counted, registered, last)
        targets: list[TargetPlan] = []
        digested: list[saved.Destination] = []
        generations.begin(connection, snapshot)
        blocks.make(connection, blocks.of_run(connection, run_id))
        for target in planning.targets():
            if request.reviewed is not None:
                digested.append(digests.of_target(connection, target))
            _write_target(connection, run_id, target, keeps_profiles=request.has_profiles(target.target))
            if snapshot.suppressed is not None:
                here = {"destination_id": target.target.destination_id, "freezes": target.target.mode.freezes}
                execute(connection, "drop_suppressed_events", here)
            generations.gather(connection, snapshot)
            targets.append(target)
        if request.reviewed is not None:
            saved.compare(request.reviewed, digested)
        planned = planning.summed_up(targets)
        _write_run(connection, run_id, planned)
        execute(connection, "mark_read", {"run_id": run_id, **snapshot.read._asdict()})
        if _is_believed(request, planned) and any(target.stands.forgotten for target in targets):
            snapshot.everybody.execute(connection, "refresh_forgotten")
        if believes:
            suppression.believe(connection, snapshot.suppressed)
        holdouts.remember(connection, run_id, registered.by_id, targets, reduced=snapshot.reduced)
        generations.turn(connection, counted, targets)
        _leave_differences(connection, planned)
    return planned


def _leave_differences(connection: Connection, planned: plan.Plan) -> None:
    """They would outlive the transaction, and do so for the later slices."""
    if planned.sliced is None:
        execute(connection, "drop_member_delta")
    else:
        slices.put_aside(connection)


def _is_believed(request: PlanRequest, planned: plan.Plan) -> bool:
    """Whether whoever the snapshot does not have has really left: nobody doubts it, at any destination."""
    everywhere = request.everywhere and len(planned.targets) == len(request.targets)
    return planned.memberships > 0 and everywhere and all(target.believed for target in planned.targets)


def before_delivery(connection: Connection, run_id: int, planned: plan.Plan) -> None:
    """Before the first call: pins the properties that it tells, and lets PostgreSQL's planner know a large plan."""
    pin_audiences(connection, run_id)
    if sum(target.identifies for target in planned.targets) >= _ANALYZE_FROM:
        know_growth(connection, run_id)


def know_growth(connection: Connection, run_id: int) -> None:
    """Lets PostgreSQL's planner know how much there is by now of the plan of a run."""
    block = blocks.of_run(connection, run_id)
    analyze(connection, block.partition(blocks.CHANGES), block.partition("sync_page"))


def _write_target(connection: Connection, run_id: int, planned: TargetPlan, *, keeps_profiles: bool) -> None:
    here = {"run_id": run_id, "destination_id": planned.target.destination_id}
    stands = planned.stands
    if planned.changes:
        _write_changes(connection, run_id, planned.target)
    checksums.keep(connection, planned.target.destination_id, planned.target.reading, planned.leaving)
    if planned.followers:
        execute(connection, "mark_followers_uncertain", here)
    if stands.users_told_false and "gain" in planned.found:
        execute(connection, "mark_users_back", here)
    if stands.uncertain:
        execute(connection, "refresh_left_uncertain", {**here, "unasked": list(planned.unasked)})
    if planned.changes and _Page(pages.COVERED_PAGE) in fetch_all(connection, _Page, "write_pages", here):
        delivery = pages.RunDestination(run_id, planned.target.destination_id)
        pages.settle(connection, delivery, [pages.Settlement(pages.COVERED_PAGE)])
    _write_waiting(connection, planned, here)
    if stands.resyncs:
        retract = planned.target.reach.retract
        finished = {**here, **planned.target.in_reach, "whole": planned.whole, "retract": retract}
        execute(connection, "finish_resyncs", finished)
    if planned.about_all and stands.refused:
        execute(connection, "delete_settled_refusals", here)
    execute(
        connection,
        "plan_run_destination",
        {
            **here,
            "planned": planned.identifies,
            "skipped": Jsonb(dict(planned.skipped)),
            "per_audience": planned.target.mode.per_audience,
            "keeps_profiles": keeps_profiles,
            "keys_users": planned.target.mode.keys_users,
            "mirrors": planned.mirrors and planned.sliced is None,
            **planned.target.in_reach,
        },
    )


def _write_waiting(connection: Connection, planned: TargetPlan, here: Mapping[str, object]) -> None:
    """Brings up to date who is listed as skipped, and what is held."""
    if planned.stands.skipped:
        execute(connection, "refresh_skipped_gone", here)
    if planned.skipped:
        execute(connection, "refresh_skipped_new", here)
    if planned.stands.held:
        execute(connection, "refresh_held_gone", here)
        execute(connection, "refresh_rollbacks_gone", {**here, **planned.target.in_reach})
    if planned.holds:
        held = columns_of(planned.holds, "audience_id", "op", "initial", "reason")
        execute(connection, "refresh_held_new", {**here, **held})


def _write_changes(connection: Connection, run_id: int, target: Target) -> None:
    events = target.mode.events
    wanted = {"events": events is not None, "initial_events": events is not None and events.initial}
    parameters = {"run_id": run_id, "destination_id": target.destination_id, **wanted}
    with blocks.filled(connection, run_id) as partition:
        execute(connection, "write_changes", parameters, partition=partition)


def _write_run(connection: Connection, run_id: int, planned: plan.Plan) -> None:
    def members_of(audience: models.Audience) -> int | None:
        if planned.headcount is None and audience.audience_id is not None:
            return None
        return 0 if planned.headcount is None else planned.headcount.users.get(audience.name, 0)

    listed = {
        **columns_of(planned.audiences, "audience_id", "property", "problem"),
        "name": [naming.listed(audience.name) for audience in planned.audiences],
        "position": list(range(len(planned.audiences))),
        "members": [members_of(audience) for audience in planned.audiences],
    }
    execute(connection, "add_run_audiences", {"run_id": run_id, **listed})
    by_id = {audience.audience_id: audience for audience in planned.audiences}
    for target in planned.targets:
        counts = {
            **columns_of(target.counts, "audience_id", "added", "removed", "held", "held_add"),
            **columns_of(target.counts, "deferred", "deferred_add", "yielding", "refreshed", "reads", "initial"),
            "members": [members_of(by_id[count.audience_id]) for count in target.counts],
        }
        here = {"run_id": run_id, "destination_id": target.target.destination_id}
        execute(connection, "add_run_counts", {**here, **counts})
    fetch_value(
        connection,
        "mark_planned",
        {
            "run_id": run_id,
            "snapshot_at": planned.snapshot_at,
            "memberships": planned.memberships,
            "contacts": None if planned.headcount is None else planned.headcount.contacts,
            "calls_saved": planned.calls_saved,
            "deferred": planned.deferred,
            "later": planned.waiting,
        },
    )
