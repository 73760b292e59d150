"""PostgreSQL keeps the contract; and what is particular to it. A real server."""

import uuid

import psycopg
import pytest
import sqlalchemy

from syncer import errors
from tests.integration.warehouses.contract import WarehouseContract
from tests.integration.warehouses.places import (
    QUERY,
    TABLE,
    answer_error,
    error_of,
    opened,
    pieces,
    query,
    read,
    rows_of,
    table,
)


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

    @pytest.mark.parametrize("kind", ["numeric", "real", "double precision"])
    def test_what_is_no_number_is_no_id(self, place: PostgresPlace, kind: str) -> None:
        place.run(
            f"CREATE TABLE members (audience text, user_id {kind}, email text)",
            "INSERT INTO members VALUES ('VIP', 'NaN', 'a'), ('VIP', 'Infinity', 'b'), ('VIP', '-Infinity', 'c')",
            "INSERT INTO members VALUES ('VIP', 1e20, 'd'), ('VIP', 0.25, 'e')",
        )
        assert [
            (user_id, email) for _, user_id, email, _ in sorted(read(place, TABLE), key=lambda row: str(row[2]))
        ] == [
            (None, "a"),
            (None, "b"),
            (None, "c"),
            ("100000000000000000000", "d"),
            ("0.25", "e"),
        ]

    def test_types_are_those_beneath_a_domain(self, place: PostgresPlace) -> None:
        place.run(
            "CREATE DOMAIN amount AS numeric(9, 2)",
            "CREATE DOMAIN whole AS amount CHECK (value = trunc(value))",
            "CREATE TABLE members (audience text, user_id whole, email text, m whole)",
            "INSERT INTO members VALUES ('VIP', 12, 'e', 1)",
        )
        assert read(place, table(member="m")) == [("VIP", "12", "e", False)]
        assert read(place, query("SELECT * FROM members", member="m")) == [(QUERY.audience_name, "12", "e", False)]

    def test_nothing_written_meanwhile_is_seen(self, place: PostgresPlace) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        with opened(place).reading() as reading:
            place.run("INSERT INTO members VALUES ('VIP', 'u2', 'e2')")
            assert len(rows_of(reading.stream(TABLE))) == 1
            place.run("DELETE FROM members")
            assert len(rows_of(reading.stream(query("SELECT user_id, email FROM members")))) == 1
            assert reading.rows_read() == 2

    @pytest.mark.parametrize(
        ("meanwhile", "rebuilt"),
        [
            (("TRUNCATE members",), "members"),
            (("ALTER TABLE members ALTER COLUMN user_id TYPE varchar(9)",), "members"),
            (("ALTER TABLE members RENAME TO old", "CREATE TABLE members (LIKE old)"), "members"),
            (("DROP TABLE members", "CREATE VIEW members AS TABLE other_table"), "members"),
            (("TRUNCATE part",), "part"),
            (("ALTER TABLE whole DETACH PARTITION part", "ALTER TABLE whole ATTACH PARTITION spare DEFAULT"), "spare"),
            (("REFRESH MATERIALIZED VIEW kept",), "kept"),
            (("VACUUM FULL members",), "members"),  # a false alarm: the next run is as good
            (("CREATE INDEX ON members (user_id)",), None),
            (("REINDEX TABLE members", "VACUUM members", "ANALYZE members"), None),
            (("INSERT INTO members VALUES ('a', 'b', 'c')", "DELETE FROM members"), None),
            (("REFRESH MATERIALIZED VIEW other", "DROP TABLE spare"), None),
            (("ALTER TABLE members ADD COLUMN more text DEFAULT 'x'", "TRUNCATE other_table"), None),
            (("VACUUM FULL pg_catalog.pg_class",), None),
        ],
    )
    def test_what_is_rebuilt_after_the_snapshot_is_named(
        self, place: PostgresPlace, meanwhile: tuple[str, ...], rebuilt: str | None
    ) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        place.run(
            "CREATE TABLE whole (LIKE members) PARTITION BY LIST (audience)",
            "CREATE TABLE part PARTITION OF whole DEFAULT",
            "CREATE TABLE spare (LIKE members)",
            "CREATE TABLE other_table (LIKE members)",
            "INSERT INTO whole VALUES ('VIP', 'u1', 'e1')",
            "CREATE MATERIALIZED VIEW kept AS SELECT * FROM other_table",
            "CREATE MATERIALIZED VIEW other AS SELECT * FROM other_table",
            "CREATE INDEX ON members (email)",
        )
        with opened(place).reading() as reading:  # nothing is locked first: nobody says what will be read
            place.run(*meanwhile)

            def read_all() -> None:
                for name in ("members", "whole", "kept"):
                    rows_of(reading.stream(table(table=name)))
                reading.confirm()

            if rebuilt is None:
                read_all()
            else:
                with pytest.raises(errors.WarehouseError, match=f"not whole: {rebuilt} was rebuilt"):
                    read_all()

    def test_what_will_be_read_cannot_be_rebuilt(self, place: PostgresPlace) -> None:
        self.make(place, "('VIP', 'u1', 'e1')")
        place.run("CREATE VIEW seen AS SELECT * FROM members", "CREATE TABLE other AS SELECT * FROM members")
        sources = [table(table="seen"), query("SELECT user_id, email FROM other"), query("SELECT nothing")]
        with opened(place).reading(sources) as reading:
            for statement in ("TRUNCATE members", "CREATE OR REPLACE VIEW seen AS SELECT 1", "DROP TABLE other"):
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    place.run("SET lock_timeout = '10ms'", statement)
            place.run("INSERT INTO members VALUES ('VIP', 'u2', 'e2')")
            assert len(rows_of(reading.stream(sources[0]))) == 1
            reading.confirm()

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
            assert found.oid == place.ask("SELECT 'members'::regclass::oid::int")
            assert (found.schema, found.name, found.columns) == ("public", "members", ["audience", "email", "user_id"])
            assert state.execute(found.members.encode()).fetchall() == [("VIP", "u1", "100%", False)]
            assert warehouse.table_in_state(TABLE, key ^ 1) is None
            assert warehouse.table_in_state(table(table="nowhere"), key) is None
            assert warehouse.table_in_state(query("SELECT 1"), key) is None
            state.execute("CREATE VIEW audience_view AS SELECT * FROM members")
            assert warehouse.table_in_state(table(table="audience_view"), key) is None
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
