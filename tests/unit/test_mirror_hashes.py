"""The hashes of rows by which tables at a warehouse are compared, as DuckDB works them out: it has functions of its own
under the other engines' names."""

from collections.abc import Iterator

import duckdb
import pytest
import sqlalchemy

from syncer import sql
from syncer.warehouses import mirror_dialects

FUNCTIONS = """
CREATE MACRO farm_fingerprint(x) AS hash(x) % 100000000000000;
CREATE MACRO xxhash64(x) AS hash(x);
CREATE MACRO from_big_endian_64(x) AS x;
CREATE MACRO to_utf8(x) AS encode(x);
CREATE MACRO hex_encode(x) AS hex(x);
CREATE MACRO to_varchar(x) AS x::text;
"""

NAMES = ("audience", "user_id", "email")
ROWS = [
    ("A", "ab", "c@x.io"),
    ("A", "a", "bc@x.io"),
    ("Aa", "b", "c@x.io"),
    ("A", "ab", None),
    ("A", None, "ab"),
    ("A", "ab", ""),
    ("A", "ab", "-"),
    ("A", "ab,", "-"),
    ("A", "AB", "c@x.io"),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(FUNCTIONS)
        yield connection


def hash_of(backend: str, key: int) -> str:
    if backend == "duckdb":
        return sql.query("warehouse_duckdb_row_hash").format(key=key)
    facts = mirror_dialects.FACTS[backend].keyed(key)
    return str(facts.hashed([sqlalchemy.column(name) for name in NAMES]).compile())


def hashes(engine: duckdb.DuckDBPyConnection, backend: str, key: int) -> list[int]:
    given = "encode(?::text)" if backend == "duckdb" else "?::text"  # DuckDB's own tables have texts as bytes
    members = f"(VALUES ({given}, {given}, {given}, false)) AS members ({', '.join(NAMES)}, unsendable)"
    asked = f"SELECT {hash_of(backend, key)} FROM {members}"
    return [answer for row in ROWS for (answer,) in engine.execute(asked, row).fetchall()]


@pytest.mark.parametrize("backend", ["bigquery", "trino", "snowflake", "hive", "duckdb"])
def test_rows_that_differ_have_other_hashes_and_so_has_another_state(
    engine: duckdb.DuckDBPyConnection, backend: str
) -> None:
    found = hashes(engine, backend, 1)
    assert found == hashes(engine, backend, 1)
    assert len({*found, *hashes(engine, backend, 2)}) == 2 * len(ROWS)
