"""Databases that one test after another has: each time made again what they were, and compared with that.

To copy a database, and to fill the caches of its sessions, takes the server as long as a run. So the tables of a test
are dropped, and rows are put back instead. What else a test may change is in the catalog: a database whose catalog is
not what it was is not kept, nor one that somebody else is still connected with.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

Session = psycopg.Connection[tuple[Any, ...]]

_PAGE = 8192

_WHOLE = (
    "attribute attrdef type proc constraint index trigger rewrite policy inherits partitioned_table sequence "
    "default_acl extension event_trigger statistic_ext foreign_server publication largeobject_metadata collation cast"
).split()
"""Catalogs of which nothing changes, and what is temporary goes again: each row has the number of who wrote it."""

_RELATION = (
    "oid, relname, relnamespace, relowner, relam, relpersistence, relkind, relnatts, relchecks, relhasrules, "
    "relhastriggers, relrowsecurity, relforcerowsecurity, relispartition, relacl, reloptions"
)
"""What does not change of a table that is filled, emptied and analyzed."""

_NEWEST = "(count(*), max(xmin::text::bigint))::text"

_CATALOG = f"""
SELECT ARRAY[
    {"".join(f"(SELECT {_NEWEST} FROM pg_catalog.pg_{name}), " for name in _WHOLE)}
    (SELECT {_NEWEST} FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'),
    (SELECT {_NEWEST} FROM pg_catalog.pg_class WHERE oid < 16384),
    (
        SELECT sum(hashtextextended(({_RELATION})::text, 0))::text
        FROM pg_catalog.pg_class WHERE oid >= 16384 AND relpersistence <> 't'
    ),
    (SELECT (datdba, datallowconn, datconnlimit, datacl)::text FROM pg_catalog.pg_database AS d WHERE d.oid = our.oid),
    (SELECT count(*)::text FROM pg_catalog.pg_db_role_setting WHERE setdatabase = our.oid)
]
FROM (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AS our
"""

_TABLES = """
SELECT oid::bigint, oid::regclass::text, pg_relation_size(oid) FROM pg_catalog.pg_class
WHERE oid >= 16384 AND relkind IN ('r', 'p') AND relpersistence <> 't'
"""

_SCHEMAS = """
SELECT oid::bigint, oid::regnamespace::text FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_(toast_)?temp_' AND oid::bigint <> ALL(%s)
"""

_REWIND = """
SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_catalog.pg_sequence
WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""

_SIZES = """
SELECT array_agg(oid::bigint ORDER BY oid), array_agg(relpages ORDER BY oid), array_agg(reltuples ORDER BY oid)
FROM pg_catalog.pg_class
WHERE oid >= 16384 AND relpersistence <> 't'
"""

_FORGET_SIZES = """
UPDATE pg_catalog.pg_class SET relpages = was.relpages, reltuples = was.reltuples
FROM unnest(%s::bigint[], %s::integer[], %s::real[]) AS was (oid, relpages, reltuples)
WHERE pg_class.oid = was.oid AND (pg_class.relpages <> was.relpages OR pg_class.reltuples <> was.reltuples)
"""

_FORGET_STATISTICS = "DELETE FROM pg_catalog.pg_statistic WHERE starelid >= 16384"

_STRANGERS = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> ALL(%s) AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Origin:
    """What a database was before its test: its catalog, its schemas and tables, their sizes as the planner knows them
    (numbers, pages, rows), and their rows as COPY writes them."""

    catalog: Sequence[str]
    schemas: Collection[int]
    tables: Collection[int]
    sizes: tuple[Sequence[float], ...]
    rows: Mapping[str, bytes]


def look(url: str) -> Origin:
    """What the database of this URL is now. None of its sequences has been asked."""
    with psycopg.connect(url) as session:
        tables = session.execute(_TABLES).fetchall()
        rows = {name: _rows(session, name) for _, name, size in tables if size}
        filled = {name: each for name, each in rows.items() if each}
        schemas = {oid for oid, _ in session.execute(_SCHEMAS, [[]])}
        sizes = session.execute(_SIZES).fetchone() or ()
        return Origin(catalog(session), schemas, {oid for oid, _, _ in tables}, sizes, filled)


def renew(url: str, origin: Origin, ours: Collection[int]) -> bool:
    """Whether the database could be made what it was. `ours` are the server's processes for idle sessions of tests."""
    try:
        with psycopg.connect(url) as session:
            if session.execute(_STRANGERS, [list(ours)]).fetchone():
                return False
            session.execute("SET session_replication_role = replica; SET client_min_messages = warning")
            _empty(session, origin)
            session.execute(_REWIND)
            session.execute(_FORGET_STATISTICS)
            session.execute(_FORGET_SIZES, origin.sizes)
            for table, rows in origin.rows.items():
                with session.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(rows)
            return catalog(session) == origin.catalog
    except psycopg.Error:
        return False


def _empty(session: Session, origin: Origin) -> None:
    """One page is emptied row by row, which invalidates nothing of what sessions know of its table."""
    schemas = session.execute(_SCHEMAS, [list(origin.schemas)]).fetchall()
    if schemas:
        session.execute(f"DROP SCHEMA {', '.join(name for _, name in schemas)} CASCADE")
    tables = session.execute(_TABLES).fetchall()
    new = [name for oid, name, _ in tables if oid not in origin.tables]
    few = [name for oid, name, size in tables if oid in origin.tables and 0 < size <= _PAGE]
    many = [name for oid, name, size in tables if oid in origin.tables and size > _PAGE]
    if new:
        session.execute(f"DROP TABLE {', '.join(new)} CASCADE")
    if many:
        session.execute(f"TRUNCATE {', '.join(many)} CASCADE")
    session.execute("; ".join(f"DELETE FROM {name}" for name in few))


def _rows(session: Session, table: str) -> bytes:
    with session.cursor().copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(bytes(block) for block in copy)


def catalog(session: Session) -> Sequence[str]:
    found = session.execute(_CATALOG).fetchone()
    assert found is not None
    (names,) = found
    return list(names)
