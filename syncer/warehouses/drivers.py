"""What is known of the drivers of databases: how long one may take, what it holds in memory.

A driver that is not listed is used as it is.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlalchemy import exc as sa_exc

from syncer.keepalive import KEEPALIVE

_CONNECT_SECONDS = 10
_OPENING_SECONDS = 30.0
_WAKING_SECONDS = 600.0
_WAKING = frozenset({"snowflake", "bigquery", "databricks", "redshift", "mssql"})
"""Backends whose machines may have to be started first."""

PARTITION = 10_000
"""Rows that are asked for at once."""

_PARTITIONS: Mapping[str, int] = {"redshift": 1_000}
"""Where a server allows fewer: a Redshift of one node hands over no more by one FETCH."""


@dataclass(frozen=True, slots=True)
class _Driver:
    """`defaults` are arguments of its `connect`, unless the configuration has them. `holds` are the megabytes that it
    holds of a million members, if it streams no result; `instead` is a URL of one that does, if there is."""

    defaults: Mapping[str, object] = field(default_factory=dict)
    holds: int | None = None
    instead: str | None = None


_DRIVERS: Mapping[str, _Driver] = {
    "mysql+pymysql": _Driver({"connect_timeout": _CONNECT_SECONDS}),
    "mysql+mysqldb": _Driver({"connect_timeout": _CONNECT_SECONDS}),
    "mysql+mysqlconnector": _Driver({"connection_timeout": _CONNECT_SECONDS}, holds=400, instead="mysql+pymysql://"),
    "postgresql+psycopg2": _Driver(KEEPALIVE),
    "redshift+psycopg2": _Driver(KEEPALIVE),
    "redshift+redshift_connector": _Driver(holds=600, instead="redshift+psycopg2://"),
    "clickhousedb+connect": _Driver(holds=500),
    "mssql+pyodbc": _Driver({"timeout": _CONNECT_SECONDS}),
    "mssql+pymssql": _Driver({"login_timeout": _CONNECT_SECONDS}),
    "oracle+oracledb": _Driver({"tcp_connect_timeout": float(_CONNECT_SECONDS)}),
    "snowflake+snowflake": _Driver({"login_timeout": 60}),
}


def connect_args(url: sqlalchemy.URL, configured: Mapping[str, object]) -> dict[str, object]:
    """The configuration's arguments, and our own where neither they nor the URL's options say otherwise."""
    defaults = _known(url).defaults
    return {**{key: value for key, value in defaults.items() if key not in url.query}, **configured}


def opening_seconds(url: sqlalchemy.URL) -> float:
    """How long the opening of a session may take, if nobody says otherwise."""
    return _WAKING_SECONDS if url.get_backend_name() in _WAKING else _OPENING_SECONDS


def partition(dialect: str) -> int:
    """How many rows to ask for at once."""
    return _PARTITIONS.get(dialect, PARTITION)


def caveat(url: sqlalchemy.URL) -> str | None:
    """What to say of the memory that the driver of this URL needs; None if that does not grow with the result."""
    known = _known(url)
    if known.holds is None:
        return None
    said = (
        f"the driver of {url.drivername}:// holds whole results in memory, some {known.holds} MB for a million members"
    )
    return f"{said}; {known.instead} streams them" if known.instead else said


def is_misconfigured(failure: BaseException) -> bool:
    """Whether a driver that cannot open a session says that something is missing or wrong here: a package, a
    credential, an option. Anything that the network or the server may have said is not."""
    causes = list(_causes(failure))
    if any(isinstance(each, ImportError) or "Credential" in type(each).__name__ for each in causes):
        return True
    if any(isinstance(each, OSError) for each in causes):
        return False
    if isinstance(failure, sa_exc.DBAPIError):
        return isinstance(failure, sa_exc.ProgrammingError)
    return isinstance(
        failure, TypeError | ValueError | LookupError | AttributeError | RuntimeError | sa_exc.ArgumentError
    )


def interrupt(connection: Any) -> None:
    """Asks a connection of a driver, from another thread, to give up what it waits for."""
    with suppress(Exception):
        connection.interrupt()  # SQLite, DuckDB
        return
    for name in ("_sock", "_usock"):  # PyMySQL, redshift_connector
        found = getattr(connection, name, None)
        if isinstance(found, socket.socket):
            found.shutdown(socket.SHUT_RDWR)
            return
    with suppress(Exception), socket.socket(fileno=connection.fileno()) as shared:  # psycopg 2
        try:
            shared.shutdown(socket.SHUT_RDWR)
        finally:
            shared.detach()


def abandon(connection: Any) -> None:
    """Takes the rest of a result from a connection of a driver that is about to be closed.

    PyMySQL would read it to its end, and then complain on stderr that it cannot.
    """
    result: Any = getattr(connection, "_result", None)
    if result is not None and result.unbuffered_active:
        result.unbuffered_active, result.connection, connection._result = False, None, None
        connection._force_close()


def _known(url: sqlalchemy.URL) -> _Driver:
    try:
        driver = url.get_driver_name()
    except (sa_exc.ArgumentError, ImportError):
        return _Driver()
    return _DRIVERS.get(f"{url.get_backend_name()}+{driver}".replace("mariadb+", "mysql+", 1), _Driver())


def _causes(failure: BaseException) -> list[BaseException]:
    """The error and what it came from, the driver's own among it."""
    found: list[BaseException] = []
    at: BaseException | None = failure
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__ or (at.orig if isinstance(at, sa_exc.DBAPIError) else None)
    return found
