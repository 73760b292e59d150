"""Server sessions of a test, used again, as behind a pooler in session mode.

To begin a session, and to fill its caches, takes the server longer than most of what tests do in it. So a session that
its user closes is cleaned, and is given to whoever connects as the same role with the same database and under the same
name, in this process and in this test, or in the next one that has the database (see `keeping`); one that never leads
to whoever asks under any such name, or without one.
`fresh_sessions` marks tests to which that matters: their subject is how sessions begin, end, or how many there are.
"""

import functools
import os
import select
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus, abc
from psycopg.pq import PGconn as Session

PREFIX = f"syncer_test_{os.getpid()}_"
"""How names of databases begin whose sessions are used again."""

_CLEANABLE = (TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR)

_SOCKET = "connect_timeout keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout".split()
_LENT = ("syncer warehouse", "syncer delivery to ", "syncer settling for ")
"""How names of those begin whose sessions anybody may have had before. Whoever leads is known by their session, which
nobody else has."""

Place = tuple[tuple[str, object], ...]
"""Server, database, role, and what a session has from its beginning."""


_NOBODY = b"SET application_name = 'between tests'"

KEPT: dict[str, Mapping[str, object]] = {}
"""Databases that another test will have, with those of its sessions that were begun in this way: other roles, and other
ways to a server, come and go in tests."""


class _Sessions:
    """Those that nobody has at present, by their place."""

    def __init__(self) -> None:
        self._idle: defaultdict[Place, list[abc.PGconn]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, conninfo: str) -> abc.PGconn | None:
        """One that the server has not ended meanwhile, by the name of whoever asks."""
        place, name = _asked(conninfo)
        with self._lock:
            while self._idle[place]:
                session = self._idle[place].pop()
                if _done(session, name):
                    return session
                session.finish()
        return None

    def give_back(self, conninfo: str, session: abc.PGconn) -> bool:
        """Whether it could be cleaned; it is for the next one then."""
        if session.status != ConnStatus.OK or session.transaction_status not in _CLEANABLE:
            return False
        is_idle = session.transaction_status == TransactionStatus.IDLE
        for statement in (b"DISCARD ALL",) if is_idle else (b"ROLLBACK", b"DISCARD ALL"):
            if session.exec_(statement).status != ExecStatus.COMMAND_OK:
                return False
        with self._lock:
            self._idle[_asked(conninfo)[0]].append(session)
        return True

    def processes(self, database: str) -> Collection[int]:
        """The server's processes for those with this database."""
        with self._lock:
            places = [place for place in self._idle if dict(place)["dbname"] == database]
            return [session.backend_pid for place in places for session in self._idle[place]]

    def end(self, is_kept: Callable[[Place], bool]) -> None:
        """Ends all of them but those, which are nobody's from then on: not by their names either."""
        with self._lock:
            for place, sessions in self._idle.items():
                kept = [each for each in sessions if is_kept(place) and _done(each, _NOBODY)]
                for session in sessions:
                    if session not in kept:
                        session.finish()
                sessions[:] = kept


_SESSIONS = _Sessions()


def processes(database: str) -> Collection[int]:
    """The server's processes for idle sessions with this database."""
    return _SESSIONS.processes(database)


def end() -> None:
    """Ends those of no database that is kept."""
    _SESSIONS.end(_is_kept)


@contextmanager
def begun_anew() -> Iterator[None]:
    """At its beginning, nobody's are left."""
    _SESSIONS.end(lambda _: False)
    yield


def _is_kept(place: Place) -> bool:
    begun = dict(place)
    way = KEPT.get(str(begun["dbname"]))
    return way is not None and all(begun.get(key) == way.get(key) for key in ("user", "host", "port"))


def _done(session: abc.PGconn, statement: bytes) -> bool:
    """Whether the server did it; not one that it has ended."""
    try:
        said = select.poll()  # select() knows no file of a number above a thousand, and some tests have more
        said.register(session.socket, select.POLLIN)
        return not said.poll(0) and session.exec_(statement).status == ExecStatus.COMMAND_OK
    except psycopg.OperationalError:
        return False


def _is_of_a_test(conninfo: str) -> bool:
    return f"dbname={PREFIX}" in conninfo


@functools.cache
def _asked(conninfo: str) -> tuple[Place, bytes]:
    """Where one connects to, and the statement that gives a session their name."""
    given = psycopg.conninfo.conninfo_to_dict(conninfo)
    for key in _SOCKET:
        given.pop(key, None)
    if given.get("client_encoding") == "utf8":  # as the databases of tests are
        del given["client_encoding"]
    name = str(given.get("application_name", ""))
    if name.startswith(_LENT):
        del given["application_name"]
    return tuple(sorted(given.items())), sql.SQL("SET application_name = {}").format(name).as_bytes()


@contextmanager
def used_again() -> Iterator[None]:
    """Within the block, those with databases of the test are."""
    ended = Session.connect_start(b"host=/")
    ended.finish()
    connect, close = psycopg.Connection._connect_gen.__func__, psycopg.Connection.close  # type: ignore[attr-defined]

    def take(kind: type[psycopg.Connection[Any]], conninfo: str) -> Generator[Any, Any, psycopg.Connection[Any]]:
        session = _SESSIONS.take(conninfo) if _is_of_a_test(conninfo) else None
        connection: psycopg.Connection[Any] = kind(session) if session else (yield from connect(kind, conninfo))
        vars(connection)["begun_by"] = conninfo
        return connection

    def give_back(connection: Any) -> None:
        conninfo = getattr(connection, "begun_by", "")
        mine = not connection.closed and _is_of_a_test(conninfo)
        if mine and _SESSIONS.give_back(conninfo, connection.pgconn):
            connection.pgconn, connection._closed = ended, True
        else:
            close(connection)

    psycopg.Connection._connect_gen = classmethod(take)  # type: ignore[method-assign,assignment]
    psycopg.Connection.close = give_back  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        psycopg.Connection._connect_gen = classmethod(connect)  # type: ignore[method-assign,assignment]
        psycopg.Connection.close = close  # type: ignore[method-assign]
        end()
