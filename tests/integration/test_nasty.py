"""Whatever rows a warehouse has, no run ends in an error of ours, and in the end belief is the warehouse.

SYNCER_NASTY_EXAMPLES=200 tries more and other rows.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from syncer.receivers.segment import SegmentReceiver
from tests.integration import nasty
from tests.witness import Witness
from tests.world import World, Write

IN_CI = 4
EXAMPLES = int(os.environ.get("SYNCER_NASTY_EXAMPLES") or IN_CI)
"""Cases for each kind of warehouse; read before the environment is cleaned."""

pytestmark = [
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("many warehouses in one test, filled in ways of their own; it judges belief itself"),
]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", ["postgres", "in_place", "duckdb", "sqlite"])
def test_no_rows_break_a_run_and_belief_is_the_warehouse(
    new_database: Callable[..., str], template: str, kind: str, tmp_path: Path
) -> None:
    other = new_database() if kind == "postgres" else ""
    made: list[str] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES <= IN_CI,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if EXAMPLES > IN_CI else [])],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=nasty.cases)
    def play(case: nasty.Case) -> None:
        state_url = new_database(template, again=made.pop() if made else None)
        made.append(state_url)
        if kind == "in_place":
            case = replace(case, unasked=0)  # with a query beside it no table is read in place
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        fill, url = _warehouse(kind, folder, other or state_url)
        with SegmentReceiver("test-write-key", require_email=case.identity == "email") as receiver:
            warehouse = Write.__new__(Write)
            warehouse.url, warehouse.witness = url, Witness()
            nasty.live(World(folder, warehouse, state_url, receiver), case, fill)
            assert receiver.violations == []

    play()


def _warehouse(kind: str, folder: Path, database: str) -> tuple[nasty.Fill, str]:
    """What fills a new warehouse of this kind, and its URL."""
    match kind:
        case "duckdb":
            return nasty.fill_duckdb(folder / "shop.duckdb"), f"duckdb:///{folder / 'shop.duckdb'}"
        case "sqlite":
            return nasty.fill_sqlite(folder / "shop.db"), f"sqlite:///{folder / 'shop.db'}"
    return nasty.fill_postgres(database), database
