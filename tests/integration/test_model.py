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
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from syncer.destinations import segment
from syncer.planning import checksums
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.integration.lives.life import Life
from tests.integration.lives.mortal import Mortal
from tests.world import Report, World, Write

IN_CI = 6
EXAMPLES = int(os.environ.get("SYNCER_MODEL_EXAMPLES") or IN_CI)
"""Lives for each of the two page sizes; read before the environment is cleaned."""
STEPS = 25


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    monkeypatch.setattr(checksums, "most", lambda *_: True)  # every run trusts what the last one found unchanged
    return Mortal(monkeypatch)


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("page_size", "staged"), [(1, False), (500, True)], ids=["one_a_page", "many_a_page"])
def test_belief_is_the_warehouse_after_every_undisturbed_run(
    postgres: str,
    new_database: Callable[..., str],
    template: str,
    monkeypatch: pytest.MonkeyPatch,
    mortal: Mortal,
    report: Report,
    page_size: int,
    staged: bool,
) -> None:
    monkeypatch.setattr(segment, "PAGE_SIZE", page_size)
    warehouse = Write(new_database("template0")) if staged else None
    made: list[str] = []
    tally = dict.fromkeys(
        ("lives", "changes", "acts", "approved", "disturbed", "gone", "undisturbed", "checked", "held", "refused"), 0
    )

    def new_world() -> World:
        state = State(new_database(template, again=made.pop() if made else None), "syncer")
        made.append(state.url)
        tally["lives"] += 1
        return World(
            Path(tempfile.mkdtemp()), warehouse or Write(state.url), state.url, SegmentReceiver("test-write-key")
        )

    def life() -> Life:
        machine = Life()
        machine.new_world, machine.mortal, machine.tally = new_world, mortal, tally
        return machine

    run_state_machine_as_test(
        cast(type[RuleBasedStateMachine], life),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=EXAMPLES <= IN_CI,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if EXAMPLES > IN_CI else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )
    report(f"{page_size} a page: {tally}")
