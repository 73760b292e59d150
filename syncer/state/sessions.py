"""What a session with the state's database has to be, and how it is set up."""

from contextlib import suppress
from typing import Any

import psycopg
import psycopg.sql
from psycopg.rows import scalar_row

from syncer import errors, sql
from syncer.keepalive import KEEPALIVE

_MINIMUM_VERSION = 14_00_00
_GRANTABLE_SETTINGS_VERSION = 15_00_00

_LOOKS = 3
"""How often we look whether a pooler lends one backend to two: another client may have it just then."""


def kept_alive(url: str) -> str:
    """The same for libpq, with `KEEPALIVE` where it does not say itself."""
    says = psycopg.conninfo.conninfo_to_dict(url)
    return psycopg.conninfo.make_conninfo(url, **{key: value for key, value in KEEPALIVE.items() if key not in says})


def prepare(connection: psycopg.Connection[Any], url: str, schema: str, longest_pause: float | None) -> None:
    """Sets a session up that has just begun. Nothing is set before it is known that the session is ours alone."""
    _refuse_unfit(connection)
    _refuse_transaction_pooling(connection, url)
    named = {"schema": psycopg.sql.Identifier(schema), "may_hide_parameters": _may_hide_parameters(connection)}
    pause = psycopg.sql.Literal(round(1000 * (longest_pause or 0)))
    connection.execute(psycopg.sql.SQL(sql.query("set_up_session")).format(**named, longest_pause=pause))
    # It is fixed once a session had a private table: behind a pooler, that of somebody else.
    with suppress(psycopg.errors.InvalidParameterValue):
        connection.execute(sql.query("set_temporary_buffers"))


def _may_hide_parameters(connection: psycopg.Connection[Any]) -> psycopg.sql.SQL:
    """Whether this role may keep parameters out of the server's log, as SQL. Before version 15 only a superuser may."""
    if connection.info.server_version < _GRANTABLE_SETTINGS_VERSION:
        return psycopg.sql.SQL("current_setting('is_superuser') = 'on'")
    return psycopg.sql.SQL("has_parameter_privilege('log_parameter_max_length', 'SET')")


def _refuse_unfit(connection: psycopg.Connection[Any]) -> None:
    if connection.info.server_version < _MINIMUM_VERSION:
        raise errors.StateError(
            f"the state database is PostgreSQL {connection.info.server_version // 10000};"
            " syncer needs 14 or later (`state.url`)"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise errors.StateError(
            f"the state database has the encoding {encoding}; create it with ENCODING 'UTF8' (`state.url`)"
        )


def _refuse_transaction_pooling(connection: psycopg.Connection[Any], url: str) -> None:
    """Locks and settings belong to a session. Behind a pooler in transaction mode they would pass to the next client.

    A pooler shows itself by another backend pid than the one it announced; in transaction mode it lends the backend
    of an idle session to the next that asks.
    """
    backend = _backend(connection)
    if backend == connection.info.backend_pid:
        return
    with psycopg.connect(kept_alive(url), autocommit=True, prepare_threshold=None) as other:
        for _ in range(_LOOKS):
            if _backend(other) in {backend, _backend(connection)} or _backend(connection) != backend:
                raise errors.StateError(
                    f"`state.url` goes through a connection pooler in transaction mode (port {connection.info.port});"
                    " the lock needs a session of its own: give the address of PostgreSQL itself, usually port 5432"
                )


def _backend(connection: psycopg.Connection[Any]) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        found = cursor.execute(sql.query("show_backend")).fetchone()
    return int(found or 0)
