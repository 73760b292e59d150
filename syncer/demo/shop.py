"""The shop of `syncer demo`: customers, orders, and the audiences that its marketing team keeps over them.

Owns the schema `shop` in the demo's own database; its statements are `sql/demo/*.sql`. Plays the part of the team that
fills the warehouse, lets days pass, and knows the truth by SQL of its own, without any of syncer's code.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, LiteralString, NamedTuple, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from syncer.sql import packaged
from syncer.state import translated_errors

QUERY_AUDIENCE = "Big basket last 90 days"
"""The audience that the configuration defines by a query; the others are rows of `MEMBERSHIP_TABLE`."""

MEMBERSHIP_TABLE = "shop.audience_membership"

_BUILD = (
    "create_shop create_calendar set_calendar create_today create_dice create_customers create_orders create_name"
    " create_address create_typed_address create_add_customers create_add_orders create_change_addresses"
    " create_pass_days create_broken_models create_audience_membership create_unsubscribed"
).split()


Row = TypeVar("Row")


class Size(NamedTuple):
    """What the shop is like on a day."""

    today: date
    customers: int
    orders: int


class Dirt(NamedTuple):
    """What customers typed as their email: how many nothing, no address, one that another customer has, one with blanks
    or capitals."""

    missing: int
    wrong: int
    shared: int
    untidy: int


class Arrivals(NamedTuple):
    """How many orders, customers and new addresses came."""

    orders: int
    customers: int
    addresses: int


class AudienceSize(NamedTuple):
    """How many members an audience has."""

    audience: str
    members: int


class Traveller(NamedTuple):
    """A customer who left an audience."""

    user_id: str
    name: str


class Unsubscribed(NamedTuple):
    """A customer who wants no more mail."""

    name: str
    contact: str


class _Lock(NamedTuple):
    taken: bool


class _LastRun(NamedTuple):
    run_id: int | None


class _Membership(NamedTuple):
    contact: str
    audience: str


class _Contact(NamedTuple):
    contact: str


@functools.cache
def statement(name: str) -> LiteralString:
    """The statement of `sql/demo/<name>.sql`, without its comment: some are shown to the reader as they are."""
    file = packaged("_sql", "sql") / "demo" / f"{name}.sql"
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


class Shop:
    """The shop, by way of one session."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def is_ours(self) -> bool:
        """Whether no other demo works in this database. If so, this session claims it."""
        return self._one(_Lock, "take_lock").taken

    def open(self, customers: int, seed: int) -> None:
        """Builds the shop afresh, and drops an earlier one with all that syncer remembered of it."""
        with self._connection.transaction():
            self._run("drop_everything")
            for name in _BUILD:
                self._run(name, seed=sql.Literal(seed))
            self._run("add_first_customers", {"customers": customers})
            self._run("add_first_orders")
            self._run("analyze")

    def pass_days(self, days: int) -> Arrivals:
        """Lets days pass. Returns what they brought."""
        return self._one(Arrivals, "pass_days", {"days": days})

    def unsubscribe(self) -> Unsubscribed | None:
        """Lets a customer unsubscribe who is in many audiences; None if nobody was told anything."""
        return next(iter(self._all(Unsubscribed, "unsubscribe")), None)

    def break_model(self, audience: str) -> None:
        """Makes the job that builds an audience fail: its rows are gone."""
        self._run("break_model", {"audience": audience})

    def mend_models(self) -> None:
        """Builds every audience again, also one whose job failed."""
        self._run("mend_models")

    def size(self) -> Size:
        """What the shop is like now."""
        return self._one(Size, "show_shop")

    def dirt(self) -> Dirt:
        """What is wrong with the emails of the customers there are now."""
        return self._one(Dirt, "show_dirt")

    def members(self) -> Sequence[AudienceSize]:
        """Every audience with its number of members."""
        return self._all(AudienceSize, "count_members", None, **_with_query_audience())

    def truth(self) -> Mapping[str, frozenset[str]]:
        """Contact to the audiences that it is in, by the shop's own tables."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for row in self._all(_Membership, "read_truth", None, **_with_query_audience()):
            found[row.contact].add(row.audience)
        return {contact: frozenset(audiences) for contact, audiences in found.items()}

    def shared_contacts(self) -> frozenset[str]:
        """The contacts that several customers share."""
        return frozenset(row.contact for row in self._all(_Contact, "list_shared_contacts"))

    def traveller(self) -> Traveller | None:
        """A customer who left an audience; None if there is none yet."""
        return next(iter(self._all(Traveller, "find_member")), None)

    def last_run(self) -> int | None:
        """The last run that has ended."""
        return self._one(_LastRun, "last_run").run_id

    def ask(self, name: str, **placeholders: sql.Composable) -> tuple[str, Sequence[str], Sequence[Sequence[Any]]]:
        """One of the statements that are shown: its text as it was run, the names of its columns, its rows."""
        text = sql.SQL(statement(name)).format(**placeholders)
        cursor = self._connection.execute(text)
        columns = [column.name for column in cursor.description or ()]
        return text.as_string(self._connection), columns, cursor.fetchall()

    def _one(self, row: type[Row], name: str, parameters: Mapping[str, object] | None = None) -> Row:
        [found] = self._all(row, name, parameters)
        return found

    def _all(
        self,
        row: type[Row],
        name: str,
        parameters: Mapping[str, object] | None = None,
        **placeholders: sql.Composable,
    ) -> list[Row]:
        with self._connection.cursor(row_factory=class_row(row)) as cursor:
            return cursor.execute(sql.SQL(statement(name)).format(**placeholders), parameters).fetchall()

    def _run(self, name: str, parameters: Mapping[str, object] | None = None, **placeholders: sql.Composable) -> None:
        self._connection.execute(sql.SQL(statement(name)).format(**placeholders), parameters)


@contextmanager
def entered(url: str) -> Iterator[Shop]:
    """The shop in this database, for as long as the context lasts."""
    with (
        translated_errors(),
        psycopg.connect(url, autocommit=True, application_name="syncer demo") as connection,
    ):
        yield Shop(connection)


def _with_query_audience() -> Mapping[str, sql.Composable]:
    return {"query": sql.SQL(statement("big_basket")), "query_name": sql.Literal(QUERY_AUDIENCE)}
