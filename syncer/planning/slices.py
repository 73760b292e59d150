"""Divides a large first sync, so that what is planned already is told while the rest is planned.

One transaction compares everything and plans the first slice. What comes later waits in tables of the session; for
whoever looks, it is deferred: if the process ends, the next run finds it as what a first sync has still to add. Each
slice has a transaction of its own, which plans it by the same statements, and is committed before its first call.

    member_delta ──begin──▶ the first slice, planned with the run
         └─▶ later_delta ──divide──▶ the second, the third, … each planned while the one before it is delivered

Only what is new through and through is divided: no call depends on another contact's, no rule makes anything wait, and
all of it has the same urgency. It is divided only once the first slice is on its way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg.sql

from syncer.planning import tables
from syncer.state import Connection, analyze, execute, fetch_all, fetch_value

ROWS = 150_000
"""About so many rows are a slice: few enough that the first call leaves soon, and that a stop need not wait long."""

MOST = 200
"""No more slices than that, however many rows: each is a table, and a server has room for some thousands of locks."""

_SAMPLE = 30_000
"""Of so many rows the bounds of slices are taken."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What comes after the first slice: `bounds` are the contacts with which slices begin, `waiting` counts contacts,
    at most, by audience."""

    bounds: Sequence[str]
    waiting: Mapping[int, int]


class _Waiting(NamedTuple):
    audience_id: int | None
    contacts: int


def begin(connection: Connection, destination_id: int, rows: int, slice_rows: int) -> Rest | None:
    """Leaves the first slice of so many `rows` in `member_delta`. None: they must not be divided, and all are there."""
    slices = min(rows // slice_rows, MOST)
    if slices < 2 or not fetch_value(connection, "is_all_new", {"destination_id": destination_id}):
        return None
    sampled = {"slices": slices, "percent": min(100.0, 100.0 * _SAMPLE / rows)}
    bounds: Sequence[str] | None = fetch_value(connection, "find_bounds", sampled)
    if not bounds:
        return None
    first = {"first": bounds[0]}
    counted = fetch_all(connection, _Waiting, "count_later", first)
    drop(connection)
    execute(connection, "put_aside")
    execute(connection, "make_first_slice")
    execute(connection, "fill_first_slice", first)
    execute(connection, "name_slice", slice=psycopg.sql.Identifier("first_delta"))
    execute(connection, "keep_plan_audience")
    analyze(connection, "member_delta")
    return Rest(bounds, {each.audience_id: each.contacts for each in counted if each.audience_id is not None})


def divide(connection: Connection, rest: Rest) -> None:
    """Divides what comes after the first slice."""
    execute(connection, "create_sliced_delta")
    for number in range(1, len(rest.bounds) + 1):
        execute(connection, "create_slice", slice=_table(number), number=psycopg.sql.Literal(number))
    execute(connection, "divide_later", {"bounds": list(rest.bounds)})
    execute(connection, "drop_later_delta")


def take(connection: Connection, number: int) -> None:
    """Makes a later slice what is planned in this transaction, in private tables of its own."""
    tables.create(connection)
    execute(connection, "recall_plan_audience")
    execute(connection, "detach_slice", slice=_table(number))
    execute(connection, "name_slice", slice=_table(number))
    analyze(connection, "plan_audience", "member_delta")


def drop(connection: Connection) -> None:
    """Drops what was not planned."""
    execute(connection, "drop_later")


def _table(number: int) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(f"slice_{number}")
