"""The rows are those that the warehouse's role sees in its own session, also where it is the state's own database.

The state's session has other rights, settings and policies, and whose code runs in it could do all that syncer may.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from syncer import sync
from syncer.planning import snapshot, staging
from tests.world import Row, World, Write

VIP = "VIP Buyers"
ROWS: list[Row] = [(VIP, f"u{n}", f"u{n}@x.io") for n in range(4)]
EYES = "'VIP Buyers'::text AS audience_name, 'u'::text AS user_id"


@dataclass
class Shared:
    """Warehouse and state in one database; `role` reads the warehouse. `admin` fills it."""

    world: World
    admin: Write
    role: str

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.admin.run(statement.replace("ROLE", self.role))

    def told(self) -> set[str]:
        """Who is told in a run, which verify agrees with."""
        assert self.world.sync().report.status == "succeeded"
        assert self.world.verify().differences == 0
        return {contact for contact, _ in self.world.believed()}


@pytest.fixture
def shared(world_in_one_database: World) -> Iterator[Shared]:
    world, role = world_in_one_database, f"reader_{uuid.uuid4().hex}"
    world.warehouse.run("ALTER TABLE members SET SCHEMA public")
    admin = as_(world.warehouse, "search_path=public")
    admin.run(f"CREATE ROLE {role}")
    admin.run(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    admin.run(f"GRANT SELECT ON members TO {role}")
    admin.replace(ROWS)
    world.warehouse = as_(world.warehouse, f"role={role}")
    yield Shared(world, admin, role)
    admin.run(f"DROP OWNED BY {role} CASCADE")
    admin.run(f"DROP ROLE {role}")


def as_(write: Write, *settings: str) -> Write:
    """The same database, by sessions with these settings."""
    options = quote(" ".join(f"-c {setting}" for setting in settings), safe="")
    url = re.sub(r"[?&]options=.*", "", write.url)
    return write.through(f"{url}{'&' if '?' in url else '?'}options={options}")


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for every snapshot that was copied."""
    copied: list[str] = []
    real = staging.stage

    def stage(*arguments: Any) -> staging.Travelled:
        copied.append("staged")
        return real(*arguments)

    monkeypatch.setattr(staging, "stage", stage)
    return copied


def test_a_policy_for_the_reader(shared: Shared) -> None:
    shared.run(
        "ALTER TABLE members ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY half ON members TO ROLE USING (user_id < 'u2')",
    )
    assert shared.told() == {"u0@x.io", "u1@x.io"}


def test_a_view_that_looks_at_its_reader(shared: Shared) -> None:
    """Whoever owns it does not become whoever owns the state."""
    shared.run(
        "DROP TABLE members",
        f"CREATE VIEW members AS SELECT {EYES}, current_user || '@x.io' AS email",
        "ALTER VIEW members OWNER TO ROLE",
    )
    assert shared.told() == {f"{shared.role}@x.io"}


@pytest.mark.parametrize(
    ("setting", "value", "row"),
    [
        ("timezone", "Asia/Tokyo", "('2026-01-31 20:00Z'::timestamptz)::date || '@x.io'"),
        ("search_path", "theirs", "current_schema() || '@x.io'"),
    ],
)
def test_a_setting_of_the_readers_session(shared: Shared, setting: str, value: str, row: str) -> None:
    shared.world.warehouse = as_(shared.admin, f"role={shared.role}", f"{setting}={value}")
    shared.run("DROP TABLE members", "CREATE SCHEMA theirs", "GRANT USAGE ON SCHEMA theirs TO ROLE")
    for schema in ("public", "theirs"):
        shared.run(f"CREATE VIEW {schema}.members AS SELECT {EYES}, {row} AS email")
        shared.run(f"GRANT SELECT ON {schema}.members TO ROLE")
    with psycopg.connect(shared.world.warehouse.url) as connection:
        [expected] = connection.execute("SELECT email FROM members").fetchall()
    assert shared.told() == {expected[0].lower()} == {contact.lower() for contact in expected}


def test_the_table_that_the_readers_search_path_finds(shared: Shared) -> None:
    shared.run(
        "CREATE SCHEMA theirs AUTHORIZATION ROLE",
        "CREATE TABLE theirs.members AS SELECT * FROM members WHERE user_id = 'u3'",
        "ALTER TABLE theirs.members OWNER TO ROLE",
    )
    shared.world.warehouse = as_(shared.admin, f"role={shared.role}", "search_path=theirs")
    assert shared.told() == {"u3@x.io"}


