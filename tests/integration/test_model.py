"""Random lives of warehouse, syncer and destination, against a model written from the contract and not from the SQL.

Between runs: people come, leave, move, share addresses; rows break; audiences vanish; somebody approves, retires,
pauses, retries, narrows the reach, asks for a full resync. In a run: every fault of a network, contacts that are
refused, sessions that are ended, and a process that is gone between any two of its statements and requests.

After every run, however disturbed: belief is the state, except where the state itself says that it is uncertain.
After every undisturbed run: belief is the warehouse, except for what is listed as held, refused, paused or skipped;
its calls, holds, doubts and the state are exactly what the model says; history replayed is the state.
SYNCER_MODEL_EXAMPLES=300 runs more and other lives.
"""

import os
from collections.abc import Callable

import pytest

from syncer.destinations import segment
from syncer.planning import checksums
from tests.integration.lives.grouped import Grouped
from tests.integration.lives.mortal import Mortal
from tests.integration.lives.rare import IN_CI, OF_PAGES, OF_SCRATCH
from tests.integration.lives.stage import Stage
from tests.integration.lives.twice import Twice
from tests.world import Report, Write

FEW = 6
EXAMPLES = int(os.environ.get("SYNCER_MODEL_EXAMPLES") or FEW)
"""Lives for each of the two page sizes; read before the environment is cleaned."""


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    monkeypatch.setattr(checksums, "worthwhile", lambda *_: True)  # every run trusts what the last one found unchanged
    monkeypatch.setattr(checksums, "MEMBERS", 1)
    monkeypatch.setattr(checksums, "COARSE", 1)
    monkeypatch.setattr(checksums, "UNDIVIDED", 1)
    monkeypatch.setattr(checksums, "PART", 1)
    mortal = Mortal(monkeypatch)
    Grouped(monkeypatch, mortal.immortal)
    return mortal


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("page_size", "staged"), [(1, False), (500, True)], ids=["one_a_page", "many_a_page"])
def test_belief_is_the_warehouse_after_every_undisturbed_run(
    new_database: Callable[..., str],
    template: str,
    monkeypatch: pytest.MonkeyPatch,
    mortal: Mortal,
    report: Report,
    page_size: int,
    staged: bool,
) -> None:
    monkeypatch.setattr(segment, "PAGE_SIZE", page_size)
    monkeypatch.setattr(segment, "MAX_REQUEST_BYTES", 900)  # two events or so
    stage = Stage(new_database, template, mortal, None)
    if staged:
        stage.warehouse = Write(new_database("template0"))
        stage.twice = Twice(monkeypatch, mortal.immortal)

    stage.play(EXAMPLES, shrink=EXAMPLES > FEW)

    report(f"{page_size} a page: {stage.tally}; {stage.sometimes}")
    if EXAMPLES >= FEW:
        beyond = (OF_PAGES if page_size == 1 else set()) | (set() if staged else OF_SCRATCH)
        assert stage.sometimes.never(IN_CI - beyond) == set()


@pytest.mark.timeout(0)
def test_nobody_who_is_suppressed_is_told_true(
    new_database: Callable[..., str], template: str, monkeypatch: pytest.MonkeyPatch, mortal: Mortal, report: Report
) -> None:
    """The same lives with a list that changes at random: the model and the auditor know who is on it."""
    monkeypatch.setattr(segment, "PAGE_SIZE", 3)
    stage = Stage(new_database, template, mortal, Write(new_database("template0")), lists=True)

    stage.play(max(8, EXAMPLES // 3))

    report(f"with a list: {stage.tally}; {stage.sometimes}")
    assert min(stage.tally[each] for each in ("checked", "disturbed", "gone")) > 0
