"""Writes a plan down, once: the changes as rows of the history, and beside them what has to wait, and why.

All of it is one transaction with the comparison, so there is the whole plan or none; a run is `planned` with its last
statement, and counts only from then on.
"""

from collections.abc import Mapping, Sequence

import psycopg.sql
from psycopg.types.json import Jsonb

from syncer import models, pages, plan, unmoved
from syncer.state import Connection, columns_of, one, run
from syncer.targets import Request

# Below this a stale estimate does no harm.
_ANALYZE_FROM = 10_000


def write(connection: Connection, request: Request, run_id: int) -> plan.Plan:
    """Reads the warehouse and commits the plan of a run that is open; covered changes take effect with it."""

    def keep(planned: plan.TargetPlan, _source: psycopg.sql.Composable) -> None:
        _write_target(connection, run_id, planned)

    with request.snapshot(connection) as snapshot, plan.transaction(connection):
        memory = unmoved.recall(connection, [target.destination_id for target in request.targets])
        planned = plan.make(connection, request, snapshot, run_id, _registered, keep, memory)
        _write_run(connection, run_id, planned)
        if one(connection, "any_forgotten").found:
            run(connection, "refresh_forgotten", {}, source=snapshot.relation)
    return planned


def before_delivery(connection: Connection, run_id: int, planned: plan.Plan) -> None:
    """What has to be so before the first call: properties are pinned, and a large plan is known to the planner."""
    run(connection, "pin_audiences", {"run_id": run_id})
    if sum(target.identifies for target in planned.targets) >= _ANALYZE_FROM:
        run(connection, "analyze_changes", partition=pages.change_partition(run_id))


def _write_target(connection: Connection, run_id: int, planned: plan.TargetPlan) -> None:
    here = {"run_id": run_id, "destination_id": planned.target.destination_id}
    events = planned.target.manner.events
    wanted = {"events": events is not None, "initial_events": events is not None and events.initial}
    _write_changes(connection, run_id, {**here, **wanted})
    run(connection, "doubt_followed", here)
    written = {row.page for row in run(connection, "write_pages", here)}
    if pages.COVERED_PAGE in written:
        delivery = pages.Delivery(run_id, planned.target.destination_id)
        pages.settle(connection, delivery, [pages.Settlement(pages.COVERED_PAGE)])
    run(connection, "refresh_skipped_gone", here)
    run(connection, "refresh_skipped_new", here)
    run(connection, "refresh_held_gone", here)
    if planned.holds:
        held = columns_of(planned.holds, "audience_id", "op", "initial", "reason")
        run(connection, "refresh_held_new", {**here, **held})
    run(connection, "finish_resyncs", {**here, "whole": planned.whole})
    if planned.about_all:
        run(connection, "forget_settled_refusals", here)
    run(
        connection,
        "plan_run_destination",
        {
            **here,
            "planned": planned.identifies,
            "skipped": Jsonb(dict(planned.skipped)),
            "per_audience": planned.target.manner.per_audience,
            "keeps_profiles": planned.target.manner.keeps_profiles,
            "mirrors": planned.mirrors,
            **planned.target.in_reach,
        },
    )


def _write_changes(connection: Connection, run_id: int, parameters: Mapping[str, object]) -> None:
    """Writes the rows of the history. The first of a block of runs, as a rule those of a first sync, are put into a
    table that becomes a part of the history afterwards: building indexes takes a fifth of keeping them row by row.
    """
    partition = pages.change_partition(run_id)
    begins = not one(connection, "find_table", {"table": partition.as_string(connection)}).found
    if begins:
        run(connection, "create_change_partition", partition=partition)
    run(connection, "write_changes", parameters, partition=partition)
    if begins:
        runs = pages.block(run_id)
        run(
            connection,
            "attach_change_partition",
            partition=partition,
            first_run=psycopg.sql.Literal(runs.start),
            end_run=psycopg.sql.Literal(runs.stop),
        )


def _write_run(connection: Connection, run_id: int, planned: plan.Plan) -> None:
    audiences = {
        **columns_of(planned.audiences, "audience_id", "name", "property", "problem"),
        "position": list(range(len(planned.audiences))),
        "members": [planned.members.get(audience.name, 0) for audience in planned.audiences],
    }
    run(connection, "add_run_audiences", {"run_id": run_id, **audiences})
    names = {audience.audience_id: audience.name for audience in planned.audiences}
    for target in planned.targets:
        counts = {
            **columns_of(target.counts, "audience_id", "added", "removed", "held", "held_add"),
            **columns_of(target.counts, "deferred", "deferred_add", "reads", "initial"),
            "members": [planned.members.get(names[count.audience_id], 0) for count in target.counts],
            "fingerprint": [target.fingerprints.get(count.audience_id) for count in target.counts],
        }
        here = {"run_id": run_id, "destination_id": target.target.destination_id}
        run(connection, "add_run_counts", {**here, **counts})
    one(
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


def _registered(connection: Connection, audiences: Sequence[models.Audience]) -> list[int]:
    """The state knows these audiences by the names and properties that they have now."""
    known = [audience for audience in audiences if audience.audience_id is not None]
    run(connection, "rename_audiences", columns_of(known, "audience_id", "name", "property"))
    ids = [_added(connection, each) if each.audience_id is None else each.audience_id for each in audiences]
    for audience_id, audience in zip(ids, audiences, strict=True):
        if audience.value_type is not None:
            run(connection, "pin_value_type", {"audience_id": audience_id, "value_type": audience.value_type})
    return ids


def _added(connection: Connection, audience: models.Audience) -> int:
    named = {"name": audience.name, "property": audience.property, "is_trait": audience.is_trait}
    return int(one(connection, "add_audience", named).audience_id)
