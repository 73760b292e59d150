"""Random lives of a warehouse that keeps the snapshot of the last run: a plan of what changed is one of everything.

No model says what a plan should be: each that is made from changes is compared with one of everything (`Twice`). What
may happen is all that a plan depends on, and the worst that may happen to the tables at the warehouse.
"""

import os
import random
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest

from syncer import errors
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.receivers.segment import SegmentReceiver
from syncer.receivers.segment_memory import Event
from syncer.state import State
from syncer.warehouses import mirror
from tests.forgetting import forget
from tests.integration.lives.mortal import Gone, Mortal
from tests.integration.lives.reviewed import Reviewed
from tests.integration.lives.twice import Twice
from tests.world import Report, Row, World, Write

LIVES = int(os.environ.get("SYNCER_SCRATCH_LIVES", "2"))
"""How many; read before the environment is cleaned."""

FIRST = int(os.environ.get("SYNCER_SCRATCH_FIRST", "0"))
"""The seed of the first."""

SEASONS = 12

AUDIENCES = ["A", "B", "C", " ", None]
USERS = ["u1", "u2", "u3", "u4", "u5", "", None]
EMAILS = [
    "x@e.io",
    "X@e.io",
    " x@e.io",
    "x@e.io\xa0",
    "y@e.io",
    "Y@E.io",
    "z@e.io",
    "w@e.io",
    "Ö@e.io",
    "ö@e.io",
    "bad",
]

REACHES = ["", "", "", "rollout = 0.5", 'contacts = ["x@e.io", "y@e.io"]', 'audiences = ["A", "C"]']
GUARDS = ["", "", "[guard]\nmin_removed = 1\nmax_removed_fraction = 0.1\n", "[guard]\nhold_initial = true\n"]
SECOND = '\n[[destinations]]\nname = "second"\ntype = "segment"\nwrite_key = "test-write-key"\nendpoint = "{}"\n'


class Life:
    """One life, from a seed."""

    def __init__(self, world: World, mortal: Mortal, seed: int) -> None:
        self.world = world
        self.mortal = mortal
        self.rnd = random.Random(seed)
        self.rows: list[Row] = []
        self.second = False

    def live(self) -> None:
        for _ in range(SEASONS):
            for _ in range(self.rnd.choice([0, 1, 1, 2, 5])):
                self._change()
            self.world.warehouse.replace(self.rows)
            if self.rnd.random() < 0.25:
                self._act()
            if self.rnd.random() < 0.1:
                self._harm()
            self._run()
        self._settle()

    def _change(self) -> None:
        rnd, rows = self.rnd, self.rows
        match rnd.choice(["come", "come", "come", "leave", "leave", "move", "rename", "twice", "vanish"]):
            case "come":
                rows.append(
                    (rnd.choice(AUDIENCES[: rnd.choice([3, 5])]), rnd.choice(USERS), rnd.choice([*EMAILS, None]))
                )
            case "leave" if rows:
                rows.remove(rnd.choice(rows))
            case "twice" if rows:
                rows.append(rnd.choice(rows))
            case "move":
                whose, email = rnd.choice(USERS), rnd.choice(EMAILS)
                self.rows = [(name, user, email if user == whose else old) for name, user, old in rows]
            case "rename" if rnd.random() < 0.2:
                old, new = rnd.choice([("A", "a"), ("a", "A")])
                self.rows = [(new if name == old else name, user, email) for name, user, email in rows]
            case "vanish" if rnd.random() < 0.3:
                gone = rnd.choice(AUDIENCES)
                self.rows = [row for row in rows if row[0] != gone]

    def _act(self) -> None:
        rnd, world = self.rnd, self.world
        match rnd.choice(["reach", "guard", "second", "pause", "resume", "retire", "approve", "retry", "forget"]):
            case "reach":
                world.destination_extra = "max_events_per_second = 0\n" + rnd.choice(REACHES)
                self._add_second()
            case "guard":
                world.extra = rnd.choice(GUARDS)
            case "second":
                self.second = not self.second
                world.destination_extra = "max_events_per_second = 0"
                self._add_second()
            case "pause":
                self._tolerant("pause", *rnd.choice([(), ("A",), ("--destination", "segment")]))
            case "resume":
                self._tolerant("resume")
                self._tolerant("resume", rnd.choice("ABC"))
            case "retire":
                self._tolerant("retire", rnd.choice("ABC"), "--yes")
            case "approve":
                runs = world.query("SELECT max(run_id) FROM run WHERE phase = 'closed'")
                self._tolerant("approve", str(runs[0][0] or 0), "--yes")
            case "retry":
                self._tolerant("retry")
            case "forget" if rnd.random() < 0.3:
                forget(world, rnd.choice(["u1", "x@e.io"]))

    def _add_second(self) -> None:
        if self.second:
            self.world.destination_extra += SECOND.format(self.world.receiver.url)

    def _tolerant(self, *arguments: str) -> None:
        """It may be refused, as what comes too late is, but not for how it is asked."""
        done = self.world.command(*arguments)
        assert "No such option" not in done.stderr, done.stderr

    def _harm(self) -> None:
        """What may become of the tables at the warehouse."""
        warehouse = self.world.warehouse
        with psycopg.connect(warehouse.url, autocommit=True) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'scratch'").fetchall()
            harm = self.rnd.choice(["drop", "empty", "less", "more", "other", "schema"])
            for (table,) in tables:
                match harm:
                    case "drop":
                        connection.execute(f"DROP TABLE scratch.{table}")
                    case "empty":
                        connection.execute(f"TRUNCATE scratch.{table}")
                    case "less":
                        connection.execute(
                            f"DELETE FROM scratch.{table} WHERE ctid = (SELECT min(ctid) FROM scratch.{table})"
                        )
                    case "more":
                        connection.execute(f"INSERT INTO scratch.{table} VALUES ('A', 'u1', 'q@e.io', false)")
                    case "other":
                        connection.execute(f"UPDATE scratch.{table} SET email = 'y@e.io' WHERE user_id = 'u2'")
            if harm == "schema":
                connection.execute("DROP SCHEMA scratch CASCADE")
                connection.execute("CREATE SCHEMA scratch")

    def _run(self) -> None:
        rnd, world = self.rnd, self.world
        answers: list[Any] = rnd.choice(
            [[], [], [Answer(500)], [Answer(500, apply=EVERYTHING)], [Reset()], [None, Answer(401)]]
        )
        refused = rnd.choice([set(), set(), {"x@e.io"}, {"y@e.io", "z@e.io"}])
        script = iter(answers)

        def answer(request: Any) -> Any:
            if any(self._is_refused(event, refused) for event in request.events if event["type"] == "identify"):
                return Answer(400, body=b'{"message":"not this one"}')
            return next(script, None)

        world.receiver.script = answer
        only: dict[str, Any] = {}
        if rnd.random() < 0.06:
            only = rnd.choice([{"audiences": ["A"]}, {"destination_names": ["segment"]}])
        trigger: Literal["resync", "manual"] = "resync" if rnd.random() < 0.04 else "manual"
        self.mortal.steps, self.mortal.last = 0, rnd.choice([None, None, None, rnd.randrange(150)])
        with suppress(Gone, errors.SyncerError):
            world.sync(trigger=trigger, **only)
        self.mortal.last = None
        world.receiver.script = None
        with psycopg.connect(world.state_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'syncer%'"
            ).fetchall()

    def _is_refused(self, event: Event, refused: Collection[str]) -> bool:
        return event["traits"]["email"] in refused

    def _settle(self) -> None:
        """In the end, with all that stands in its way lifted, warehouse and destination are one."""
        world = self.world
        world.extra, world.destination_extra, self.second = "", "max_events_per_second = 0", False
        self._tolerant("resume")
        for name in "ABC":
            self._tolerant("resume", name)
        for _ in range(3):
            self._tolerant("retry")
            result = world.sync()
            self._tolerant("approve", str(result.report.run_id), "--yes")
        assert world.verify().differences == 0


