"""A limit that cuts results off without a word is noticed. SQLite has none: here it stands in for databases that do."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy

from syncer import addresses, errors, models
from syncer.warehouses import dialects
from syncer.warehouses.reading import GenericReading
from syncer.warehouses.words import Words
from tests.integration.warehouses.places import TABLE, opened, query, rows_of
from tests.integration.warehouses.test_sqlite import SqlitePlace

QUERY = query("SELECT user_id, email FROM members")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlitePlace:
    monkeypatch.setattr(dialects, "WHOLE", frozenset())
    place = SqlitePlace(tmp_path / "warehouse.db")
    place.run("CREATE TABLE members (audience text, user_id text, email text, member integer)")
    add(place, 40)
    return place


def add(place: SqlitePlace, rows: int) -> None:
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
    place.run(f"INSERT INTO members {numbers} SELECT 'VIP', i, 'u' || i || '@example.com', i % 2 FROM n")


def limit(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """From now on every result ends after so many rows, as with MySQL's `sql_select_limit`."""
    real = GenericReading._partitions

    def cut(self: GenericReading, source: models.Source, result: Any) -> Iterator[Any]:
        for partition in real(self, source, result):
            yield partition[:rows]

    monkeypatch.setattr(GenericReading, "_partitions", cut)


def read(place: SqlitePlace, source: models.Source) -> int:
    with closing(opened(place)) as warehouse, warehouse.reading() as reading:
        found = len(rows_of(reading.stream(source)))
        reading.confirm()
    return found


@pytest.mark.parametrize("source", [TABLE, QUERY], ids=["table", "query"])
def test_rows_that_are_cut_off_fail_the_reading(
    place: SqlitePlace, source: models.Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(place, source) == 40
    limit(monkeypatch, 30)
    with pytest.raises(errors.WarehouseError) as caught:
        read(place, source)
    assert str(caught.value).startswith(f"{source.path}: the snapshot is not whole: ")
    assert "has 40 rows, and 30 arrived; lift the limit" in str(caught.value)


def test_who_is_no_member_is_not_missing(place: SqlitePlace) -> None:
    source = query("SELECT user_id, email, member FROM members", member="member")
    assert read(place, source) == 20


def test_rows_that_come_while_a_table_is_read_are_not_missing_where_there_is_no_snapshot(
    place: SqlitePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "BEGIN", {})
    with closing(opened(place)) as warehouse, warehouse.reading() as reading:
        assert len(rows_of(reading.stream(TABLE))) == 40
        add(place, 5)
        reading.confirm()
    limit(monkeypatch, 44)
    with pytest.raises(errors.WarehouseError, match="has 45 rows, and 44 arrived"):
        read(place, TABLE)


def test_a_query_that_cannot_be_counted_is_believed(place: SqlitePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = GenericReading._run

    def run(self: GenericReading, source: models.Source, statement: Any) -> Any:
        if "count(*)" in str(statement):
            raise errors.WarehouseError("no query within a query")
        return real(self, source, statement)

    monkeypatch.setattr(GenericReading, "_run", run)
    assert read(place, QUERY) == 40


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_the_limit_of_mysql_is_lifted_before_anything_is_read(dialect: str) -> None:
    said: list[str] = []

    def say(statement: str) -> SimpleNamespace:
        said.append(statement)
        return SimpleNamespace(close=lambda: None)

    url = sqlalchemy.make_url("mysql://")
    connection = SimpleNamespace(dialect=SimpleNamespace(name=dialect), exec_driver_sql=say)
    engine: Any = SimpleNamespace(url=url, dialect=connection.dialect, connect=lambda: connection)
    GenericReading(engine, Words(addresses.parse("mysql://"), {}), models.Waits()).begin()
    assert said[0] == "SET SESSION sql_select_limit = 18446744073709551615"
    assert said[-1].startswith("START TRANSACTION")
