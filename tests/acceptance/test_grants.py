"""Everything runs with exactly what sql/grants.sql gives, and nothing more is allowed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from syncer.receivers.segment import SegmentReceiver
from tests.acceptance.worlds import CarefulWorld
from tests.world import Write

GRANTS = Path(__file__).parents[2] / "sql" / "grants.sql"
ROLES = ("syncer_reader", "syncer_owner", "syncer_auditor")
RELATIONS = "SELECT relname FROM pg_class WHERE relnamespace = 'syncer'::regnamespace AND relkind::text = ANY (%s)"


def as_role(url: str, role: str) -> str:
    return sqlalchemy.make_url(url).set(username=role, password="sw0rdfish").render_as_string(hide_password=False)


@pytest.fixture
def roles(postgres: str, new_database: Callable[..., str]) -> Iterator[str]:
    """A database with the three roles, in which nobody may do what the grants do not allow."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as admin:
        for role in ROLES:
            admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'sw0rdfish'")
        admin.execute("DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$")
    yield url
    with psycopg.connect(url, autocommit=True) as admin:
        for role in ROLES:
            admin.execute(f"DROP OWNED BY {role} CASCADE")
            admin.execute(f"DROP ROLE {role}")


def test_every_command_runs_with_exactly_these_grants(roles: str, receiver: SegmentReceiver, tmp_path: Path) -> None:
    warehouse = Write(roles)
    warehouse.run("CREATE VIEW audience_membership AS SELECT * FROM members")
    warehouse.replace([("VIP", str(n), f"person{n}@example.com") for n in range(60)])
    grants = GRANTS.read_text()
    warehouse.run(grants)

    class Roles(CarefulWorld):
        @property
        def text(self) -> str:
            text = super().text.replace('table = "members"', 'table = "audience_membership"')
            return text.replace(f'[warehouse]\nurl = "{roles}"', f'[warehouse]\nurl = "{reader}"')

    reader, owner, auditor = (as_role(roles, role) for role in ROLES)
    world = Roles(tmp_path, warehouse, owner, receiver)
    for command in ("migrate", "check", "plan", "sync"):
        done = world.command(command)
        assert done.returncode == 0, (command, done.stderr)
    warehouse.run(grants)
    warehouse.run("TRUNCATE members")
    assert world.command("sync").returncode == 5
    for arguments in (["approve", "2", "--yes"], ["sync"], ["resync", "--yes"], ["retry"], ["history"], ["verify"]):
        done = world.command(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    for arguments in (["explain", "7"], ["forget", "7", "--yes"], ["pause"], ["resume"], ["retire", "VIP", "--yes"]):
        done = world.command(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)

    with psycopg.connect(auditor, autocommit=True) as audit:
        views = [name for (name,) in audit.execute(RELATIONS, [["v"]])]
        tables = [name for (name,) in audit.execute(RELATIONS, [["r", "p"]])]
        assert "sync_changelog" in views
        for view in views:
            audit.execute(f"SELECT * FROM syncer.{view}").fetchall()
        for table in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                audit.execute(f"SELECT FROM syncer.{table}")
    with psycopg.connect(reader, autocommit=True) as read:
        for forbidden in (
            "INSERT INTO audience_membership VALUES ('VIP', '1', 'a@example.com')",
            "SELECT FROM members",
            "CREATE TABLE mine ()",
            "SELECT FROM syncer.run",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                read.execute(forbidden)
