"""What a warehouse promises that keeps the snapshot of the last run in a table of its own, and compares there.

Such a table is made once, from everything that the sources say, and never changed; its name is never used again. What
is in it is a cache: it may be gone or wrong at any time, and then everything is read. Where each source has a table of
its own, the name of a table here is what the names of them all begin with.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from syncer import models

Stream = models.CopyStream | models.RowStream
"""Rows of audience, user_id, email and unsendable."""

Rows = Mapping[str | None, int]
"""How many rows there are of each audience."""


class Headcount(NamedTuple):
    """How many different users each audience has, and how many different contacts there are, as a plan counts both."""

    users: Mapping[str, int]
    contacts: int


class Mirror(models.Reading, Protocol):
    """One open view of the warehouse that makes a table and reads only such tables. Its `stream` is not for use."""

    def create(self, table: str) -> None:
        """Makes a table of all members of the sources that the view was opened for."""

    def seal(self, table: str, rows: Rows | None = None) -> str | None:
        """What the rows of a table add up to; None if there is no such table, or it cannot be read. `rows`: it is to be
        compared with another, by `moved`, and this is given there, too."""

    def rows(self, table: str) -> Rows:
        """How many rows a table has of each audience."""

    def headcount(self, table: str) -> Headcount:
        """How many users and contacts a table is about."""

    def whole(self, table: str) -> Stream:
        """All rows of a table."""

    def moved(self, table: str, base: str | None, rows: Rows) -> Iterator[Stream]:
        """All rows of a table that are about those who moved: users in an audience of whom the table `base` has not the
        same rows. Also all rows that name no audience or no user, and, for everybody who moved, a row that says no more
        than that: its unsendable is null. `base` None: nobody moved. `rows` are those of the table, by audience.
        Both tables have been sealed for it.

        Each stream is to be read to its end before the next."""


class Mirrors(Protocol):
    """The place for such tables at a warehouse: the schema `scratch`."""

    @property
    def scratch(self) -> str:
        """Its name, as configured."""

    @property
    def place(self) -> str:
        """The database, for people; without secrets."""

    def names(self, table: str, sources: Sequence[models.Source]) -> Sequence[str]:
        """The names of all tables that are made for a snapshot of this name: its own, or what begins with it; and those
        that are not needed once the plan is made."""

    def opened(self, sources: Sequence[models.Source], key: int) -> AbstractContextManager[Mirror]:
        """Opens a view. What was made in it is there once it was left without an error. `key`: what rows add up to
        depends on it, so that nobody who does not know it can choose two addresses by which they add up to the same."""

    def drop(self, scratch: str, tables: Sequence[str]) -> Sequence[str]:
        """Drops these tables in a schema, this one or one of before; returns those that are certainly not there now."""

    def scratch_problems(self, sources: Sequence[models.Source]) -> list[str]:
        """What keeps runs from using such tables for these sources, as `syncer check` says it; leaves nothing there."""

    def close(self) -> None:
        """Closes every connection."""
