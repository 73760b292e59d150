"""The snapshot of the last run, kept at the warehouse: when a plan may look at what changed since, and when it may not.

A plan depends on the snapshot by its differences from what each destination accepted (`member_delta`) and by the number
of rows of each audience. Take a user in an audience: if their rows are what they were when the last plan was made
(`base`), no destination differed in them then, and nothing is due otherwise by now, then nothing differs now either,
because only what a plan tells changes the state. So it is enough to stage, and to compare with the state, the rows of
those who moved since, and of those of whom anything was left (`rest_member`): what a plan tells may be refused, or
never leave. The number of rows is the warehouse's own count.

The plan writes what is left of it and turns `base` to its own snapshot, in its own transaction: no moment needs state
and warehouse to agree. A table is noted in the state before it is made (`scratch_table`), so it is dropped whatever
happens, and only by the state that made it. Any doubt means that everything is read, and is said: no base, or one that
does not add up to what it did; a destination whose settings, reach or audiences are compared otherwise than then
(`TargetPlan.reading`), or that was paused then; somebody to be forgotten. A statement that needs the whole snapshot is
refused a part of it, and the plan is made again from everything.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import NamedTuple

from psycopg.types.json import Jsonb

from syncer import __version__, errors, mirrors, models
from syncer.log import Logger
from syncer.planning import staging
from syncer.planning.changes import TargetPlan
from syncer.planning.counts import Counts, too_many
from syncer.planning.snapshot import STAGED, Generation, Part, Read, Snapshot, in_place, refuse_unready, staged
from syncer.planning.targets import PlanRequest, Target
from syncer.state import Connection, execute, fetch_all, fetch_optional, fetch_value

_DONE_WITHOUT = frozenset(
    "are_padded diff_members count_rows_by_audience add_up_audiences add_up_groups count_members count_contacts"
    " count_own_names write_rest".split()
)
"""Statements that read the whole snapshot where it is all staged, and that the next plan can do without."""

RECOUNTED_EVERY = 16
"""Of so many runs, in one the warehouse counts the users of all audiences, to be compared with what the state has."""

_NOT_KEPT = "the run before kept no snapshot: `warehouse.scratch` was not set"
IN_PLACE = "the table is read where it is, in the state's own database"
_UNUSABLE = "the tables in `warehouse.scratch` could not be used; `syncer check` says why"
_ALTERED = "the snapshot of the run before is not at the warehouse as it was left"
_FORGOTTEN = "somebody was forgotten whom the warehouse may still have"
_MUCH_MOVED = "so much changed at the warehouse"
_MUCH_LEFT = "so much was left to be told by the run before"
_ROLLED_BACK = "the run before took a run back, so that not all that differed was looked at"
_SUPPRESSED = "whoever is suppressed is looked for among all rows"
_PRIORITIES = "which audience of a person comes first needs all rows of that person"
_HELD_OUT = "whoever is held out is looked for among all rows"
_TRAITS = "traits and computed traits need all rows of a contact"
_BY_USER = "a destination knows its contacts by user id, which needs all rows of a contact"

log = Logger(__name__)


class _Base(NamedTuple):
    """The row of `base`."""

    run_id: int | None
    scratch_table: str | None
    seal: str | None
    sources: str | None
    readings: Mapping[str, str]
    countable: bool
    missing: str | None


class _Garbage(NamedTuple):
    """A table that nobody needs any more."""

    scratch: str
    name: str


class _Elsewhere(NamedTuple):
    """A table in a database that is not the warehouse any more."""

    place: str
    scratch: str
    name: str


_NO_BASE = _Base(None, None, None, None, {}, countable=False, missing="there is no snapshot of an earlier run")


@contextmanager
def snapshot(connection: Connection, request: PlanRequest, run_id: int, whole: str | None) -> Iterator[Snapshot]:
    """The members as of now, or what a plan needs of them. `whole`: why that is everything; None if it may be less."""
    found = in_place(connection, request.warehouse, request.sources, request.guard.ready, request.exclusions)
    if found is not None:
        yield replace(found, read=Read("everything", None if request.mirrors is None else IN_PLACE))
        return
    with staging.room(connection):
        never = None if request.mirrors is None else _why_never(request.sources, request.targets, request.exclusions)
        taken = None
        if request.mirrors is not None and never is None:
            taken = _mirrored(connection, request, request.mirrors, run_id, whole)
            never = _UNUSABLE
        if taken is None:
            taken = staged(connection, request.warehouse, request.sources, request.guard.ready, request.exclusions)
            taken = replace(taken, read=taken.read._replace(because=never))
        if request.mirrors is not None:
            log.info("the warehouse was read", **taken.read._asdict())
        yield taken


def why_whole(
    connection: Connection,
    warehouse: models.Warehouse,
    sources: Sequence[models.Source],
    targets: Sequence[Target],
    exclusions: models.Exclusions,
) -> str | None:
    """Why runs of this configuration read everything although the warehouse keeps snapshots; None if they do not."""
    if in_place(connection, warehouse, sources, None, exclusions) is not None:
        return IN_PLACE
    return _why_never(sources, targets, exclusions)


def begin(connection: Connection, snapshot: Snapshot) -> None:
    """Makes room for what is left, in the transaction of a plan, if its snapshot may be the base of the next."""
    if snapshot.generation is not None:
        execute(connection, "create_rest_group")


def gather(connection: Connection, snapshot: Snapshot) -> None:
    """Gathers what is left at the destination that the private tables are about, for `turn`."""
    if snapshot.generation is not None:
        execute(connection, "gather_rest")


def turn(connection: Connection, counts: Counts, targets: Sequence[TargetPlan]) -> None:
    """Makes the snapshot of this plan the base of the next, if that can be, in the transaction of the plan.

    What was left at each destination was gathered before.
    """
    generation, missing = counts.snapshot.generation, _why_no_base(connection, counts, targets)
    execute(connection, "drop_rest")
    if generation is None or missing is not None:
        values: dict[str, object] = {**dict.fromkeys(("scratch_table", "seal", "sources")), "countable": False}
        execute(
            connection, "write_base", {**values, "run_id": None, "readings": Jsonb({}), "missing": missing or _NOT_KEPT}
        )
        return
    counts.snapshot.execute(connection, "write_rest")
    known = {"countable": counts.learnable}
    readings = {str(target.target.destination_id): target.reading for target in targets}
    values = {"scratch_table": generation.table, "seal": generation.seal, "sources": generation.sources}
    execute(
        connection,
        "write_base",
        {**values, **known, "run_id": counts.run_id, "readings": Jsonb(readings), "missing": None},
    )


def sweep(connection: Connection, kept: mirrors.Mirrors) -> None:
    """Drops the tables that this state made at the warehouse and needs no more. What cannot be dropped now, the next
    run drops; what is in a database that is not the warehouse any more can only be named."""
    for where, names in elsewhere(connection, kept.place).items():
        log.warning("tables with the rows of members were left in another database", place=where, tables=names)
    garbage: dict[str, list[str]] = {}
    for each in fetch_all(connection, _Garbage, "list_garbage", {"place": kept.place}):
        garbage.setdefault(each.scratch, []).append(each.name)
    for scratch, names in garbage.items():
        try:
            gone = kept.drop(scratch, names)
        except errors.WarehouseError as error:
            log.warning(
                "tables of earlier runs could not be dropped", tables=len(names), scratch=scratch, error=error.unquoted
            )
            continue
        execute(connection, "strike_scratch", {"names": list(gone)})
        if len(gone) < len(names):
            log.warning("tables of earlier runs could not be dropped", tables=len(names) - len(gone), scratch=scratch)


def elsewhere(connection: Connection, place: str | None) -> Mapping[str, Sequence[str]]:
    """The tables with members that were left in databases that are not the warehouse any more, or whose scratch schema
    is none any more, by database. Only who has their addresses can drop them."""
    found: dict[str, list[str]] = {}
    for each in fetch_all(connection, _Elsewhere, "list_elsewhere", {"place": place}):
        found.setdefault(each.place, []).append(f"{each.scratch}.{each.name}")
    return found


def left(connection: Connection) -> int:
    """How many tables `sweep` has not dropped yet."""
    return int(fetch_value(connection, "count_garbage"))


def _why_never(
    sources: Sequence[models.Source], targets: Sequence[Target], exclusions: models.Exclusions
) -> str | None:
    """Why no plan of this configuration can be made from a part of the snapshot."""
    if exclusions.suppressed:
        return _SUPPRESSED
    if exclusions.priorities:
        return _PRIORITIES
    if exclusions.holds_out:
        return _HELD_OUT
    if any(source.traits or source.value for source in sources):
        return _TRAITS
    if any(target.mode.identity != "email" for target in targets):
        return _BY_USER
    return None


def _mirrored(
    connection: Connection, request: PlanRequest, kept: mirrors.Mirrors, run_id: int, whole: str | None
) -> Snapshot | None:
    """The snapshot by way of a table at the warehouse; None if that does not work."""
    sweep(connection, kept)
    base = fetch_optional(connection, _Base, "show_base") or _NO_BASE
    because = whole or _why_everything(connection, request, base)
    countable = _is_countable(connection, request.targets, base, run_id)
    table = fetch_value(connection, "name_scratch", {"run_id": run_id})
    made = {"scratch": kept.scratch, "names": list(kept.names(table, request.sources)), "run_id": run_id}
    execute(connection, "register_scratch", {"place": kept.place, **made})
    try:
        if because is not None:  # what is read of it now is a base to come
            _refuse_unproven(kept, request.sources)
        with kept.opened(request.sources, fetch_value(connection, "show_sum_key")) as mirror:
            if request.guard.ready is not None:
                refuse_unready(mirror, request.guard.ready)
            return _compared(connection, request, mirror, table, run_id, base, because, countable=countable)
    except errors.WarehouseError as error:
        log.warning("everything is read, because the scratch tables cannot be used", error=error.unquoted)
        return None


def _refuse_unproven(kept: mirrors.Mirrors, sources: Sequence[models.Source]) -> None:
    """Raises unless the warehouse has just shown that it can be relied upon. A base of before was made where it had."""
    wrong = kept.scratch_problems(sources)
    if wrong:
        raise errors.WarehouseError(f"warehouse.scratch: {wrong[0]}", quoted=wrong[0])


def _compared(
    connection: Connection,
    request: PlanRequest,
    mirror: mirrors.Mirror,
    table: str,
    run_id: int,
    base: _Base,
    because: str | None,
    *,
    countable: bool,
) -> Snapshot:
    """Makes the table of this snapshot, and stages what moved since the base, or everything."""
    mirror.create(table)
    rows = mirror.rows(table) if because is None else None
    generation = Generation(table, _sealed(mirror, table, rows), _digest(request.sources))
    part, source = None, request.sources[0]
    recounted = run_id % RECOUNTED_EVERY == 0
    if rows is not None and base.scratch_table is not None and base.run_id is not None:
        # What adds up to the same is the same: nothing has to be compared.
        other = None if base.seal == generation.seal else base.scratch_table
        if mirror.seal(base.scratch_table, None if other is None else rows) == base.seal:
            moved = ((stream, source) for stream in mirror.moved(table, other, rows))
            travelled = staging.stage(connection, mirror, moved, staging.MOVED)
            readings = {int(key): reading for key, reading in base.readings.items()}
            headcount = None if countable and not recounted else mirror.headcount(table)
            part = Part(base.run_id, base.scratch_table, readings, rows, headcount)
            because = _MUCH_MOVED if too_many(travelled.rows, sum(rows.values())) else None
        else:
            because = _ALTERED
    if part is None or because is not None:
        part = None
        travelled = staging.stage(connection, mirror, ((mirror.whole(table), source) for _ in range(1)))
    read = Read("everything" if part is None else "changes", because, *travelled)
    return Snapshot(STAGED, mirror.snapshot_at, read=read, part=part, generation=generation)


def _sealed(mirror: mirrors.Mirror, table: str, rows: mirrors.Rows | None) -> str:
    seal = mirror.seal(table, rows)
    if seal is None:
        raise errors.WarehouseError(f"warehouse.scratch: the table {table} was made and cannot be read")
    return seal


def _why_everything(connection: Connection, request: PlanRequest, base: _Base) -> str | None:
    """Why everything has to be read, as far as that is known before the warehouse is asked."""
    if base.missing is not None:
        return base.missing
    if base.sources != _digest(request.sources):
        return "the sources or the version of syncer are not those of the run before"
    if fetch_value(connection, "any_forgotten"):
        return _FORGOTTEN
    return None


def _is_countable(connection: Connection, targets: Sequence[Target], base: _Base, run_id: int) -> bool:
    """Whether the differences are likely to tell how many users and contacts there are: see `counts`."""
    known = {"destination_ids": [target.destination_id for target in targets], "run_id": run_id}
    return base.countable and bool(fetch_value(connection, "knows_counts", known))


def _why_no_base(connection: Connection, counts: Counts, targets: Sequence[TargetPlan]) -> str | None:
    """Why the next plan cannot compare with the snapshot of this one."""
    if counts.snapshot.generation is None:
        return counts.snapshot.read.because
    if any(target.rolls_back for target in targets):
        return _ROLLED_BACK
    if fetch_value(connection, "any_forgotten"):
        return _FORGOTTEN
    more = counts.snapshot.asked - _DONE_WITHOUT
    if more:
        return f"the plan before needed all rows, for {', '.join(sorted(more))}"
    if too_many(fetch_value(connection, "count_rest"), sum(counts.rows.values())):
        return _MUCH_LEFT
    return None


def _digest(sources: Sequence[models.Source]) -> str:
    """Of everything that says what the rows of a table at the warehouse are."""
    said = [__version__, [[field.name, getattr(source, field.name)] for source in sources for field in fields(source)]]
    return hashlib.sha256(json.dumps(said, default=dict).encode()).hexdigest()[:32]
