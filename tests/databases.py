"""Databases of tests, on a server where many processes of pytest may make theirs."""

import functools
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Collection

import psycopg
import sqlalchemy
from psycopg import sql

from syncer import addresses
from syncer.addresses import Address
from tests import keeping, sessions

TEMPLATE = f"syncer_template_{os.getpid()}"
BEGUN = f"syncer_begun_{os.getpid()}"
_EMPTY = f"syncer_empty_{os.getpid()}"

USES = 50
"""Tests that have a database one after the other: what was deleted takes room in it."""


def with_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return sqlalchemy.make_url(url).set(database=name).render_as_string(hide_password=False)


def _name(url: str) -> str:
    return str(sqlalchemy.make_url(url).database)


def address_of(url: sqlalchemy.URL) -> Address:
    """The same, as a warehouse is opened by it."""
    return addresses.parse(url.render_as_string(hide_password=False))


class Databases:
    """Makes and drops databases over a session of its own. `server` is the URL of any database there."""

    def __init__(self, server: str, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._server = server
        self._connection = connection
        self._doomed: list[str] = []
        self._numbers = itertools.count()
        self._origins: dict[str, keeping.Origin] = {}
        self._templates: dict[str, str] = {}
        self._waiting: defaultdict[str, list[str]] = defaultdict(list)
        self._uses: Counter[str] = Counter()
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
        """Another one for a test, whose sessions may be used again; it may have been another test's."""
        template = self.empty if template == "template0" else template
        while self._waiting[template]:
            url = self._waiting[template].pop()
            del sessions.KEPT[_name(url)]
            if keeping.renew(url, self._origins[template], sessions.processes(_name(url))):
                self._uses[url] += 1
                return url
            sessions.end()
            self._doomed.append(url)
        return self.create_new_for_test(template)

    def create_new_for_test(self, template: str) -> str:
        """The same, which nobody has had."""
        template = self.empty if template == "template0" else template
        url = self.create(f"{sessions.PREFIX}{next(self._numbers)}", template)
        self._templates[url] = template
        return url

    def keep_copies_of(self, template: str) -> None:
        """Copies of this database are for one test after the other."""
        self._origins[template] = keeping.look(with_database(self._server, template))

    def give_back(self, urls: Collection[str]) -> None:
        """Their test has ended; another one has those that can be made what they were."""
        kept = [url for url in urls if self._templates[url] in self._origins and self._uses[url] < USES]
        self.drop_later([url for url in urls if url not in kept])
        for url in kept:
            self._waiting[self._templates[url]].append(url)
            sessions.KEPT[_name(url)] = psycopg.conninfo.conninfo_to_dict(url)

    @functools.cached_property
    def empty(self) -> str:
        """An empty one, to be copied: in three quarters of the files, and with what a first session would make."""
        url = self.create(_EMPTY)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM FULL")
        psycopg.connect(url).close()
        self.keep_copies_of(_EMPTY)
        return _EMPTY

    def drop_all(self) -> None:
        """Drops those of past tests, and what they were copies of."""
        self.drop_later([url for urls in self._waiting.values() for url in urls])
        sessions.KEPT.clear()
        sessions.end()
        self.drop_later([])
        self._drop(_EMPTY)

    def drop_later(self, urls: Collection[str]) -> None:
        """Drops them at the next time, when nobody is connected any more: else the server sleeps 100 ms for each."""
        doomed, self._doomed = self._doomed, list(urls)
        for url in doomed:
            self.drop(url)

    def drop(self, url: str) -> None:
        """The database of this URL, whoever is connected with it."""
        self._drop(_name(url))

    def _drop(self, name: str) -> None:
        self._connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
