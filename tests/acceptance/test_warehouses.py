"""The whole way through the command, from warehouses that are files, with the embedded state."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from syncer.embedded.data_dir import DataDir
from syncer.receivers.segment import SegmentReceiver
from tests.acceptance.worlds import EmbeddedWorld, FileWrite
from tests.world import Row, truth

ROWS: list[Row] = [("VIP Buyers", f"u{n}", f"User{n}@Example.com") for n in range(1200)]


def _sqlite(file: Path) -> tuple[str, Callable[[], Any]]:
    return f"sqlite:///{file}", lambda: sqlite3.connect(file)


def _duckdb(file: Path) -> tuple[str, Callable[[], Any]]:
    return f"duckdb:///{file}", lambda: duckdb.connect(str(file))


@pytest.mark.parametrize("kind", [_sqlite, _duckdb], ids=["sqlite", "duckdb"])
def test_initial_and_incremental_from_a_file(
    kind: Callable[[Path], tuple[str, Callable[[], Any]]], receiver: SegmentReceiver, tmp_path: Path
) -> None:
    world = EmbeddedWorld(tmp_path, FileWrite(*kind(tmp_path / "warehouse.db")), "", receiver)
    world.warehouse.replace([*ROWS, ("VIP Buyers", "nul", "a\0@example.com"), ("VIP Buyers", "none", None)])
    assert world.command("check").returncode == 0

    first = world.json("sync")
    assert first["status"] == "succeeded", first
    assert first["destinations"][0]["succeeded"] == len(ROWS)
    assert first["destinations"][0]["skipped"] == {"no_email": 1, "unsendable_text": 1}
    assert world.believed() == truth(ROWS)

    later: list[Row] = [*ROWS[3:], ("VIP Buyers", "new", "new@example.com"), ("Early Birds", "u9", "user9@example.com")]
    world.warehouse.replace(later)
    plan = world.json("plan")
    second = world.json("sync")
    assert second["destinations"][0]["succeeded"] == plan["destinations"][0]["planned"] == 5
    assert world.believed() == truth(later)
    assert [run["status"] for run in world.json("history")] == ["succeeded", "succeeded"]
    assert not DataDir(world.data_dir).is_alive()
