"""The hashes of rows by which tables at a warehouse are compared, as DuckDB works them out: it has functions of its own
under the other engines' names."""

from collections.abc import Iterator

import duckdb
import pytest
import sqlalchemy

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


def hashes(engine: duckdb.DuckDBPyConnection, backend: str, key: int) -> list[int]:
    facts = mirror_dialects.FACTS[backend].keyed(key)
    hashed = facts.hashed([sqlalchemy.column(name) for name in NAMES]).compile()
    asked = f"SELECT {hashed} FROM (VALUES (?::text, ?::text, ?::text)) AS members ({', '.join(NAMES)})"
    return [answer for row in ROWS for (answer,) in engine.execute(asked, row).fetchall()]


@pytest.mark.parametrize("backend", ["bigquery", "trino", "snowflake", "hive"])
def test_rows_that_differ_have_other_hashes_and_so_has_another_state(
    engine: duckdb.DuckDBPyConnection, backend: str
) -> None:
    found = hashes(engine, backend, 1)
    assert found == hashes(engine, backend, 1)
    assert len({*found, *hashes(engine, backend, 2)}) == 2 * len(ROWS)
