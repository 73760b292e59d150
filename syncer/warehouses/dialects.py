"""How the dialects that we know are opened read-only, and how one consistent view of them begins.

Any other dialect is read as it is, one statement a source, and never written to: the transaction is rolled
back.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import sqlalchemy

from syncer import errors
from syncer.addresses import Address
from syncer.warehouses import redshift

# The first statements of a reading. SQLite takes its snapshot with the first look at a table, not with BEGIN;
# DuckDB's transaction is begun by its dialect; its progress bar would get into our output, a name that is no table's
# could be taken for a variable of this program, and Arrow's types have to be plain whatever the configuration says.
# Redshift's transaction, begun by its driver, has one snapshot, which the first SELECT takes.
# MySQL would cut every result where a user or the server has a limit, without a word.
BEGIN: Mapping[str, tuple[str, ...]] = {
    "sqlite": ("PRAGMA query_only = ON", "BEGIN", "SELECT count(*) FROM sqlite_master"),
    "duckdb": (
        "SET enable_progress_bar = false",
        "SET python_enable_replacements = false",
        "SET arrow_lossless_conversion = false",
        "SET produce_arrow_string_view = false",
    ),
    "mysql": (
        "SET SESSION sql_select_limit = 18446744073709551615",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "mariadb": (
        "SET SESSION sql_select_limit = 18446744073709551615",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "oracle": ("SET TRANSACTION READ ONLY",),
    "postgresql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
    "redshift": ("SELECT 1",),
}

WISHES: Mapping[str, tuple[str, ...]] = {"hive": ("SET spark.sql.thriftServer.incrementalCollect = true",)}
"""Asked of a session before anything else; a server that refuses does without.

Spark's SQL server holds a whole result in its own memory before it hands over the first row, and ends for want of it:
ten million members took more than 2 GB. A Hive has no such setting, and may allow nobody to set what it does not know.
"""

CIPHER: Mapping[str, str] = dict.fromkeys(("mysql", "mariadb"), "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
"""Asks for the cipher of the session, the second column, which is empty where there is none."""

ONE_STATEMENT = frozenset({"sqlite", "duckdb"})
"""Dialects whose driver runs one statement only, or says how many a text has."""

WHOLE = frozenset({"sqlite", "duckdb", "postgresql"})
"""Dialects whose results are whole or an error: nothing on the way can cut one off without a word."""


def url(address: Address) -> sqlalchemy.URL:
    """The address, as SQLAlchemy has it."""
    return sqlalchemy.URL.create(
        address.drivername,
        address.username,
        address.password,
        address.host,
        address.port,
        address.database,
        address.query,
    )


def connect_args(address: Address, configured: Mapping[str, object]) -> dict[str, object]:
    """What the driver is given: the configuration's, read-only where that is an argument of the driver.

    A view in a file of DuckDB's could read any other file of this machine, and send what it holds. So that is off
    unless `connect_args` turn it on. Without a file there are no views, and other files are all there is to read.
    """
    database = address.database or ":memory:"
    in_a_file = not database.startswith((":memory:", "md:", "motherduck:"))
    if address.backend != "duckdb" or not in_a_file:
        return dict(configured)
    config = configured.get("config")
    alone = {"enable_external_access": False, **(config if isinstance(config, Mapping) else {})}
    return {**configured, "read_only": True, "config": alone}


def prepare(engine: sqlalchemy.Engine) -> None:
    """Hooks into the opening of connections where arguments do not do."""
    if engine.dialect.name == "sqlite" and engine.dialect.driver == "pysqlite":
        sqlalchemy.event.listen(engine, "do_connect", _open_sqlite_read_only)
        sqlalchemy.event.listen(engine, "connect", _decode_anything)
    if engine.dialect.name == "postgresql":
        sqlalchemy.event.listen(engine, "connect", _refuse_redshift, insert=True)


def _refuse_redshift(connection: Any, _record: object) -> None:
    """Before the dialect asks for what a Redshift does not know."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(redshift.ASK)
        redshift.refuse(cursor.fetchone())
    connection.rollback()


def _open_sqlite_read_only(_dialect: object, _record: object, cargs: list[str], cparams: dict[str, object]) -> None:
    """Opens the file with `mode=ro`; never creates it. The driver must not begin transactions by itself."""
    if cparams.get("uri") and cargs[0].startswith("file:"):  # else SQLite takes it for a plain name all the same
        file, _, options = cargs[0].partition("#")[0].partition("?")  # it ignores what comes after a #
    else:
        if not Path(cargs[0]).is_file():
            raise errors.WarehouseError(
                f"warehouse.url: there is no SQLite file {cargs[0]}; a warehouse is only read, never created"
            )
        file, options = Path(cargs[0]).absolute().as_uri(), ""
    cargs[0] = f"{file}?{urlencode({**dict(parse_qsl(options)), 'mode': 'ro'})}"
    cparams["uri"] = True
    cparams["isolation_level"] = None


def _decode_anything(connection: object, _record: object) -> None:
    """SQLite's TEXT may hold any bytes: what is no UTF-8 becomes lone surrogates instead of an error."""
    connection.text_factory = _decoded  # type: ignore[attr-defined]


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
