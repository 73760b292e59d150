"""Random lives with a priority and holdouts: no moment, in the order of receipt, shows a contact two audiences of the
priority as true; and nobody is told true by the rows of those alone who are held out, or in another audience first.

No model: each call is held against the rows that its run read. Audiences are paused, retired, renamed and left out,
removals are held, requests are lost and refused, contacts are forgotten, and processes are killed.
"""

import os
import random
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.receivers.segment_memory import Event
from syncer.state import State
from tests.forgetting import forget
from tests.integration import test_scratch_lives
from tests.integration.lives.mortal import Mortal
from tests.integration.test_scratch_lives import Life
from tests.suppressing import address
from tests.withholding import withheld
from tests.world import Report, World, Write, calls

LIVES = int(os.environ.get("SYNCER_WITHHELD_LIVES", "1"))
"""How many; read before the environment is cleaned."""

FIRST = int(os.environ.get("SYNCER_WITHHELD_FIRST", "0"))
"""The seed of the first."""

SEASONS = 10

STAY = [("A", "k1", "k1@e.io"), ("B", "k2", "k2@e.io"), ("C", "k3", "k3@e.io")]
"""These keep their audiences from vanishing, which would be held."""

PEOPLE = [("u1", "x@e.io"), ("u2", "y@e.io"), ("u3", "z@e.io"), ("u3", "w@e.io"), ("u4", "z@e.io"), ("u5", "v@e.io")]

PRIORITY = '[[priority]]\nname = "first"\naudiences = ["a", "B", "c"]\n'
HOLDOUTS = ["", '[[audiences]]\nname = "A"\nholdout = 0.5\n', '[[audiences]]\nname = "B"\nholdout = 1.0\n']


class WithheldLife(Life):
    """`true` are the audiences that a contact was told true of, `last` the last of them. `moves` counts changes of it,
    and `silent` the runs that told something while somebody's row counted for nothing."""

    def __init__(self, world: World, mortal: Mortal, seed: int) -> None:
        super().__init__(world, mortal, seed)
        self.true: defaultdict[str, set[str]] = defaultdict(set)
        self.last: defaultdict[str, str | None] = defaultdict(lambda: None)
        self.mode = random.Random(seed).choice(["", '\ncalls = "per_audience"'])
        self.moves = self.silent = 0
        world.extra = PRIORITY

    def live(self) -> None:
        self.rows = [(self.rnd.choice("ABC"), user, email) for user, email in PEOPLE]
        for _ in range(SEASONS):
            for _ in range(self.rnd.choice([1, 2, 3])):
                self._switch()
            if self.rnd.random() < 0.2:
                self._change()
            self.rows += [row for row in STAY if row not in self.rows]
            self.world.warehouse.replace(self.rows)
            if self.rnd.random() < 0.3:
                self._act()
            self._run()
            if self.rnd.random() < 0.6:
                self.world.approve(self.world.query("SELECT coalesce(max(run_id), 0) FROM run")[0][0])
        self._settle()

    def _switch(self) -> None:
        """Somebody enters one more audience, leaves one, or changes it, perhaps with the address."""
        place = self.rnd.randrange(len(self.rows)) if self.rows else None
        user, email = self.rnd.choice(PEOPLE)
        match self.rnd.choice(["enter", "leave", "change", "change"]):
            case "leave" if place is not None:
                self.rows.pop(place)
            case "change" if place is not None:
                _, whose, at = self.rows[place]
                self.rows[place] = (self.rnd.choice("ABC"), whose, at if self.rnd.random() < 0.8 else email)
            case _:
                self.rows.append((self.rnd.choice("ABC"), user, email))

    def _add_second(self) -> None:
        """Only one destination's calls come to the receiver."""
        self.world.destination_extra += self.mode

    def _run(self) -> None:
        world = self.world
        if self.rnd.random() < 0.3:
            world.extra = PRIORITY + self.rnd.choice(HOLDOUTS)
        elif "[[priority]]" not in world.extra:
            world.extra += PRIORITY
        with self._listening():
            super()._run()

    def _is_refused(self, event: Event, refused: Collection[str]) -> bool:
        """In every other run only what tells them false."""
        return super()._is_refused(event, refused) and (len(self.rows) % 2 == 0 or False in event["traits"].values())

    def _act(self) -> None:
        with self._listening():  # `retry` is a run
            super()._act()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Hears what is told in this block, and holds it against what the warehouse says now."""
        world = self.world
        seen = world.receiver.event_count
        retired = {name for (name,) in world.query("SELECT property FROM audience WHERE retired_at IS NOT NULL")}
        rows = {key: row for key, row in enumerate(self.rows) if str(row[0]).lower() not in retired}
        gone = withheld(tomllib.loads(world.extra), rows)
        counting = [row for key, row in rows.items() if key not in gone]
        said = {(address(email), str(name).lower()) for name, _, email in counting}
        keeps = {address(email) for name, user, email in counting if not (address(name) and address(user))}
        keeps |= {None} if any("@" not in (email or "") for _, _, email in counting) else set()
        yield
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
        self.moves += any(value and self.last[contact] not in (None, name) for name, value in values.items())
        for name, value in values.items():
            stays = name in before and not {contact, None}.isdisjoint(keeps)
            assert not value or stays or (contact, name) in said, (contact, name, self.rows, self.world.extra)
            (self.true[contact].add if value else self.true[contact].discard)(name)
            self.last[contact] = name if value else self.last[contact]
        assert len(self.true[contact]) <= 1, (contact, before, values, self.rows)


@pytest.mark.not_audited("what is retired outranks nobody, and the witness does not know what is")
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
