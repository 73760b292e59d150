"""SQLite keeps the contract; and what is particular to it. Real files."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from syncer import addresses, errors, warehouses
from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import (
    QUERY,
    TABLE,
    Place,
    opened,
    query,
    read,
    rows_of,
    sqlalchemy_connection,
    table,
)


class SqlitePlace:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = sqlalchemy.make_url("sqlite://").set(database=str(file))
        self.run("PRAGMA journal_mode = WAL")

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)


class TestSqlite(WarehouseContract):
    truths = (1, 0)
    date = "text"
    booleans = (("1", "number"), ("0", "number"))
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT i FROM n"

    @pytest.fixture
    def place(self, tmp_path: Path) -> SqlitePlace:
        return SqlitePlace(tmp_path / "ware house?#%41.db")

    def test_odd_identifiers(self, place: Place) -> None:
        place.run(
            'CREATE TABLE "We ""Members"".%s" ("Audience Name", "user.id", "E-Mail %")',
            "INSERT INTO \"We \"\"Members\"\".%s\" VALUES ('VIP', 'u1', 'e1')",
        )
        for name in ('"We ""Members"".%s"', 'main."We ""Members"".%s"'):
            source = table(table=name, audience="Audience Name", user_id="user.id", email="E-Mail %")
            assert read(place, source) == [("VIP", "u1", "e1", False)]

    # SQLite knows no brackets around a whole query, and divides by zero to NULL.
    @pytest.mark.parametrize("ending", ["", "; -- done; really", " /* ; */ ;\n-- a\n-- b", "\n-- it's"])
    def test_a_query_may_end_as_people_write_it(self, place: Place, ending: str) -> None:
        self.make(place, "('VIP', 'u1', 'a;b')")
        text = "-- ours\nSELECT user_id, email FROM members WHERE email = 'a;b'" + ending
        assert read(place, query(text)) == [(QUERY.audience_name, "u1", "a;b", False)]
        assert opened(place).problems([query(text)]) == []

    def fails_at(self, user_id: int) -> str:
        return f"SELECT CASE user_id WHEN {user_id} THEN json('[') ELSE user_id END AS user_id, email FROM members"

    def test_text_that_cannot_be_sent_is_listed(self, place: Place) -> None:
        self.make(
            place,
            "('VIP', 'u' || char(0) || '1', 'a@example.com')",
            "('VIP', CAST(x'75ff32' AS text), NULL)",
            "('VIP', x'75ff33', x'6265')",
        )
        assert read(place, TABLE) == [
            ("VIP", "u\ufffd1", "a@example.com", True),
            ("VIP", "u\ufffd2", None, True),
            ("VIP", "u\ufffd3", "be", True),
        ]

    def test_values_without_a_type(self, place: Place) -> None:
        place.run(
            "CREATE TABLE members (audience, user_id, email)",
            "INSERT INTO members VALUES (4.0, 4.5, 1e15), (0, -0.0, '4.0')",
        )
        assert read(place, TABLE) == [("0", "0", "4.0", False), ("4", "4.5", "1000000000000000", False)]

    def test_nothing_written_meanwhile_is_seen(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        with opened(place).reading() as reading:
            place.run("INSERT INTO members VALUES ('VIP', 'u2', 'e2')")
            assert len(rows_of(reading.stream(TABLE))) == 1
            place.run("DELETE FROM members")
            assert len(rows_of(reading.stream(query("SELECT user_id, email FROM members")))) == 1

    def test_a_missing_file_is_not_created(self, tmp_path: Path) -> None:
        file = tmp_path / "nowhere.db"
        warehouse = warehouses.open_warehouse(addresses.parse(f"sqlite:///{file}"), {})
        with pytest.raises(errors.WarehouseError, match="there is no SQLite file"), warehouse.reading():
            pass
        assert not file.exists()
        assert [path for path, _ in warehouse.problems([TABLE])] == ["warehouse.url"]

    @pytest.mark.parametrize("name", ["{file}", "{file}?uri=true", "file:{file}?uri=true", "file:{file}%23x?uri=true"])
    @pytest.mark.parametrize("uri", [True, False])
    def test_however_a_missing_file_is_written_none_is_created(self, tmp_path: Path, name: str, *, uri: bool) -> None:
        url = f"sqlite:///{name}".format(file=tmp_path / "nowhere.db")
        warehouse = warehouses.open_warehouse(addresses.parse(url), {"uri": True} if uri else {})
        with pytest.raises(errors.WarehouseError, match=r"^warehouse\.url: "), warehouse.reading():
            pass
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("relative", [True, False])
    def test_a_plain_name_is_one_though_names_may_be_addresses(
        self, place: SqlitePlace, monkeypatch: pytest.MonkeyPatch, *, relative: bool
    ) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        place.file.rename(plain := place.file.with_name("plain.db"))
        monkeypatch.chdir(plain.parent)
        url = sqlalchemy.make_url("sqlite://").set(database=plain.name if relative else str(plain))
        for place.url in (url, url.update_query_dict({"uri": "true"})):
            assert read(place, TABLE, uri=True) == [("VIP", "u1", "e1", False)]

    def test_what_is_no_database(self, tmp_path: Path) -> None:
        file = tmp_path / "text.db"
        file.write_text("this is not a database, " * 50)
        warehouse = warehouses.open_warehouse(addresses.parse(f"sqlite:///{file}"), {})
        with pytest.raises(errors.WarehouseError, match="file is not a database"), warehouse.reading():
            pass

    def test_the_connection_cannot_write(self, place: SqlitePlace) -> None:
        self.make(place)
        address = place.url.set(database=place.file.as_uri()).update_query_dict({"uri": "true", "mode": "rwc"})
        for url in (place.url, address):
            place.url = url
            with sqlalchemy_connection(opened(place)) as connection:
                for setting in ("ON", "OFF"):
                    connection.exec_driver_sql(f"PRAGMA query_only = {setting}")
                    with pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"):
                        connection.exec_driver_sql("DELETE FROM members")

    def test_connect_args_reach_the_driver(self, place: Place) -> None:
        self.make(place)
        factory: Callable[..., sqlite3.Connection] = sqlite3.Connection
        made: list[object] = []

        def noticed(*arguments: object, **named: object) -> sqlite3.Connection:
            made.append(named["timeout"])
            return factory(*arguments, **named)

        read(place, TABLE, factory=noticed, timeout=3.5)
        assert made == [3.5]

    def test_the_state_is_never_here(self, place: Place) -> None:
        assert opened(place).table_in_state(TABLE, 1) is None
