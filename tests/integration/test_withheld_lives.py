"""Random lives with a priority and holdouts: no moment, in the order of receipt, shows a contact two audiences of the
priority as true; and nobody is told true by the rows of those alone who are held out, or in another audience first.

No model: each call is held against the rows that its run read. Audiences are paused, retired, renamed and left out,
removals are held, requests are lost and refused, contacts are forgotten, and processes are killed.
"""

import os
import random
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.forgetting import forget
from tests.integration import test_scratch_lives
from tests.integration.lives.mortal import Mortal
from tests.integration.test_scratch_lives import Life
from tests.suppressing import address
from tests.withholding import withheld
from tests.world import Report, World, Write, calls

LIVES = int(os.environ.get("SYNCER_WITHHELD_LIVES", "2"))
"""How many; read before the environment is cleaned."""

FIRST = int(os.environ.get("SYNCER_WITHHELD_FIRST", "0"))
"""The seed of the first."""

PRIORITY = '[[priority]]\nname = "first"\naudiences = ["a", "B", "c"]\n'
HOLDOUTS = ["", '[[audiences]]\nname = "A"\nholdout = 0.5\n', '[[audiences]]\nname = "B"\nholdout = 1.0\n']


class WithheldLife(Life):
    """`true` are the audiences that a contact was told true of; `moves` counts those who went from one to another, and
    `silent` the runs that told something while somebody's row counted for nothing."""

    def __init__(self, world: World, mortal: Mortal, seed: int) -> None:
        super().__init__(world, mortal, seed)
        self.true: defaultdict[str, set[str]] = defaultdict(set)
        self.mode = random.Random(seed).choice(["", '\ncalls = "per_audience"'])
        self.moves = self.silent = 0
        world.extra = PRIORITY

    def _add_second(self) -> None:
        """Only one destination's calls come to the receiver."""
        self.world.destination_extra += self.mode

    def _run(self) -> None:
        world = self.world
        if self.rnd.random() < 0.3:
            world.extra = PRIORITY + self.rnd.choice(HOLDOUTS)
        elif "[[priority]]" not in world.extra:
            world.extra += PRIORITY
        seen = world.receiver.event_count
        rows = dict(enumerate(self.rows))
        gone = withheld(tomllib.loads(world.extra), rows)
        counting = [row for key, row in rows.items() if key not in gone]
        said = {(address(email), str(name).lower()) for name, _, email in counting}
        keeps = {address(email) for name, user, email in counting if not (address(name) and address(user))}
        keeps |= {None} if any("@" not in (email or "") for _, _, email in counting) else set()
        super()._run()
        for _, values in calls(world, seen):
            self._hear(values.pop("email"), values, said, keeps)
        self.silent += bool(gone) and world.receiver.event_count > seen

    def _hear(
        self,
        contact: str,
        values: dict[str, bool],
        said: Collection[tuple[str | None, str]],
        keeps: Collection[str | None],
    ) -> None:
        """A row that cannot be sent `keeps` what the contact that it names knows, or, if it names none, anybody's."""
        before = set(self.true[contact])
        for name, value in values.items():
            stays = name in before and not {contact, None}.isdisjoint(keeps)
            assert not value or stays or (contact, name) in said, (contact, name, self.rows, self.world.extra)
            (self.true[contact].add if value else self.true[contact].discard)(name)
        assert len(self.true[contact]) <= 1, (contact, before, values, self.rows)
        self.moves += bool(before and self.true[contact] and before != self.true[contact])


@pytest.mark.timeout(0)
def test_no_moment_shows_two_of_a_priority_and_nobody_is_told_who_is_held_out(
    new_database: Callable[..., str],
    template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    report: Report,
) -> None:
    mortal, warehouse = Mortal(monkeypatch), Write(new_database("template0"))
    moves = silent = 0
    url: str | None = None
    for seed in range(FIRST, FIRST + LIVES):
        with SegmentReceiver("test-write-key") as receiver:
            url = new_database(template, again=url)
            world = World(tmp_path, warehouse, State(url, "syncer").url, receiver)
            world.witness.forgets = True
            life = WithheldLife(world, mortal, seed)

            def forgotten(there: World, who: str, life: WithheldLife = life) -> None:
                forget(there, who)
                life.true.clear()  # what the state knows no more, their operator erases at the destination

            monkeypatch.setattr(test_scratch_lives, "forget", forgotten)
            world.destination_extra += life.mode
            with mortal.immortal():
                warehouse.run("CREATE SCHEMA IF NOT EXISTS scratch")
            life.live()
        moves, silent = moves + life.moves, silent + life.silent
    report(f"{moves} went from one audience of the priority to another, in {silent} runs with rows that did not count")
    assert min(moves, silent) > 0
