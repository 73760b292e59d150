"""Random lives in which only groups of users that moved are compared: it is always what a comparison of all finds.

No model says what a plan should be: each is compared with one of everything (`Grouped`). Groups are of one user or two,
audiences have from one group to sixteen, and sums are left, as a rule, whatever changed.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.planning import checksums
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.integration.lives.grouped import Grouped
from tests.integration.lives.mortal import Mortal
from tests.integration.lives.reviewed import Reviewed
from tests.integration.test_scratch_lives import Life
from tests.world import Report, World, Write

LIVES = int(os.environ.get("SYNCER_GROUPED_LIVES", "3"))
"""How many; read before the environment is cleaned."""

FIRST = int(os.environ.get("SYNCER_GROUPED_FIRST", "0"))
"""The seed of the first."""

EXTRAS = [
    "",
    "",
    "[guard]\nmin_removed = 1\nmax_removed_fraction = 0.1\n",
    '[suppress]\ntable = "unsubscribed"\n',
    '[[priority]]\nname = "first"\naudiences = ["A", "B"]\n',
    '[[audiences]]\nname = "A"\nholdout = 0.5\n',
]
MODES = ["", '\nidentity = "user_id"', '\ncalls = "per_audience"', '\nrefresh = "1d"', '\nsuppress = "freeze"']


class GroupedLife(Life):
    """Its warehouse keeps no snapshots. All that takes rows out of the snapshot, and each way of telling, happens."""

    def __init__(self, world: World, mortal: Mortal, seed: int) -> None:
        super().__init__(world, mortal, seed)
        self.mode = MODES[seed % len(MODES)]
        world.destination_extra += self.mode
        crowd = [("A" if n % 3 else "B", f"v{n}", f"v{n}@e.io") for n in range(12)]
        self.rows = [*crowd, ("C", "u1", "x@e.io"), ("A", "u2", "y@e.io")]

    def _harm(self) -> None:
        """What is kept is spoiled, or lost."""
        spoil = self.rnd.choice(
            [
                "DELETE FROM syncer.member_sum",
                "UPDATE syncer.member_sum SET reading = ''",
                "UPDATE syncer.member_sum SET hashing = 0",
                "UPDATE syncer.member_sum SET fingerprint = NULL",
                "UPDATE syncer.member_sum SET fingerprint = '1 1', sums = array_fill(1, ARRAY[cardinality(sums)])",
                "UPDATE syncer.member_sum SET fingerprint = '', sums = sums || sums",
                "UPDATE syncer.member_sum SET fingerprint = NULL, sums = sums[2:]",
            ]
        )
        self.world.query(f"WITH spoilt AS ({spoil} RETURNING 1) SELECT count(*) FROM spoilt")

    def _add_second(self) -> None:
        self.world.destination_extra += self.mode
        super()._add_second()

    def _run(self) -> None:
        if self.rnd.random() < 0.3:
            self.world.extra = self.rnd.choice(EXTRAS)
        if self.rnd.random() < 0.2:
            who = self.rnd.choice(["x@e.io", " Y@e.io", "v1@e.io"])
            self.world.warehouse.run("INSERT INTO unsubscribed (email) VALUES (%s)", [who])
        super()._run()

    def _settle(self) -> None:
        self.world.extra = ""
        self.world.approve(self.world.sync().report.run_id)  # it is held for the list that is gone
        if "identity" not in self.mode:  # which would be another account
            super()._settle()


@pytest.mark.not_audited("its priorities and holdouts change at random, and the witness knows no retired ones")
@pytest.mark.timeout(0)
def test_a_plan_of_what_moved_is_a_plan_of_everything(
    new_database: Callable[..., str],
    template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    report: Report,
) -> None:
    chance = random.Random(FIRST)
    monkeypatch.setattr(checksums, "worthwhile", lambda *_: chance.random() < 0.9)
    monkeypatch.setattr(checksums, "PART", 1)
    mortal = Mortal(monkeypatch)
    reviewed, grouped = Reviewed(monkeypatch, mortal.immortal), Grouped(monkeypatch, mortal.immortal)
    for seed in range(FIRST, FIRST + LIVES):
        monkeypatch.setattr(checksums, "MEMBERS", 1 + seed % 2)
        monkeypatch.setattr(checksums, "COARSE", 1 + seed % 2)
        monkeypatch.setattr(checksums, "UNDIVIDED", 1 + 2 * (seed % 3))
        state = State(new_database(template), "syncer")
        warehouse = Write(state.url if seed % 3 == 0 else new_database("template0"))
        warehouse.run("CREATE TABLE unsubscribed (user_id text, email text)")
        with SegmentReceiver("test-write-key") as receiver:
            world = World(tmp_path, warehouse, state.url, receiver)
            world.witness.forgets = True
            GroupedLife(world, mortal, seed).live()
    report(f"{grouped.in_part} comparisons of what moved, {grouped.moved} of them with differences")
    assert grouped.in_part >= 10 * LIVES
    assert grouped.moved >= 3 * LIVES
    assert reviewed.same >= 5 * LIVES