def test_a_reader_that_may_not_read(shared: Shared) -> None:
    shared.run("REVOKE SELECT ON members FROM ROLE")
    result = shared.world.sync()
    assert sync.exit_code(result) == 6
    assert "permission denied for table members" in (result.report.error or "")
    assert shared.world.receiver.event_count == 0


@pytest.mark.parametrize("kind", ["enum", "domain", "timestamptz", "double precision", "bytea"])
def test_columns_whose_text_depends_on_the_session_or_on_somebody_elses_code(
    shared: Shared, staged: list[str], kind: str
) -> None:
    names = {"enum": "mood", "domain": "address"}
    shared.run(
        "CREATE TYPE mood AS ENUM ('a')",
        "CREATE DOMAIN address AS text",
        f"ALTER TABLE members ADD COLUMN odd {names.get(kind, kind)}",
    )
    shared.world.extra = 'user_id = "odd"\n'
    shared.world.sync()
    assert staged == ["staged"]


@pytest.mark.not_audited("its address is what a cast makes of the column, and the auditor reads that as it is")
def test_a_cast_of_the_tables_owner_runs_as_the_reader(shared: Shared) -> None:
    shared.run(
        "CREATE TYPE mood AS ENUM ('a')",
        "CREATE FUNCTION spelled(mood) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN current_user || '@x.io'; END$$",
        "CREATE CAST (mood AS text) WITH FUNCTION spelled(mood)",
        "DROP TABLE members",
        "CREATE TABLE members (audience_name text, user_id text, email mood)",
        f"INSERT INTO members VALUES ('{VIP}', 'u', 'a')",
        "ALTER TABLE members OWNER TO ROLE",
    )
    assert shared.told() == {f"{shared.role}@x.io"}


def test_only_the_table_of_a_role_that_the_states_role_is_a_member_of_is_read_in_place(
    shared: Shared, staged: list[str]
) -> None:
    shared.told()
    assert staged == []
    shared.run("ALTER TABLE members OWNER TO ROLE")
    shared.told()  # the state's role is a superuser: that is no membership
    assert staged == ["staged"] * 2
    shared.run("GRANT ROLE TO CURRENT_USER")
    shared.told()
    assert staged == ["staged"] * 2
    shared.run("CREATE TABLE child () INHERITS (members)", "GRANT SELECT ON child TO ROLE")
    shared.told()
    assert staged == ["staged"] * 4


@pytest.mark.parametrize(
    "instead",
    [
        f"DROP TABLE members; CREATE VIEW members AS SELECT {EYES}, current_user || '@x.io' AS email;"
        " GRANT SELECT ON members TO ROLE",
        "ALTER TABLE members OWNER TO ROLE",
        "ALTER TABLE members ENABLE ROW LEVEL SECURITY; CREATE POLICY nobody ON members USING (false)",
        "DROP TABLE members",
    ],
)
def test_a_table_that_is_replaced_before_the_plan_reads_it(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, instead: str
) -> None:
    """Found to be plain, and then it is not."""
    shared.told()
    events = shared.world.receiver.event_count
    real = snapshot._table_in_state

    def found(*arguments: Any) -> Any:
        table = real(*arguments)
        shared.run(instead)
        return table

    monkeypatch.setattr(snapshot, "_table_in_state", found)
    result = shared.world.sync()

    assert result.report.status == "failed"
    assert sync.exit_code(result) == 6
    assert (result.report.error or "").startswith("warehouse.membership.table: ")
    assert shared.world.receiver.event_count == events


@pytest.mark.fresh_sessions
def test_a_table_that_stays_locked_is_the_warehouses_fault(shared: Shared) -> None:
    with psycopg.connect(shared.admin.url) as connection:
        name = connection.info.dbname
        shared.run(f'ALTER DATABASE "{name}" SET lock_timeout = 100')
        connection.execute("LOCK TABLE members")
        result = shared.world.sync()
    assert sync.exit_code(result) == 6
    assert (result.report.error or "").startswith("warehouse.membership.table: reading table")


@pytest.mark.fresh_sessions
def test_a_table_that_is_locked_once_it_was_found_is_waited_for_as_long_as_the_reader_would(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = snapshot._table_in_state
    for_ten_seconds = "-c idle_in_transaction_session_timeout=10s"
    with psycopg.connect(shared.admin.url, options=for_ten_seconds) as connection:
        shared.run(f'ALTER DATABASE "{connection.info.dbname}" SET lock_timeout = 100')

        def found(*arguments: Any) -> Any:
            table = real(*arguments)
            connection.execute("LOCK TABLE members")
            return table

        monkeypatch.setattr(snapshot, "_table_in_state", found)
        result = shared.world.sync()
    assert sync.exit_code(result) == 6
    assert "canceling statement due to lock timeout" in (result.report.error or "")
