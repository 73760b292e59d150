"""Writes a plan down, once: the changes as rows of the history, and beside them what has to wait, and why.

All of it is one transaction with the comparison, so there is the whole plan or none; a run is `planned` with its last
statement, and counts only from then on.
"""

from collections.abc import Mapping

import psycopg.sql
from psycopg.types.json import Jsonb

from syncer.planning import checksums, plan
from syncer.planning.targets import PlanRequest
from syncer.state import Connection, columns_of, execute, fetch_value, pages
from syncer.state.audiences import pin_audiences, register_audiences

# Below this a stale estimate does no harm.
_ANALYZE_FROM = 10_000


def write(connection: Connection, request: PlanRequest, run_id: int) -> plan.Plan:
    """Reads the warehouse and commits the plan of a run that is open; covered changes take effect with it."""

    def keep(planned: plan.TargetPlan, _source: psycopg.sql.Composable) -> None:
        _write_target(connection, run_id, planned)

    with request.snapshot(connection) as snapshot, plan.transaction(connection):
        memory = checksums.recall(connection, [target.destination_id for target in request.targets])
        planned = plan.make(connection, request, snapshot, run_id, register_audiences, keep, memory)
        _write_run(connection, run_id, planned)
        if fetch_value(connection, "any_forgotten"):
            execute(connection, "refresh_forgotten", {}, source=snapshot.relation)
    return planned


def before_delivery(connection: Connection, run_id: int, planned: plan.Plan) -> None:
    """What has to be so before the first call: properties are pinned, and a large plan is known to the planner."""
    pin_audiences(connection, run_id)
    if sum(target.identifies for target in planned.targets) >= _ANALYZE_FROM:
        execute(connection, "analyze_changes", partition=pages.change_partition(run_id))


def _write_target(connection: Connection, run_id: int, planned: plan.TargetPlan) -> None:
    here = {"run_id": run_id, "destination_id": planned.target.destination_id}
    events = planned.target.mode.events
    wanted = {"events": events is not None, "initial_events": events is not None and events.initial}
    _write_changes(connection, run_id, {**here, **wanted})
    execute(connection, "doubt_followed", here)
    written = {row.page for row in execute(connection, "write_pages", here)}
    if pages.COVERED_PAGE in written:
        delivery = pages.RunDestination(run_id, planned.target.destination_id)
        pages.settle(connection, delivery, [pages.Settlement(pages.COVERED_PAGE)])
    execute(connection, "refresh_skipped_gone", here)
    execute(connection, "refresh_skipped_new", here)
    execute(connection, "refresh_held_gone", here)
    if planned.holds:
        held = columns_of(planned.holds, "audience_id", "op", "initial", "reason")
        execute(connection, "refresh_held_new", {**here, **held})
    execute(connection, "finish_resyncs", {**here, "whole": planned.whole})
    if planned.about_all:
        execute(connection, "forget_settled_refusals", here)
    execute(
        connection,
        "plan_run_destination",
        {
            **here,
            "planned": planned.identifies,
            "skipped": Jsonb(dict(planned.skipped)),
            "per_audience": planned.target.mode.per_audience,
            "keeps_profiles": planned.target.mode.keeps_profiles,
            "mirrors": planned.mirrors,
            **planned.target.in_reach,
        },
    )


def _write_changes(connection: Connection, run_id: int, parameters: Mapping[str, object]) -> None:
    """Writes the rows of the history. The first of a block of runs, as a rule those of a first sync, are put into a
    table that becomes a part of the history afterwards: building indexes takes a fifth of keeping them row by row.
    """
    partition = pages.change_partition(run_id)
    begins = not fetch_value(connection, "find_table", {"table": partition.as_string(connection)})
    if begins:
        execute(connection, "create_change_partition", partition=partition)
    execute(connection, "write_changes", parameters, partition=partition)
    if begins:
        runs = pages.block(run_id)
        execute(
            connection,
            "attach_change_partition",
            partition=partition,
            first_run=psycopg.sql.Literal(runs.start),
            end_run=psycopg.sql.Literal(runs.stop),
        )


def _write_run(connection: Connection, run_id: int, planned: plan.Plan) -> None:
    listed = {
        **columns_of(planned.audiences, "audience_id", "name", "property", "problem"),
        "position": list(range(len(planned.audiences))),
        "members": [planned.members.get(audience.name, 0) for audience in planned.audiences],
    }
    execute(connection, "add_run_audiences", {"run_id": run_id, **listed})
    names = {audience.audience_id: audience.name for audience in planned.audiences}
    for target in planned.targets:
        counts = {
            **columns_of(target.counts, "audience_id", "added", "removed", "held", "held_add"),
            **columns_of(target.counts, "deferred", "deferred_add", "reads", "initial"),
            "members": [planned.members.get(names[count.audience_id], 0) for count in target.counts],
            "fingerprint": [target.fingerprints.get(count.audience_id) for count in target.counts],
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
            "contacts": planned.contacts,
            "calls_saved": planned.calls_saved,
            "deferred": planned.deferred,
        },
    )
