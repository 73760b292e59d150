"""MariaDB keeps the contract, by PyMySQL; and what is particular to it. A real server."""

import socket
import tracemalloc
import uuid
from contextlib import closing

import pytest
import sqlalchemy

from syncer import errors, models, warehouses
from tests.databases import address_of
from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import (
    TABLE,
    Place,
    error_of,
    opened,
    pieces,
    query,
    read,
    rows_of,
    table,
    values_of,
)

pytestmark = pytest.mark.engines


class MariadbPlace:
    def __init__(self, server: sqlalchemy.URL) -> None:
        self.name = f"warehouse_{uuid.uuid4().hex}"
        self.server = server
        self.run(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4")
        self.url = server.set(database=self.name)

    def run(self, *statements: str) -> None:
        import pymysql

        at = getattr(self, "url", self.server)
        with (
            pymysql.connect(
                host=at.host or "",
                port=at.port or 0,
                user=at.username,
                password=at.password or "",
                database=at.database,
                autocommit=True,
                sql_mode="ANSI,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES",
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)


class TestMariadb(WarehouseContract):
    many = "SELECT seq AS i FROM seq_1_to_30000"
    text = "longtext"
    truths = (1, 0)
    booleans = (("1", "number"), ("0", "number"))

    @pytest.fixture
    def place(self, mariadb: sqlalchemy.URL) -> MariadbPlace:
        return MariadbPlace(mariadb)

    def fails_at(self, user_id: int) -> str:
        twice = f"(SELECT n.seq FROM seq_1_to_2 n WHERE m.user_id = {user_id})"
        return f"SELECT coalesce({twice}, m.user_id) AS user_id, email FROM members m"

    def test_bits_are_truths_and_dates_and_padded_texts_are_as_elsewhere(self, place: Place) -> None:
        place.run(
            "CREATE TABLE members"
            " (audience char(9), user_id char(9), email varchar(40), b bit(1), d date, at datetime(3))",
            "INSERT INTO members VALUES ('VIP', 'u1', 'e1', b'1', '2024-02-29', '2024-02-29 13:00:00.5'),"
            " ('VIP', 'u2', 'e2', b'0', NULL, NULL), ('VIP', 'u3', 'e3', NULL, NULL, NULL)",
        )
        assert read(place, table(member="b")) == [("VIP", "u1", "e1", False)]
        assert values_of(place, "b") == [("true", "boolean"), ("false", "boolean"), (None, "text")]
        source = table(member="b", traits={"d": "birthday", "at": "createdAt"})
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            stream = reading.stream(source)
            assert isinstance(stream, models.RowStream)
            [row] = stream.rows
        assert row.traits == '{"birthday":"2024-02-29","createdAt":"2024-02-29T13:00:00.500Z"}'

    def test_nothing_written_meanwhile_is_seen(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            place.run("INSERT INTO members VALUES ('VIP', 'u2', 'e2')")
            assert len(rows_of(reading.stream(TABLE))) == 1
            place.run("DELETE FROM members")
            assert len(rows_of(reading.stream(query("SELECT user_id, email FROM members")))) == 1
            reading.confirm()

    def test_a_limit_of_the_session_is_lifted(self, place: MariadbPlace) -> None:
        self.make_many(place)
        limited = {"init_command": "SET SESSION sql_select_limit = 1000"}
        assert len(read(place, TABLE, **limited)) == 30_000
        capped = query("SELECT user_id, email FROM members LIMIT 1000")
        assert len(read(place, capped)) == 1_000

    def test_a_view_over_a_dropped_table_is_there_and_says_what_it_misses(self, place: Place) -> None:
        self.make(place)
        place.run("CREATE VIEW seen AS SELECT * FROM members", "DROP TABLE members")
        message = error_of(place, table(table="seen"))
        assert "there is no table" not in message
        assert "references invalid table(s)" in message

    def test_a_missing_right_is_said_in_the_servers_words(self, place: MariadbPlace) -> None:
        self.make(place)
        place.run("CREATE TABLE other (a int)", f"CREATE USER {place.name[:30]} IDENTIFIED BY 's3same'")
        place.run(f"GRANT SELECT ON {place.name}.other TO {place.name[:30]}")
        place.url = place.url.set(username=place.name[:30], password="s3same")
        message = error_of(place, TABLE)
        assert "there is no table" not in message
        assert "SELECT command denied to user" in message

    def test_a_wrong_password_is_no_configuration_but_an_unknown_option_is(self, place: MariadbPlace) -> None:
        place.run(f"CREATE USER {place.name[:30]} IDENTIFIED BY 's3same'")
        wrong = place.url.set(username=place.name[:30], password="not it")
        refused = warehouses.open_warehouse(address_of(wrong), {})
        with pytest.raises(errors.WarehouseError, match="Access denied") as caught, refused.reading():
            pass
        assert "not it" not in str(caught.value)
        odd = warehouses.open_warehouse(address_of(place.url), {"nonsense": 1})
        with pytest.raises(errors.ConfigError, match="got an unexpected keyword argument"), odd.reading():
            pass

    def test_a_silent_server_is_given_up(self, place: MariadbPlace) -> None:
        warehouse = warehouses.open_warehouse(address_of(place.url), {}, models.Waits(silence=0.5))
        silent = pytest.raises(errors.WarehouseError, match=r"has not answered for 0\.5 seconds")
        with silent, warehouse.reading() as reading:
            rows_of(reading.stream(query("SELECT sleep(60) AS user_id, 'e' AS email")))

    def test_a_port_that_accepts_and_says_nothing_is_given_up(self, place: MariadbPlace) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            address = place.url.set(port=mute.getsockname()[1])
            warehouse = warehouses.open_warehouse(address_of(address), {}, models.Waits(opening=0.5))
            ((path, message),) = warehouse.problems([TABLE])
        assert path == "warehouse.url"
        assert "it has not answered for 0.5 seconds" in message

    def test_rows_are_streamed(self, place: MariadbPlace) -> None:
        """The driver holds no result: more rows need no more memory."""
        rows = "SELECT seq AS user_id, concat('u', seq, '@example.com') AS email FROM seq_1_to_"
        peaks = []
        for most in (20_000, 400_000):
            with closing(opened(place)) as warehouse, warehouse.reading() as reading:
                tracemalloc.start()
                assert sum(1 for _ in pieces(reading.stream(query(f"{rows}{most}")))) == most
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
        assert peaks[1] < 1.5 * peaks[0]
