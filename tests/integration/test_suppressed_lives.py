"""Random lives with a list of the suppressed: no call says true to anybody who is on it, whatever happened before.

No model: what each run told is held against the list and the rows that it read. People are forgotten, lists are
emptied, doubled and configured no more, processes are killed, a second destination comes and goes.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.integration.lives.mortal import Mortal
from tests.integration.test_scratch_lives import Life
from tests.suppressing import Suppressed, suppressed
from tests.world import Report, World, Write

LIVES = int(os.environ.get("SYNCER_SUPPRESSED_LIVES", "3"))
"""How many; read before the environment is cleaned."""

LIST = '[suppress]\ntable = "unsubscribed"\n'


class SuppressedLife(Life):
    """`silent` counts the runs that told something while somebody with rows was suppressed."""

    silent = 0
    told_false = 0
    listed: tuple[list[str], list[str]] = ([], [])

    def live(self) -> None:
        people = [("u1", "x@e.io"), ("u2", "y@e.io"), ("u3", "z@e.io"), ("u3", "w@e.io"), ("u4", "z@e.io")]
        self.rows = [(name, user, email) for name in "ABC" for user, email in people]
        self.world.warehouse.replace(self.rows)
        self.world.sync()
        super().live()

    def _run(self) -> None:
        if self.rnd.random() < 0.4:
            self._list()
        if self.rnd.random() < 0.7:
            self.world.approve(self.world.query("SELECT coalesce(max(run_id), 0) FROM run")[0][0] or None)
        events = self.world.receiver.events
        seen = len(events)
        people, freezes = self._suppressed(), 'suppress = "freeze"' in self.world.destination_extra
        super()._run()
        for event in (each.event for each in events[seen:] if each.event["type"] == "identify"):
            values = dict(event["traits"])
            if values.pop("email") in people.contacts:
                assert set(values.values()) == {False}, (event, self.rows, self.listed)
                assert not freezes or self.second, (event, self.rows, self.listed)
                self.told_false += 1
        self.silent += bool(people.contacts and len(events) > seen)

    def _settle(self) -> None:
        self.world.extra = ""
        self.world.approve(self.world.sync().report.run_id)  # it is held for the list that is gone
        super()._settle()

    def _list(self) -> None:
        rnd, world = self.rnd, self.world
        emails = rnd.sample([" X@e.io", "y@e.io", "z@e.io", "nobody@e.io"], rnd.choice([0, 1, 1, 1, 2, 2, 3]))
        users = rnd.sample(["u1", "u2", "u3"], rnd.choice([0, 0, 1]))
        world.warehouse.run(
            "WITH gone AS (DELETE FROM unsubscribed) INSERT INTO unsubscribed (user_id, email)"
            " SELECT NULL, unnest(%s::text[]) UNION ALL SELECT unnest(%s::text[]), NULL",
            [emails, users],
        )
        self.listed = (emails, users)
        world.extra = rnd.choice([LIST, LIST, LIST, LIST, LIST, LIST + "[guard]\nmin_removed = 1\n", ""])
        frozen = rnd.choice(["", "", '\nsuppress = "freeze"'])
        world.destination_extra = "max_events_per_second = 0" + frozen
        self._add_second()

    def _suppressed(self) -> Suppressed:
        if "[suppress]" not in self.world.extra:
            return Suppressed()
        emails, users = self.listed
        listed = [*((None, email) for email in emails), *((user, None) for user in users)]
        return suppressed(listed, [], [(user, email) for _, user, email in self.rows])


@pytest.mark.timeout(0)
def test_no_run_says_true_to_the_suppressed(
    new_database: Callable[..., str],
    template: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    report: Report,
) -> None:
    mortal, warehouse = Mortal(monkeypatch), Write(new_database("template0"))
    warehouse.run("CREATE TABLE unsubscribed (user_id text, email text)")
    silent = told_false = 0
    for seed in range(LIVES):
        warehouse.run("DROP SCHEMA IF EXISTS scratch CASCADE")
        warehouse.run("CREATE SCHEMA scratch")
        with SegmentReceiver("test-write-key") as receiver:
            world = World(tmp_path, warehouse, State(new_database(template), "syncer").url, receiver)
            world.witness.forgets = True
            world.warehouse_extra = 'scratch = "scratch"'
            life = SuppressedLife(world, mortal, seed)
            life.live()
        silent, told_false = silent + life.silent, told_false + life.told_false
    report(f"{silent} runs with somebody suppressed, who were told false {told_false} times")
    assert min(silent, told_false) > 0
