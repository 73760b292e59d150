"""A run at its named points, with whatever may happen there, while the warehouse changes: in the end all is right.

Each round takes a point of a run, an event there, and what changes in the warehouse at the same moment: nothing, or
everything that can, each change with people of its own. The world goes on from round to round: who entered in one
leaves, moves or comes back in the next.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from psycopg import sql

from syncer import errors
from syncer.receivers.loopback import Fault
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from syncer.state import State, migrations
from syncer.stopping import Stop
from syncer.sync import exit_code
from tests.integration.lives.facts import facts_of
from tests.points import Killed, Points, end_sessions
from tests.world import VIP, Row, World, Write, truth

SEAMS = {
    "opened": "after open_run",
    "planned": "before list_pages",
    "loaded": "before claim_pages",
    "claimed": "after claim_pages",
    "sending": "before a request",
    "sent": "the receiver has it",
    "answered": "before settle_pages",
    "settled": "after settle_pages",
    "committed": "before lose_sending_pages",
    "closed": "after close_run",
}
"""Points that have a name of their own."""


OWNER = f"owner_{os.getpid()}"


@dataclass
class OwnedWorld(World):
    """Its state belongs to a role that is no superuser, so that rights can be taken from it."""

    admin_url: str = ""

    def order(self, statement: str, role: str = OWNER) -> None:
        """What an administrator of the state's server does to a role."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(sql.SQL(statement).format(role=sql.Identifier(role), database=sql.Identifier(name)))


@pytest.fixture
def world(new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path) -> Iterator[OwnedWorld]:
    admin_url = new_database("template0")
    url = sqlalchemy.make_url(admin_url).set(username=OWNER, password="owner").render_as_string(hide_password=False)
    world = OwnedWorld(tmp_path, Write(new_database("template0")), url, receiver, admin_url=admin_url)
    world.order("CREATE ROLE {role} LOGIN PASSWORD 'owner'")
    world.order("GRANT CREATE ON DATABASE {database} TO {role}")
    migrations.migrate(State(url, "syncer"))
    yield world
    world.order("DROP OWNED BY {role}")
    world.order("DROP ROLE {role}")


CHANGES = ("nobody", "leaves", "re-enters", "another email", "both")


@dataclass
class Round:
    """What a run meets. The names of people begin with what becomes of them, and end with what changes meanwhile."""

    world: OwnedWorld
    points: Points
    number: int
    stop: Stop = field(default_factory=Stop)

    @property
    def before(self) -> list[Row]:
        """What was told in the round before."""
        return [*STAYING, *self._people("l"), *self._people("m")]

    @property
    def rows(self) -> list[Row]:
        """What the run reads, if nothing changes before it does: some leave, some enter."""
        later = Round(self.world, self.points, self.number + 1)
        return [*STAYING, *self._people("m"), *self._people("e"), *later.before[len(STAYING) :]]

    @property
    def changed(self) -> list[Row]:
        """What the warehouse says once everything has changed that can."""
        rows = set(self.rows)
        for change in CHANGES:
            entered, left, moved = (self._person(name, change) for name in "elm")
            match change:
                case "leaves":
                    rows.remove(entered)
                case "re-enters":
                    rows.add(left)
                case "another email":
                    rows ^= {moved, self._person("m", change, address="new-m")}
                case "both":
                    rows ^= {entered, self._person("l", change, address="new-l")}
        return sorted(rows)

    def _people(self, name: str) -> list[Row]:
        return [self._person(name, change) for change in CHANGES]

    def _person(self, name: str, change: str, *, address: str = "") -> Row:
        who = f"{self.number}-{CHANGES.index(change)}"
        return (VIP, f"{name}{who}", f"{address or name}{who}@x.io")

    def write(self, rows: Sequence[Row]) -> None:
        """Without the lock of a TRUNCATE, which a run in the middle of its reading would keep waiting for ever."""
        values = ", ".join(f"('{audience}', '{user}', '{email}')" for audience, user, email in rows)
        self.world.warehouse.run(f"DELETE FROM members; INSERT INTO members VALUES {values}")


STAYING: list[Row] = [(VIP, f"s{number}", f"s{number}@x.io") for number in range(3)]


