"""DuckDB keeps the contract, with Arrow and without; and what is particular to it. Real files."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg
import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import addresses, errors, models, warehouses
from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import (
    QUERY,
    TABLE,
    Place,
    Row,
    error_of,
    opened,
    query,
    read,
    rows_of,
    sqlalchemy_connection,
    table,
)


class DuckdbPlace:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = sqlalchemy.make_url("duckdb://").set(database=str(file))
        self.run()

    def run(self, *statements: str) -> None:
        with duckdb.connect(str(self.file)) as connection:
            for statement in statements:
                connection.execute(statement)


class TestDuckdb(WarehouseContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> DuckdbPlace:
        return DuckdbPlace(tmp_path / "warehouse.duckdb")

    def test_odd_identifiers(self, place: Place) -> None:
        place.run(
            'CREATE SCHEMA "My ""Data"""',
            'CREATE TABLE "My ""Data"""."We.""Members"" %s"'
            ' ("Audience Name" varchar, "user.id" varchar, "E-Mail %" varchar)',
            'INSERT INTO "My ""Data"""."We.""Members"" %s" VALUES (\'VIP\', \'u1\', \'e1\')',
        )
        for name in ('"My ""Data"""."We.""Members"" %s"', 'warehouse."My ""Data"""."We.""Members"" %s"'):
            source = table(table=name, audience="Audience Name", user_id="user.id", email="E-Mail %")
            assert read(place, source) == [("VIP", "u1", "e1", False)]

    def fails_at(self, user_id: int) -> str:
        # It works ahead of what is fetched, so the row has to be far away.
        return (
            f"SELECT CASE i WHEN {user_id * 40} THEN error('boom') ELSE 'u' END AS user_id, 'e' AS email"
            " FROM range(1100000) AS t(i)"
        )

    def test_text_that_cannot_be_sent_is_listed(self, place: Place) -> None:
        self.make(place, "('VIP', 'u' || chr(0) || '1', 'a@example.com')", "('VIP', 'u2', 'ok')")
        assert read(place, TABLE) == [("VIP", "u2", "ok", False), ("VIP", "u\ufffd1", "a@example.com", True)]

    def test_any_type_becomes_text(self, place: Place) -> None:
        place.run(
            "CREATE TABLE members (audience uuid, user_id decimal(20, 2), email blob)",
            "INSERT INTO members VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 42.00, '\\xFF'::blob),"
            " (NULL, 42.50, 'e'::blob)",
        )
        assert read(place, TABLE) == [
            ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "42", "\ufffd", True),
            (None, "42.50", "e", False),
        ]

    def test_what_is_no_number_is_no_id(self, place: Place) -> None:
        place.run(
            "CREATE TABLE members (audience varchar, user_id double, email varchar)",
            "INSERT INTO members VALUES ('VIP', 'NaN', 'a'), ('VIP', 'Infinity', 'b'), ('VIP', 1e20, 'd')",
        )
        assert [
            (user_id, email) for _, user_id, email, _ in sorted(read(place, TABLE), key=lambda row: str(row[2]))
        ] == [
            (None, "a"),
            (None, "b"),
            ("100000000000000000000", "d"),
        ]

    def test_the_connection_cannot_write(self, place: Place) -> None:
        self.make(place)
        with (
            sqlalchemy_connection(opened(place)) as connection,
            pytest.raises(sqlalchemy.exc.DBAPIError, match="read-only"),
        ):
            connection.exec_driver_sql("DELETE FROM members")

    def test_a_missing_file_is_not_created(self, tmp_path: Path) -> None:
        file = tmp_path / "nowhere.duckdb"
        warehouse = warehouses.open_warehouse(addresses.parse(f"duckdb:///{file}"), {})
        with pytest.raises(errors.WarehouseError, match="database does not exist"), warehouse.reading():
            pass
        assert not file.exists()

    def test_without_a_file_it_reads_other_files(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "members.csv").write_text("user_id,email\nu1,a@example.com\n")
        place.url = sqlalchemy.make_url("duckdb:///:memory:")
        found = read(place, query(f"FROM '{tmp_path / 'members.csv'}'"))
        assert found == [(QUERY.audience_name, "u1", "a@example.com", False)]

    def test_a_view_reads_no_other_file_unless_that_is_allowed(self, place: Place, tmp_path: Path) -> None:
        secret = tmp_path / "key"
        secret.write_text("s3cret")
        place.run(
            "CREATE VIEW members AS"
            f" SELECT 'VIP' AS audience, content AS user_id, 'e' AS email FROM read_text('{secret}')"
        )
        message = error_of(place, TABLE)
        assert "s3cret" not in message
        assert "external" in message or "disabled" in message
        assert opened(place).problems([TABLE])
        allowed = read(place, TABLE, config={"enable_external_access": True})
        assert [user_id for _, user_id, _, _ in allowed] == ["s3cret"]

    def test_connect_args_reach_the_driver(self, place: Place) -> None:
        threads = query("SELECT current_setting('threads') AS user_id, 'e' AS email")
        assert read(place, threads, config={"threads": 1})[0][1] == "1"

    @pytest.mark.parametrize("kind", ["varchar", "bigint", "utinyint"])
    def test_plain_columns_come_in_columns(self, place: Place, kind: str) -> None:
        place.run(
            f"CREATE TABLE members (audience varchar, user_id {kind}, email varchar)",
            "INSERT INTO members VALUES ('VIP', 1, 'a\"b,c'), ('', NULL, ''), ('VIP', 2, E'two\\nlines\\t\\\\.')",
        )
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            stream = reading.stream(TABLE)
            assert isinstance(stream, models.CopyStream)
            assert sorted(rows_of(stream), key=repr) == [
                ("", None, "", False),
                ("VIP", "1", 'a"b,c', False),
                ("VIP", "2", "two\nlines\t\\.", False),
            ]

    @pytest.mark.parametrize("kind", ["double", "decimal(9, 2)", "uuid", "blob", "hugeint", "date"])
    def test_other_columns_come_in_rows(self, place: Place, kind: str) -> None:
        place.run(f"CREATE TABLE members (audience varchar, user_id {kind}, email varchar)")
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            assert isinstance(reading.stream(TABLE), models.RowStream)

    def test_columns_stay_plain_whatever_is_configured(self, place: Place) -> None:
        place.run(
            "CREATE TABLE members (audience varchar, user_id varchar, email varchar, member boolean)",
            "INSERT INTO members VALUES ('VIP', 'u1', 'e1', true), ('VIP', 'u2', 'e2', false)",
            "INSERT INTO members VALUES ('VIP', 'u3', 'e3', NULL)",
        )
        with duckdb.connect() as connection:
            known = {name for (name,) in connection.execute("SELECT name FROM duckdb_settings()").fetchall()}
        wanted = {
            "arrow_lossless_conversion": True,
            "produce_arrow_string_view": True,
            "arrow_output_version": "1.5",
            "arrow_large_buffer_size": True,
        }
        config = {name: value for name, value in wanted.items() if name in known}
        assert read(place, table(member="member"), config=config) == [("VIP", "u1", "e1", False)]

    @settings(max_examples=20, deadline=None)
    @given(
        rows=st.lists(
            st.tuples(
                st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))),
                st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
                st.one_of(st.none(), st.text('a",\n\r\\.\0 \u00e9')),
                st.one_of(st.none(), st.booleans()),
            ),
            max_size=20,
        )
    )
    def test_columns_and_rows_are_stored_as_the_same(
        self, warehouse_server: str, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
    ) -> None:
        place = DuckdbPlace(tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb")
        with duckdb.connect(str(place.file)) as connection:
            connection.execute("CREATE TABLE members (audience varchar, user_id bigint, email varchar, member boolean)")
            if rows:
                connection.executemany("INSERT INTO members VALUES (?, ?, ?, ?)", rows)
        source = table(member="member")
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            stream = reading.stream(source)
            assert isinstance(stream, models.CopyStream)
            stored = copied(warehouse_server, stream.blocks)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "pyarrow", None)
            assert sorted(stored, key=repr) == read(place, source)


def copied(server: str, blocks: Iterator[bytes]) -> list[Row]:
    """What PostgreSQL makes of lines of CSV."""
    with psycopg.connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE member (audience text, user_id text, email text, unsendable boolean)")
        with cursor.copy("COPY member FROM STDIN (FORMAT csv)") as copy:
            for block in blocks:
                copy.write(block)
        return cursor.execute("SELECT * FROM member").fetchall()


def test_a_name_that_is_no_table_is_none_of_our_variables(tmp_path: Path) -> None:
    for name in ("source", "statement", "connection", "driver"):
        assert f"Table with name {name} does not exist" in error_of(
            DuckdbPlace(tmp_path / "warehouse.duckdb"), query(f"SELECT * FROM {name}")
        )


class TestDuckdbWithoutArrow(TestDuckdb):
    """The same where `pyarrow` is not installed."""

    @pytest.fixture(autouse=True)
    def _no_arrow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)

    test_plain_columns_come_in_columns = None  # type: ignore[assignment]
    test_columns_and_rows_are_stored_as_the_same = None  # type: ignore[assignment]
