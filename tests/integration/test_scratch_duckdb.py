"""DuckDB as a warehouse that keeps the snapshot of the last run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from syncer.warehouses import mirror
from tests.engines.mirror_contract import UNUSABLE, MirrorContract, ScratchWrite, read
from tests.integration.test_scratch_generic import DuckdbWrite
from tests.world import VIP, World, members, truth


class TestDuckdb(MirrorContract):
    lives = 12
    users = ("u1", "U1", "u1 ", "\u00fc", "u\u0308", "nul\0", "nul\ufffd", "", None)

    @pytest.fixture
    def kept(self, tmp_path: Path, state: State, receiver: SegmentReceiver) -> World:
        """A file with a scratch schema, and columns that take different texts for equal."""
        write = DuckdbWrite(tmp_path / "warehouse.duckdb")
        for column in ("user_id", "email"):
            write.run(f"ALTER TABLE members ALTER {column} TYPE text COLLATE NOCASE")
        return World(tmp_path, write, state.url, receiver, warehouse_extra='scratch = "scratch"')

    def harms(self, warehouse: ScratchWrite) -> Iterator[Callable[[str], None]]:
        yield from super().harms(warehouse)
        yield lambda table: warehouse.order(f"DELETE FROM {table} WHERE user_id = encode('u0007')")

    def test_nobody_can_choose_an_address_that_adds_up_to_the_same(self, kept: World) -> None:
        """DuckDB's own hash of these two is the same."""
        others = members(50, VIP)
        for email in ("8t6rc67jfww9igkfabcdefgh@x.io", "cv4b4sdj75dskxfxabcdefgh@x.io"):
            kept.warehouse.replace([*others, (VIP, "u", email)])
            kept.sync()
            assert kept.believed() == truth([*others, (VIP, "u", email)])
        assert read(kept)[0] == "changes"

    def test_groups_of_users_are_compared_part_by_part(self, kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mirror, "ROWS_A_GROUP", 1)
        monkeypatch.setattr(mirror, "GROUPS_A_PASS", 10)
        self.test_what_changed_travels_and_nothing_else(kept)

    def test_columns_of_other_types_are_read_whole(self, kept: World) -> None:
        kept.warehouse.run("ALTER TABLE members ALTER user_id TYPE DECIMAL(2, 1)")
        kept.warehouse.run("INSERT INTO members VALUES ('A', 1.5, 'a@x.io')")
        checked = kept.command("check")
        assert checked.returncode == 2
        assert "user_id is DECIMAL(2,1)" in checked.stderr
        kept.sync()
        assert read(kept) == ("everything", UNUSABLE, 1)
