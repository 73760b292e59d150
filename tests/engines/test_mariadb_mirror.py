"""MariaDB as a warehouse that keeps the snapshot of the last run. A real server."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.engines.mirror_contract import MirrorContract, ScratchWrite, read, scratch_of
from tests.world import CHURN, VIP, World, members, truth

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


class TestMariadb(MirrorContract):
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
