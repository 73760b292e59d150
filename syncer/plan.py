"""What a run has to tell: compares the snapshot with what each destination accepted, in SQL, and writes it down once.

The warehouse's rows never pass through Python, except those of a warehouse without COPY on their way into the
staging table. One transaction holds the whole plan: after a crash there is all of it or nothing.

The truth table of a contact's property (two users with one email are one contact; "has" means: some row):

    state has   snapshot has   certain   told                     op
    no          yes            -         true                     added
    yes         no             -         false                    removed
    yes         yes            yes       nothing (rows move)      covered
    yes         yes            no        true                     reasserted
    no          no             no        false                    removed

A row that cannot be sent is skipped, and is never read as an exit of the contact or the user that it still names.
A user whose email changes leaves one contact and enters another; because Segment also keys by user id, the `false`
to the old contact is followed by the present value to the new one, whether or not that had to be told.
"""

import difflib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import psycopg
import psycopg.sql
from psycopg.types.json import Jsonb

from syncer import errors, models, naming, pages, sql
from syncer.state import Connection, one, run, translated_errors

# An identify carries at most 250 properties and 20,000 bytes of them (see `split_parts`).
_PART_PROPERTIES = 250
_PART_BYTES = 20_000
# Below this a stale estimate does no harm.
_ANALYZE_FROM = 10_000

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is about: all audiences, or those of these names or properties."""

    audiences: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        return not self.audiences

    def covers(self, audience: models.Audience) -> bool:
        return self.whole or audience.name in self.audiences or audience.property in self.audiences


@dataclass(frozen=True, slots=True)
class Target:
    """A destination to plan for. A preview for one that the state does not know yet has `UNKNOWN`."""

    name: str
    destination_id: int
    page_size: int


@dataclass(frozen=True, slots=True)
class Request:
    """What to plan, from what."""

    warehouse: models.Warehouse
    sources: Sequence[models.Source]
    configured: Sequence[models.ConfiguredAudience]
    scope: Scope
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """What one audience gives to tell at one destination, in contacts."""

    audience_id: int
    added: int
    removed: int
    initial: bool


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The plan for one destination; `identifies` are calls, `skipped` members by reason."""

    target: Target
    identifies: int
    calls_saved: int
    counts: Sequence[AudienceCount]
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole plan. `audiences` are those in scope, also those set aside; `members` counts user ids by name."""

    snapshot_at: datetime
    memberships: int
    contacts: int
    audiences: Sequence[models.Audience]
    members: Mapping[str, int]
    targets: Sequence[TargetPlan]

    @property
    def calls_saved(self) -> int:
        return sum(target.calls_saved for target in self.targets)


def write(connection: Connection, request: Request, run_id: int) -> Plan:
    """Reads the warehouse and commits the plan of a run that is open; covered changes take effect with it."""

    def keep(planned: TargetPlan) -> None:
        _write_target(connection, run_id, planned, whole=request.scope.whole)

    with _snapshot(connection, request) as snapshot, _transaction(connection):
        plan = _make(connection, request, snapshot, _registered, keep)
        _write_run(connection, run_id, plan)
    return plan


def preview(connection: Connection, request: Request) -> Plan:
    """The same plan, thrown away: sends nothing, changes nothing, needs no lock."""
    with _snapshot(connection, request) as snapshot, _transaction(connection) as transaction:
        plan = _make(connection, request, snapshot, _imagined, _thrown_away)
        raise psycopg.Rollback(transaction)
    return plan


def before_delivery(connection: Connection, run_id: int, plan: Plan) -> None:
    """What has to be so before the first call: properties are pinned, and a large plan is known to the planner."""
    run(connection, "pin_audiences", {"run_id": run_id})
    if sum(target.identifies for target in plan.targets) >= _ANALYZE_FROM:
        run(connection, "analyze_changes", partition=pages.change_partition(run_id))


# --- the snapshot ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A relation with audience, user_id, email and unsendable. `taken_at` is None where this transaction takes it."""

    relation: psycopg.sql.Composable
    taken_at: datetime | None


@contextmanager
def _snapshot(connection: Connection, request: Request) -> Iterator[_Snapshot]:
    members = _members_in_state(connection, request)
    if members is not None:
        yield _Snapshot(members, None)
        return
    with request.warehouse.reading() as reading:
        _stage(connection, reading, request.sources)
        taken_at = reading.snapshot_at
    yield _Snapshot(psycopg.sql.Identifier("snapshot_member"), taken_at)
    run(connection, "empty_snapshot")


