"""Databases of tests, on a server where many processes of pytest may make theirs."""

import functools
import itertools
import os
from collections.abc import Collection

import psycopg
import sqlalchemy
from psycopg import sql

from syncer import addresses
from syncer.addresses import Address

_PREFIX = f"syncer_test_{os.getpid()}_"
TEMPLATE = f"syncer_template_{os.getpid()}"
BEGUN = f"syncer_begun_{os.getpid()}"
_EMPTY = f"syncer_empty_{os.getpid()}"


def with_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return sqlalchemy.make_url(url).set(database=name).render_as_string(hide_password=False)


def address_of(url: sqlalchemy.URL) -> Address:
    """The same, as a warehouse is opened by it."""
    return addresses.parse(url.render_as_string(hide_password=False))


def is_of_a_test(conninfo: str) -> bool:
    """Whether one connects there to a database that this process made for a test."""
    return f"dbname={_PREFIX}" in conninfo


class Databases:
    """Makes and drops databases over a session of its own. `server` is the URL of any database there."""

    def __init__(self, server: str, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._server = server
        self._connection = connection
        self._doomed: list[str] = []
        self._numbers = itertools.count()
        # Before version 15 this was the only strategy; since then it is the quick one for small databases.
        self._strategy = "STRATEGY file_copy" if connection.info.server_version >= 150000 else ""

    def create(self, name: str, template: str = "template0") -> str:
        """A database of this name, in the place of one that a process of the same number left; its URL."""
        self._drop(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8' {}")
        names = sql.Identifier(name), sql.Identifier(template)
        self._connection.execute(statement.format(*names, sql.SQL(self._strategy)))
        return with_database(self._server, name)

    def create_for_test(self, template: str) -> str:
        """Another one for a test, whose sessions may be used again."""
        return self.create(f"{_PREFIX}{next(self._numbers)}", self.empty if template == "template0" else template)

    @functools.cached_property
    def empty(self) -> str:
        """An empty one, to be copied: in three quarters of the files, and with what a first session would make."""
        url = self.create(_EMPTY)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM FULL")
        psycopg.connect(url).close()
        return _EMPTY

    def drop_all(self) -> None:
        """Drops those of past tests, and what they were copies of."""
        self.drop_later([])
        self._drop(_EMPTY)

    def drop_later(self, urls: Collection[str]) -> None:
        """Drops them at the next time, when nobody is connected any more: else the server sleeps 100 ms for each."""
        doomed, self._doomed = self._doomed, list(urls)
        for url in doomed:
            self.drop(url)

    def drop(self, url: str) -> None:
        """The database of this URL, whoever is connected with it."""
        self._drop(str(sqlalchemy.make_url(url).database))

    def _drop(self, name: str) -> None:
        self._connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
