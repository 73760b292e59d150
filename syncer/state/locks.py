"""How long a statement that changes tables waits for other sessions.

Such a statement needs a lock that nobody else has, and whoever waits for one makes every later session wait too: one
reader who went home in the middle of a transaction would stop everybody. So it waits for a while only.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from syncer import errors
from syncer.state import Connection, execute, fetch_values

SECONDS = 10.0


@contextmanager
def changing_tables(connection: Connection, seconds: float | None = None) -> Iterator[None]:
    """For statements that change tables: each waits at most this long for its locks (None: `SECONDS`).

    Raises `StateConflictError` that names the sessions in the way; of the block, nothing was done.
    """
    try:
        with connection.transaction():
            execute(connection, "limit_lock_wait", {"limit": f"{round(1000 * (seconds or SECONDS))}ms"})
            yield
            execute(connection, "limit_lock_wait", {"limit": "0"})
    except psycopg.errors.LockNotAvailable as error:
        holders = ", ".join(fetch_values(connection, "list_table_holders")) or "it has just ended"
        raise errors.StateConflictError(
            f"the state has to be changed, and another session keeps it locked: {holders}; end that session, or its"
            " transaction"
        ) from error
