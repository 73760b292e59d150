"""Kills at named points of a run whose warehouse keeps the snapshot of the last one."""

from collections.abc import Iterable

import pytest

from tests.points import Killed, Points, end_sessions
from tests.world import VIP, Row, World, members, truth

PLANNING = ("name_scratch", "register_scratch", "fill_snapshot_part", "drop_rest", "write_rest", "write_base")
SWEEPING = ("list_garbage", "strike_scratch")


def survive(world: World, monkeypatch: pytest.MonkeyPatch, names: Iterable[str]) -> None:
    """Before each of these statements a run is killed, in which somebody leaves, comes, and has another email; the next
    one finds all right again, and leaves one table."""
    points = Points(monkeypatch)
    world.warehouse.replace(members(20))
    world.sync()
    world.sync()
    for number, name in enumerate(names, 1):
        rows: list[Row] = [*members(20, first=number), (VIP, f"moves{number % 2}", f"moved{number}@x.io")]
        world.warehouse.replace(rows)
        points.watch(f"before {name}", points.kill)
        try:
            world.sync()
        except Killed:
            pass
        finally:
            points.rest()
        assert points.reached, name
        end_sessions(world.state_url)  # of the process that was killed, none is left
        assert world.sync().report.status == "succeeded", name
        assert world.believed() == truth(rows), name
        assert world.query("SELECT count(*) FROM scratch_table") == [(1,)], name
    assert world.verify().differences == 0
