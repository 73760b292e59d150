"""Divides a large first sync, so that what is planned already is told while the rest is planned.

One transaction compares everything and writes the first slice. What comes later waits in tables of the session; for
whoever looks, it is deferred: if the process ends, the next run finds it as what a first sync has still to add. Each
slice has a transaction of its own, which is committed before its first call. Users and contacts are counted when the
first call has left: at ten million rows that takes as long as the comparison.

    member_delta ──begin──▶ the first slice, written with the run
         └─▶ later_delta ──count, divide──▶ the second, the third, … each written while the one before it is delivered

Only what is new through and through is divided: no call depends on another contact's, no rule makes anything wait, and
all of it has the same urgency. So a slice needs none of the steps of `changes`: one statement plans and writes it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg.sql

from syncer.planning import parts, tables
from syncer.planning.targets import Target
from syncer.state import Connection, blocks, execute, fetch_all, fetch_value

ROWS = 150_000
"""About so many rows are a slice: few enough that the first call leaves soon, and that a stop need not wait long."""

MOST = 200
"""No more slices than that, however many rows: each is a table, and a server has room for some thousands of locks."""

_SAMPLE = 30_000
"""Of so many rows the bounds of slices are taken."""


class Written(NamedTuple):
    """What a slice has of an audience: `rows`, so many `contacts` that are told of it, and `calls` that begin with
    it."""

    audience_id: int
    rows: int
    contacts: int
    calls: int


class Counted(NamedTuple):
    """How many different users each audience of a plan has, by id, and how many different contacts there are."""

    users: Mapping[int, int]
    contacts: int


class _Users(NamedTuple):
    audience_id: int
    users: int


class _Waiting(NamedTuple):
    audience_id: int | None
    contacts: int


@dataclass(frozen=True, slots=True)
class Slices:
    """A plan for one destination that is written slice by slice. `bounds` are the contacts with which the slices after
    the first one begin, `waiting` counts the contacts of these, at most, by audience. `properties` are those of all
    audiences of the plan."""

    connection: Connection
    run_id: int
    target: Target
    properties: Collection[str]
    bounds: Sequence[str]
    waiting: Mapping[int, int]

    def write_first(self) -> Sequence[Written]:
        """Writes the first slice, of all that is in `member_delta`."""
        execute(self.connection, "keep_plan_audience")
        return self._write(self.bounds[0])

    def count(self) -> Counted:
        """Counts the snapshot by what was put aside, if that is all of it: of the first slice, too."""
        users = fetch_all(self.connection, _Users, "count_users_put_aside")
        contacts = fetch_value(self.connection, "count_contacts_put_aside")
        return Counted({each.audience_id: each.users for each in users}, contacts)

    def divide(self) -> None:
        """Divides what comes after the first slice."""
        execute(self.connection, "create_sliced_delta")
        for number in range(1, len(self.bounds) + 1):
            execute(self.connection, "create_slice", slice=_table(number), number=psycopg.sql.Literal(number))
        execute(self.connection, "divide_later", {"bounds": list(self.bounds)})
        execute(self.connection, "drop_later_delta")

    def write(self, number: int) -> Sequence[Written]:
        """Writes a later slice."""
        take(self.connection, number)
        written = self._write(None)
        execute(self.connection, "drop_member_delta")
        return written

    def _write(self, until: str | None) -> Sequence[Written]:
        events = self.target.mode.events
        may_split = parts.may_be_needed(self.properties)
        if may_split:
            execute(self.connection, "fold_crowded", {"until": until, **parts.limits()})
            execute(self.connection, "split_parts", parts.limits())
        told = {
            "run_id": self.run_id,
            "destination_id": self.target.destination_id,
            "until": until,
            "page_size": self.target.destination.page_size,
            "events": events is not None and events.initial,
        }
        with blocks.filled(self.connection, self.run_id) as partition:
            given = {"partition": partition, "may_split": psycopg.sql.Literal(may_split)}
            return fetch_all(self.connection, Written, "write_slice", told, **given)


def begin(
    connection: Connection, run_id: int, target: Target, properties: Collection[str], rows: int, slice_rows: int
) -> Slices | None:
    """Decides how to divide so many `rows`, which are in `member_delta`. None: they must not be divided."""
    slices = min(rows // slice_rows, MOST)
    if slices < 2 or not fetch_value(connection, "is_all_new", {"destination_id": target.destination_id}):
        return None
    sampled = {"slices": slices, "percent": min(100.0, 100.0 * _SAMPLE / rows)}
    bounds: Sequence[str] | None = fetch_value(connection, "find_bounds", sampled)
    if not bounds:
        return None
    counted = fetch_all(connection, _Waiting, "count_later", {"first": bounds[0]})
    drop(connection)
    waiting = {each.audience_id: each.contacts for each in counted if each.audience_id is not None}
    return Slices(connection, run_id, target, properties, bounds, waiting)


def put_aside(connection: Connection) -> None:
    """Keeps the differences for the later slices, when the first one is written."""
    execute(connection, "put_aside")


def take(connection: Connection, number: int) -> None:
    """Makes a later slice what is planned in this transaction, in private tables of its own."""
    tables.create(connection)
    execute(connection, "recall_plan_audience")
    execute(connection, "detach_slice", slice=_table(number))
    execute(connection, "name_slice", slice=_table(number))


def drop(connection: Connection) -> None:
    """Drops what was not planned."""
    execute(connection, "drop_later")


def _table(number: int) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(f"slice_{number}")