def stop(at: Round) -> None:
    at.stop.asked.set()


def kill(at: Round) -> None:
    at.points.kill()


def restart_postgres(at: Round) -> None:
    end_sessions(at.world.admin_url)


def revoke_a_right(at: Round) -> None:
    at.world.order("REVOKE ALL ON ALL TABLES IN SCHEMA syncer FROM {role}")


def let_another_go_first(at: Round) -> None:
    at.world.pause()


def nothing(at: Round) -> None:
    """Only the warehouse changes."""


EVENTS = (nothing, stop, kill, restart_postgres, revoke_a_right, let_another_go_first)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_whatever_happens_at_a_point_all_is_right_in_the_end(
    world: OwnedWorld, event: Callable[[Round], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = Points(monkeypatch)
    begin(world)
    for number, (point, changes) in enumerate(itertools.product(SEAMS.values(), (False, True))):
        at = Round(world, points, number)
        where = (point, event.__name__, changes)
        rows = disturb(at, point, event, where, changes=changes)
        assert_right_in_the_end(world, rows, where)


def test_a_process_may_be_killed_before_any_statement(world: OwnedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run gets through each time: one that was killed, too, would leave nothing for the others to meet."""
    points = Points(monkeypatch)
    begin(world)
    disturb(Round(world, points, 0), None, nothing, "alone", changes=False)
    names = list(dict.fromkeys(points.seen))
    assert {"open_run", "claim_pages", "settle_pages", "close_run"} <= set(names)
    for number, name in enumerate(names, 1):
        rows = disturb(Round(world, points, number), f"before {name}", kill, name, changes=True)
        assert_right_in_the_end(world, rows, name)


def begin(world: OwnedWorld) -> None:
    at = Round(world, Points.__new__(Points), 0)
    at.write(at.before)
    world.sync()


def disturb(at: Round, point: str | None, event: Callable[[Round], None], where: object, *, changes: bool) -> list[Row]:
    """A run that meets an event at a point. Returns what the warehouse says after it."""
    at.write(at.rows)
    after = at.changed if changes else at.rows

    def happen() -> None:
        at.write(after)
        event(at)

    def receive(request: ReceivedRequest) -> Fault | None:
        at.points.arrive_from_outside("the receiver has it")
        return None

    at.world.receiver.script = receive
    at.points.watch(point, happen)
    try:
        result = at.world.sync(at.stop)
        assert exit_code(result) in CODES[event], (where, result)
    except (Killed, errors.StateError):
        assert event in (kill, restart_postgres, revoke_a_right), where
    finally:
        at.points.rest()
        at.world.order("GRANT ALL ON ALL TABLES IN SCHEMA syncer TO {role}")
    assert point is None or at.points.reached, where
    end_sessions(at.world.admin_url)  # of the process that was killed, none is left
    assert at.world.receiver.wait_for(lambda: at.world.receiver.http.in_progress == 0)
    assert_honest(at.world, where)
    return after


def assert_right_in_the_end(world: OwnedWorld, rows: Sequence[Row], where: object) -> None:
    """The next run finds everything right again."""
    world.resume()
    assert world.sync().report.status == "succeeded", where
    assert world.believed() == truth(rows), where
    assert world.in_doubt() == set(), where


CODES: dict[Callable[[Round], None], set[int]] = {
    nothing: {0},
    stop: {0, 130},
    kill: {0},
    restart_postgres: {0, 6},
    revoke_a_right: {0, 6},
    let_another_go_first: {0, 130},
}
"""What a run may exit with that met this event."""


def assert_honest(world: World, where: object) -> None:
    """Whatever the state says is what the receiver believes, except where it says that it does not know."""
    with psycopg.connect(world.state_url, autocommit=True, options="-c search_path=syncer") as connection:
        facts = facts_of(connection)
    told = {(contact, True) for contact, _, _ in facts.members} | {(contact, False) for contact, _ in facts.retracted}
    doubtful = {contact for contact, _ in facts.uncertain}
    said = {(contact, values["vip_buyers"]) for contact, values in world.receiver.belief.items()}
    assert {each for each in told if each[0] not in doubtful} == {each for each in said if each[0] not in doubtful}, (
        where
    )
