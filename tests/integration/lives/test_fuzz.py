"""Lives for as long as SYNCER_FUZZ says, each round from a seed; and in CI the seeds that failed once."""

import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.destinations import segment
from syncer.planning import checksums, differences
from syncer.warehouses import mirror
from tests.integration.lives.grouped import Grouped
from tests.integration.lives.mortal import Mortal
from tests.integration.lives.rare import PATHS
from tests.integration.lives.stage import Stage
from tests.integration.lives.twice import Twice
from tests.sometimes import Sometimes
from tests.world import Report, Write

FUZZ, SEED = os.environ.get("SYNCER_FUZZ"), os.environ.get("SYNCER_SEED")
"""How long, and the seed of the first round; read before the environment is cleaned."""

LIVES = 4
"""Of a round. The first of them is short and quiet: it is the simplest one that there is."""

LONG = 40
"""Rounds from which a run has to have come to every rare path; a busy machine plays few in ten minutes."""

SEEDS = [
    int(line.split()[0])
    for line in Path(__file__).with_name("seeds.txt").read_text().splitlines()
    if line and not line.startswith("#")
]

Round = Callable[[int, Sometimes], None]


@pytest.fixture
def play(new_database: Callable[..., str], template: str, monkeypatch: pytest.MonkeyPatch) -> Round:
    """Plays a round. Its seed also says how large pages are, whether the warehouse is in the state's database,
    whether it keeps the snapshot of the last run, and what is done about blanks around addresses."""
    monkeypatch.setattr(checksums, "worthwhile", lambda *_: True)
    monkeypatch.setattr(checksums, "MEMBERS", 1)
    monkeypatch.setattr(checksums, "COARSE", 1)
    monkeypatch.setattr(checksums, "UNDIVIDED", 1)
    monkeypatch.setattr(checksums, "PART", 1)
    monkeypatch.setattr(segment, "MAX_REQUEST_BYTES", 900)
    mortal = Mortal(monkeypatch)
    Grouped(monkeypatch, mortal.immortal)
    warehouse = Write(new_database("template0"))
    twice = Twice(monkeypatch, mortal.immortal)
    stages: dict[int, Stage] = {}

    def play(seed: int, sometimes: Sometimes) -> None:
        kind = seed % 4
        monkeypatch.setattr(segment, "PAGE_SIZE", (1, 500)[kind % 2])
        monkeypatch.setattr(mirror, "ROWS_A_GROUP", 1 + seed // 4 % 3)
        monkeypatch.setattr(differences, "MANY_PADDED", seed // 4 % 2)
        elsewhere, kept = warehouse if kind % 2 else None, twice if kind == 3 else None
        stage = stages.setdefault(kind, Stage(new_database, template, mortal, elsewhere, kept))
        stage.sometimes = sometimes
        try:
            stage.play(LIVES, seed=seed)
        except BaseException as error:
            error.add_note(f"play this round again: SYNCER_FUZZ=1s SYNCER_SEED={seed} pytest {Path(__file__).parent}")
            raise

    return play


@pytest.mark.timeout(0)
@pytest.mark.skipif(FUZZ is None, reason="SYNCER_FUZZ=10m plays lives for ten minutes")
def test_lives_go_well_for_as_long_as_we_like(play: Round, report: Report) -> None:
    first = int(SEED) if SEED else random.SystemRandom().randrange(10**9)
    print(f"SYNCER_SEED={first}")
    sometimes = Sometimes(PATHS)
    end, seed = time.monotonic() + _seconds(str(FUZZ)), first
    while seed == first or time.monotonic() < end:
        play(seed, sometimes)
        seed += 1
    report(f"SYNCER_SEED={first}, {seed - first} rounds; {sometimes}")
    if seed - first >= LONG:
        assert sometimes.never(PATHS) == set()


@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_that_failed_once(play: Round, seed: int) -> None:
    play(seed, Sometimes(PATHS))


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)([smh])", text)
    assert found, f"SYNCER_FUZZ is like 90s, 10m or 1h, not {text!r}"
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
