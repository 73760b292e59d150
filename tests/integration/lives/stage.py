"""Where lives are played: databases for one world after another, and what all lives together came to."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.integration.lives.life import Life
from tests.integration.lives.mortal import Mortal
from tests.integration.lives.rare import PATHS
from tests.integration.lives.suppressing import SuppressingLife
from tests.integration.lives.twice import Twice
from tests.sometimes import Sometimes
from tests.witness import Witness
from tests.world import World, Write

STEPS = 25
COUNTED = ("lives", "changes", "acts", "approved", "disturbed", "gone", "undisturbed", "checked", "held", "refused")


@dataclass
class Stage:
    """`warehouse`: one of its own, beside the state; without it each life has both in one database. `twice`: it keeps
    the snapshot of the last run, and every plan that is made from what changed since is compared with one of all.
    `lists`: it lists people who are suppressed."""

    new_database: Callable[..., str]
    template: str
    mortal: Mortal
    warehouse: Write | None
    twice: Twice | None = None
    lists: bool = False
    tally: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    sometimes: Sometimes = field(default_factory=lambda: Sometimes(PATHS))
    _made: list[str] = field(default_factory=list)

    def play(self, lives: int, *, seed: int | None = None, shrink: bool = False) -> None:
        """Plays so many lives: always the same ones, or those of a seed."""

        def life() -> Life:
            machine = Life()
            machine.new_world, machine.mortal = self._new_world, self.mortal
            machine.tally, machine.sometimes = self.tally, self.sometimes
            return machine

        def suppressing() -> Life:  # by itself: of what is always the same, the text of a function is the seed
            machine = SuppressingLife()
            machine.new_world, machine.mortal = self._new_world, self.mortal
            machine.tally, machine.sometimes = self.tally, self.sometimes
            return machine

        kind = suppressing if self.lists else life
        run_state_machine_as_test(
            cast(type[RuleBasedStateMachine], kind if seed is None else hypothesis.seed(seed)(kind)),
            settings=hypothesis.settings(
                max_examples=lives,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=seed is None and not shrink,
                phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
                suppress_health_check=list(HealthCheck),
            ),
        )

    def _new_world(self) -> World:
        state = State(self.new_database(self.template, again=self._made.pop() if self._made else None), "syncer")
        self._made.append(state.url)
        self.tally["lives"] += 1
        warehouse = self.warehouse or Write(state.url)
        warehouse.witness = Witness()
        world = World(Path(tempfile.mkdtemp()), warehouse, state.url, SegmentReceiver("test-write-key"))
        world.slice_rows = 1  # a first sync of two members is divided
        if self.twice is not None:
            self.twice.warehouse_url = warehouse.url
            world.warehouse_extra = 'scratch = "scratch"'
            warehouse.run("DROP SCHEMA IF EXISTS scratch CASCADE")
            warehouse.run("CREATE SCHEMA scratch")
        return world