Lives = Callable[[int], Twice]


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    return Mortal(monkeypatch)


@pytest.fixture
def reviewed(monkeypatch: pytest.MonkeyPatch, mortal: Mortal) -> Reviewed:
    return Reviewed(monkeypatch, mortal.immortal)


@pytest.fixture
def lives(
    new_database: Callable[..., str], template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mortal: Mortal
) -> Lives:
    """Plays the life of a seed."""
    twice = Twice(monkeypatch, mortal.immortal)
    warehouse = Write(new_database("template0"))
    twice.warehouse_url = warehouse.url
    used: list[str] = []

    def play(seed: int) -> Twice:
        monkeypatch.setattr(mirror, "ROWS_A_GROUP", 1 + seed % 3)
        monkeypatch.setattr(mirror, "GROUPS_A_PASS", (1, 1_000)[seed % 2])
        state = State(new_database(template, again=used.pop() if used else None), "syncer")
        used.append(state.url)
        warehouse.run("DROP SCHEMA IF EXISTS scratch CASCADE")
        warehouse.run("CREATE SCHEMA scratch")
        with SegmentReceiver("test-write-key") as receiver:
            world = World(tmp_path, warehouse, state.url, receiver)
            world.witness.forgets = True
            world.warehouse_extra = 'scratch = "scratch"'
            Life(world, mortal, seed).live()
        return twice

    return play


@pytest.mark.timeout(0)
def test_a_plan_from_what_changed_is_a_plan_of_everything(lives: Lives, reviewed: Reviewed, report: Report) -> None:
    for seed in range(FIRST, FIRST + LIVES):
        twice = lives(seed)
    report(f"{twice.from_changes} plans from what changed, {twice.moved} of them with differences")
    assert reviewed.same >= 5 * LIVES, "a plan was saved before each run, and the run was that"
    assert twice.from_changes >= LIVES
    assert twice.moved >= LIVES // 2