def _members_in_state(connection: Connection, request: Request) -> psycopg.sql.Composable | None:
    """The membership table itself, if it is all there is to read, lives in the state's database and may be read.

    A configured query never runs here: it belongs on the warehouse's own read-only connection.
    """
    if len(request.sources) != 1 or request.sources[0].table is None:
        return None
    probe = secrets.randbits(63)
    run(connection, "lock_probe", {"key": probe})
    try:
        found = request.warehouse.table_in_state(request.sources[0], probe)
    finally:
        run(connection, "unlock_probe", {"key": probe})
    if found is None or not one(connection, "may_read_table", {"oid": found.oid, "schema": found.schema}).allowed:
        return None
    # The text comes to stand inside statements with parameters, where a percent sign has to be doubled.
    members = psycopg.sql.SQL(found.members.replace("%", "%%"))
    return psycopg.sql.SQL("({})").format(psycopg.sql.SQL(sql.query("members_in_state")).format(members=members))


def _stage(connection: Connection, reading: models.Reading, sources: Sequence[models.Source]) -> None:
    """Copies the sources into this session's staging table. Raises `WarehouseError` unless every row arrived."""
    run(connection, "create_snapshot_member")
    run(connection, "empty_snapshot")
    staged = sum(_stage_source(connection, reading.stream(source)) for source in sources)
    if staged != reading.rows_read():
        raise errors.WarehouseError(
            f"the snapshot is not whole: the warehouse sent {reading.rows_read()} rows, {staged} arrived;"
            " nothing was sent, run it again"
        )
    run(connection, "analyze_snapshot_member")


def _stage_source(connection: Connection, stream: models.CopyStream | models.RowStream) -> int:
    with connection.cursor() as cursor:
        if isinstance(stream, models.CopyStream):
            with cursor.copy(sql.query("stage_members_binary")) as copy:
                for block in stream.blocks:
                    copy.write(block)
        else:
            with cursor.copy(sql.query("stage_members_rows")) as copy:
                for row in stream.rows:
                    copy.write_row(row)
        return cursor.rowcount


# --- the plan ----------------------------------------------------------------------------------------------------

_Identify = Callable[[Connection, models.Audience], int]


@contextmanager
def _transaction(connection: Connection) -> Iterator[psycopg.Transaction]:
    with translated_errors(), connection.transaction() as transaction:
        run(connection, "begin_plan")
        yield transaction


def _make(
    connection: Connection,
    request: Request,
    snapshot: _Snapshot,
    identify: _Identify,
    keep: Callable[[TargetPlan], None],
) -> Plan:
    """Plans for every target in turn in the private tables; `keep` saves each before the next is planned."""
    source = snapshot.relation
    counted = run(connection, "count_members", {}, source=source).fetchall()
    row_names = {row.audience for row in counted if _names_audience(row.audience)}
    resolved = naming.resolve(request.configured, row_names, known_audiences(connection))
    audiences = [audience for audience in resolved if request.scope.covers(audience)]
    _refuse_unknown(request.scope, resolved)
    keyed = [(identify(connection, audience), audience) for audience in audiences if audience.problem is None]

    for table in ("plan_audience", "member_delta", "contact_change", "caller", "planned_identify"):
        run(connection, f"create_{table}")
    targets: list[TargetPlan] = []
    for target in request.targets:
        run(connection, "empty_plan")
        targets.append(_plan_target(connection, target, keyed, source))
        keep(targets[-1])
    ids = {audience.name: audience_id for audience_id, audience in keyed}
    return Plan(
        snapshot_at=snapshot.taken_at or one(connection, "show_now").now,
        memberships=sum(row.rows for row in counted),
        contacts=one(connection, "count_contacts", {}, source=source).contacts,
        audiences=[replace(audience, audience_id=ids.get(audience.name)) for audience in audiences],
        members={row.audience: row.members for row in counted},
        targets=targets,
    )


