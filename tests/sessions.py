"""Server sessions of a test, used again, as behind a pooler in session mode.

To begin a session, and to fill its caches, takes the server longer than most of what tests do in it. So a session that
its user closes is cleaned, and is given to whoever connects in the same way, in this process and in this test.
`fresh_sessions` marks tests to which that matters: their subject is how sessions begin, end, or how many there are.
"""

import select
import threading
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus, abc
from psycopg.pq import PGconn as Session

from tests import databases

_CLEANABLE = (TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR)


class Sessions:
    """Those that nobody has at present, by how they were begun."""

    def __init__(self) -> None:
        self._idle: defaultdict[str, list[abc.PGconn]] = defaultdict(list)
        self._lock = threading.Lock()

    def take(self, conninfo: str) -> abc.PGconn | None:
        """One that was begun in this way and that the server has not ended meanwhile."""
        with self._lock:
            while self._idle[conninfo]:
                session = self._idle[conninfo].pop()
                if not select.select([session.socket], [], [], 0)[0]:
                    return session
                session.finish()
        return None

    def give_back(self, conninfo: str, session: abc.PGconn) -> bool:
        """Whether it could be cleaned; it is for the next one then."""
        if session.status != ConnStatus.OK or session.transaction_status not in _CLEANABLE:
            return False
        for statement in (b"ROLLBACK", b"DISCARD ALL"):
            if session.exec_(statement).status != ExecStatus.COMMAND_OK:
                return False
        with self._lock:
            self._idle[conninfo].append(session)
        return True

    def end(self) -> None:
        """Ends all of them."""
        for sessions in self._idle.values():
            for session in sessions:
                session.finish()
        self._idle.clear()


@contextmanager
def used_again() -> Iterator[None]:
    """Within the block, those with databases of the test are."""
    sessions, ended = Sessions(), Session.connect_start(b"host=/")
    ended.finish()
    connect, close = psycopg.Connection._connect_gen.__func__, psycopg.Connection.close  # type: ignore[attr-defined]

    def take(kind: type[psycopg.Connection[Any]], conninfo: str) -> Generator[Any, Any, psycopg.Connection[Any]]:
        session = sessions.take(conninfo) if databases.is_of_a_test(conninfo) else None
        connection: psycopg.Connection[Any] = kind(session) if session else (yield from connect(kind, conninfo))
        vars(connection)["begun_by"] = conninfo
        return connection

    def give_back(connection: Any) -> None:
        conninfo = getattr(connection, "begun_by", "")
        mine = not connection.closed and databases.is_of_a_test(conninfo)
        if mine and sessions.give_back(conninfo, connection.pgconn):
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
        sessions.end()
