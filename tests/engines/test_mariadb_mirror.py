"""MariaDB as a warehouse that keeps the snapshot of the last run. A real server."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from syncer.warehouses import mirror_dialects
from syncer.warehouses.mirror_dialects import FACTS
from tests.engines.mirror_contract import UNUSABLE, ScratchWrite, SourcesContract, noted, read, scratch_of
from tests.integration.scratch_kills import PLANNING, SWEEPING, survive
from tests.world import CHURN, VIP, World, members, truth, until

pytestmark = pytest.mark.engines


class MariadbWrite(ScratchWrite):
    def __init__(self, server: sqlalchemy.URL) -> None:
        self.server = server
        name = uuid.uuid4().hex
        self.database, scratch = f"w_{name}", f"s_{name}"
        self.order(f"CREATE DATABASE {self.database} CHARACTER SET utf8mb4", f"CREATE DATABASE {scratch}")
        super().__init__(server.set(database=self.database).render_as_string(hide_password=False), scratch)

    def order(self, *statements: str) -> None:
        self.ask(*statements)

    def ask(self, *statements: str) -> Any:
        """What the last of them answers."""
        import pymysql

        at = self.server
        with (
            pymysql.connect(host=at.host or "", port=at.port or 0, user=at.username, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            if statements[0].split()[:2] != ["CREATE", "DATABASE"]:
                cursor.execute(f"USE {self.database}")
            cursor.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def tables(self) -> set[str]:
        asked = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{self.scratch}'"
        return {name for (name,) in self.ask(asked)}

    def kill_whoever_makes_a_table(self) -> None:
        """Waits for one."""
        making: list[int] = []

        def is_making() -> bool:
            asked = "SELECT id FROM information_schema.processlist WHERE info LIKE 'CREATE TABLE%'"
            making[:] = [number for (number,) in self.ask(asked)]
            return bool(making)

        until(is_making)
        self.order(f"KILL {making[0]}")


class TestMariadb(SourcesContract):
    @pytest.fixture
    def kept(self, mariadb: sqlalchemy.URL, tmp_path: Path, state: State, receiver: SegmentReceiver) -> World:
        write = MariadbWrite(mariadb)
        return World(tmp_path, write, state.url, receiver, warehouse_extra=f'scratch = "{write.scratch}"')

    def harms(self, warehouse: ScratchWrite) -> Iterator[Callable[[str], None]]:
        yield from super().harms(warehouse)
        yield lambda table: warehouse.order(f"UPDATE {table} SET email = upper(email) WHERE user_id = 'u0007'")
        yield lambda table: warehouse.order(f"ALTER TABLE {table} DROP COLUMN email")
        yield lambda table: warehouse.order(f"ALTER TABLE {table} MODIFY email varbinary(300)")

    def test_a_member_column_is_judged_as_elsewhere(self, kept: World) -> None:
        kept.extra = 'member = "flag"\n'
        kept.warehouse.run("ALTER TABLE members ADD COLUMN flag varchar(9) DEFAULT 'yes'")
        warehouse = scratch_of(kept)
        rows = ", ".join(f"({', '.join(map(warehouse.literal, row))})" for row in members(9, VIP, CHURN))
        warehouse.run(f"INSERT INTO members (audience_name, user_id, email) VALUES {rows}")
        warehouse.run("UPDATE members SET flag = ' TRUE' WHERE user_id = 'u0001'")
        warehouse.run("UPDATE members SET flag = NULL WHERE user_id = 'u0002'")
        kept.sync()
        kept.destination_extra += f'\naudiences = ["{VIP}"]'
        kept.sync()
        warehouse.run("UPDATE members SET flag = 'No' WHERE user_id = 'u0003'")
        warehouse.run("UPDATE members SET flag = 'true' WHERE user_id = 'u0001'")
        result = kept.sync()
        assert read(kept)[0] == "changes"
        assert {each.name: each.members for each in result.report.audiences} == {VIP: 7, CHURN: 7}
        assert kept.query("SELECT memberships, contacts FROM run ORDER BY run_id DESC LIMIT 1") == [(14, 7)]
        assert kept.verify().differences == 0
        warehouse.run("UPDATE members SET flag = 'maybe' WHERE user_id = 'u0003'")
        assert "flag holds 'maybe'" in str(kept.sync().report.error)

    def test_an_encoding_that_was_repaired_is_noticed(self, kept: World) -> None:
        """The same bytes, which are another text now."""
        warehouse = scratch_of(kept)
        warehouse.run("ALTER TABLE members MODIFY email varchar(99) CHARACTER SET latin1")
        warehouse.replace([(VIP, "u1", "\u00c3\u00b6@x.io"), (VIP, "u2", "b@x.io")])
        kept.sync()
        kept.sync()
        assert read(kept) == ("changes", None, 0)
        warehouse.run("ALTER TABLE members MODIFY email varbinary(99)")
        warehouse.run("ALTER TABLE members MODIFY email varchar(99) CHARACTER SET utf8mb4")
        kept.sync()
        assert read(kept)[0] == "everything"
        assert kept.believed() == truth([(VIP, "u1", "\u00f6@x.io"), (VIP, "u2", "b@x.io")])

    def test_a_run_may_be_killed_anywhere_among_the_tables(self, kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
        survive(kept, monkeypatch, [*PLANNING, *SWEEPING])
        assert scratch_of(kept).tables() == noted(kept)

    def test_an_engine_that_is_killed_while_it_makes_a_table_is_read_whole_by_the_next_run(
        self, kept: World, mariadb: sqlalchemy.URL
    ) -> None:
        """The session is killed, as the server's own end looks to it, in the middle of CREATE TABLE AS."""
        world = self.settled(kept)
        warehouse = scratch_of(world)
        assert isinstance(warehouse, MariadbWrite)
        before = warehouse.tables()
        slow = "SELECT audience_name, user_id, email FROM members WHERE sleep(0.05) = 0"
        warehouse.order("RENAME TABLE members TO all_members")
        warehouse.order(f"CREATE VIEW members AS {slow.replace('FROM members', 'FROM all_members')}")
        killing = threading.Thread(target=warehouse.kill_whoever_makes_a_table)
        killing.start()
        world.sync()
        killing.join()
        assert read(world) == ("everything", UNUSABLE, 100)
        warehouse.order("DROP VIEW members", "RENAME TABLE all_members TO members")
        world.sync()
        world.sync()
        assert read(world) == ("changes", None, 0)
        assert warehouse.tables() == noted(world)
        assert not before & warehouse.tables()

    def test_rights_that_are_revoked_between_runs_mean_that_everything_is_read(self, kept: World) -> None:
        warehouse = scratch_of(kept)
        assert isinstance(warehouse, MariadbWrite)
        user = f"u{uuid.uuid4().hex[:20]}"
        rights = f"SELECT, INSERT, CREATE, DROP ON {warehouse.scratch}.*"
        warehouse.order(
            f"CREATE USER {user} IDENTIFIED BY 's3same'", f"GRANT SELECT ON {warehouse.database}.* TO {user}"
        )
        warehouse.order(f"GRANT {rights} TO {user}")
        url = sqlalchemy.make_url(warehouse.url).set(username=user, password="s3same")
        kept.warehouse = warehouse.through(url.render_as_string(hide_password=False))
        world = self.settled(kept)
        assert world.command("check").returncode == 0
        for right, words in (("CREATE", "command denied"), ("INSERT", "command denied"), ("DROP", "cannot be dropped")):
            warehouse.order(f"REVOKE {right} ON {warehouse.scratch}.* FROM {user}")
            checked = world.command("check")
            assert (checked.returncode, words in checked.stderr) == (2, True), checked.stderr
            world.sync()
            world.sync()
            assert read(world) == (("changes", None, 0) if right == "DROP" else ("everything", UNUSABLE, 100))
            warehouse.order(f"GRANT {rights} TO {user}")
            world.sync()
            world.sync()
            assert read(world) == ("changes", None, 0)
            assert {name for name in warehouse.tables() if "probe" not in name} == noted(world)
            assert len(noted(world)) == 1

    def test_who_holds_a_table_keeps_no_run_waiting(self, kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is read, and dropped by a later run."""
        import pymysql

        quick = [each.replace("lock_wait_timeout = 5", "lock_wait_timeout = 1") for each in FACTS["mysql"].begin]
        monkeypatch.setattr(mirror_dialects, "FACTS", {"mysql": replace(FACTS["mysql"], begin=quick)})
        world = self.settled(kept)
        warehouse = scratch_of(world)
        assert isinstance(warehouse, MariadbWrite)
        (held,) = warehouse.tables()
        at = warehouse.server
        with pymysql.connect(host=at.host or "", port=at.port or 0, user=at.username) as connection:
            connection.cursor().execute(f"SELECT count(*) FROM {warehouse.scratch}.{held}")
            world.sync()
            assert read(world) == ("changes", None, 0)
            assert held in warehouse.tables()
        world.sync()
        assert warehouse.tables() == noted(world)
        assert len(noted(world)) == 1