def _plan_target(
    connection: Connection,
    target: Target,
    audiences: Sequence[tuple[int, models.Audience]],
    source: psycopg.sql.Composable,
) -> TargetPlan:
    here = {"destination_id": target.destination_id}
    properties = [audience.property or "" for _, audience in audiences]
    run(
        connection,
        "list_plan_audiences",
        {
            **here,
            "audience_ids": [audience_id for audience_id, _ in audiences],
            "names": [audience.name for _, audience in audiences],
            "properties": properties,
        },
    )
    run(connection, "analyze_plan_audience")
    run(connection, "diff_members", here, source=source)
    run(connection, "add_uncertain", here)
    run(connection, "analyze_member_delta")
    run(connection, "name_skipped", here)
    run(connection, "fold_changes", here)
    run(connection, "analyze_contact_change")
    run(connection, "name_callers", here)
    run(connection, "analyze_caller")
    run(connection, "follow_moves", here)
    run(connection, "name_callers", here)
    if len(properties) > _PART_PROPERTIES or sum(len(name) + 9 for name in properties) > _PART_BYTES:
        run(connection, "split_parts")
    run(connection, "order_identifies", {"page_size": target.page_size})
    run(connection, "analyze_planned_identify")
    calls = one(connection, "count_identifies")
    return TargetPlan(
        target=target,
        identifies=calls.identifies,
        calls_saved=calls.saved,
        counts=[AudienceCount(*row) for row in run(connection, "count_changes")],
        skipped={row.reason: row.members for row in run(connection, "count_skipped")},
    )


def _names_audience(name: str | None) -> bool:
    """The rule of `skip_reason` for an audience: a name of blanks names nothing."""
    return name is not None and name.strip(" \t\r\n\xa0") != ""


def known_audiences(connection: Connection) -> list[models.KnownAudience]:
    """The audiences that the state knows."""
    return [models.KnownAudience(*row) for row in run(connection, "list_audiences")]


def _refuse_unknown(scope: Scope, audiences: Sequence[models.Audience]) -> None:
    known = {audience.name for audience in audiences} | {audience.property for audience in audiences}
    for name in sorted(scope.audiences - known):
        near = difflib.get_close_matches(name, [word for word in known if word], n=3, cutoff=0.4)
        meant = " or ".join(repr(word) for word in near)
        hint = f"; did you mean {meant}?" if near else "; `syncer plan` lists those that there are"
        raise errors.ConfigError([errors.Problem("--audience", f"there is no audience {name!r}{hint}")])


def _imagined(_connection: Connection, audience: models.Audience) -> int:
    """A preview registers nothing: an audience that is new gets a number that no other can have."""
    return audience.audience_id if audience.audience_id is not None else -1 - secrets.randbelow(2**31 - 1)


def _registered(connection: Connection, audience: models.Audience) -> int:
    named = {"name": audience.name, "property": audience.property}
    if audience.audience_id is None:
        return int(one(connection, "add_audience", named).audience_id)
    run(connection, "rename_audience", {**named, "audience_id": audience.audience_id})
    return audience.audience_id


def _thrown_away(_plan: TargetPlan) -> None:
    """A preview keeps nothing."""


# --- writing it down ---------------------------------------------------------------------------------------------


def _write_target(connection: Connection, run_id: int, plan: TargetPlan, *, whole: bool) -> None:
    here = {"run_id": run_id, "destination_id": plan.target.destination_id}
    run(connection, "write_changes", here)
    run(connection, "doubt_followed", here)
    written = {row.page for row in run(connection, "write_pages", here)}
    if pages.COVERED_PAGE in written:
        delivery = pages.Delivery(run_id, plan.target.destination_id)
        pages.settle(connection, delivery, [pages.Settlement(pages.COVERED_PAGE)])
    run(connection, "refresh_skipped_gone", here)
    run(connection, "refresh_skipped_new", here)
    if whole:
        run(connection, "forget_settled_refusals", here)
    run(
        connection,
        "plan_run_destination",
        {**here, "planned": plan.identifies, "skipped": Jsonb(dict(plan.skipped))},
    )


def _write_run(connection: Connection, run_id: int, plan: Plan) -> None:
    by_id = {audience.audience_id: audience for audience in plan.audiences}
    for position, audience in enumerate(plan.audiences):
        run(
            connection,
            "add_run_audience",
            {
                "run_id": run_id,
                "position": position,
                "audience_id": audience.audience_id,
                "name": audience.name,
                "property": audience.property,
                "members": plan.members.get(audience.name, 0),
                "problem": audience.problem,
            },
        )
    for target in plan.targets:
        for count in target.counts:
            run(
                connection,
                "add_run_count",
                {
                    "run_id": run_id,
                    "destination_id": target.target.destination_id,
                    "audience_id": count.audience_id,
                    "members": plan.members.get(by_id[count.audience_id].name, 0),
                    "planned_add": count.added,
                    "planned_remove": count.removed,
                    "initial": count.initial,
                },
            )
    one(
        connection,
        "mark_planned",
        {
            "run_id": run_id,
            "snapshot_at": plan.snapshot_at,
            "memberships": plan.memberships,
            "contacts": plan.contacts,
            "calls_saved": plan.calls_saved,
        },
    )
