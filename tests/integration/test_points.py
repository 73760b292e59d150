"""A run at its named points, with whatever may happen there, while the warehouse changes: in the end all is right.

Each round takes a point of a run, an event there, and what changes in the warehouse at the same moment: nothing, or
everything that can, each change with people of its own. The world goes on from round to round: who entered in one
leaves, moves or comes back in the next.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from psycopg import sql

from syncer import embedded, errors
from syncer.embedded.data_dir import DataDir
from syncer.receivers.loopback import Fault
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from syncer.state import State, migrations
from syncer.stopping import Stop
from syncer.sync import exit_code
from tests.databases import Databases
from tests.integration.lives.facts import facts_of
from tests.points import Killed, Points, end_sessions
from tests.world import VIP, Row, World, Write, truth, until

SEAMS = {
    "opened": "after open_run",
    "planned": "before list_pages",
    "loaded": "before claim_pages",
    "claimed": "after claim_pages",
    "sending": "before a request",
    "sent": "the receiver has it",
    "answered": "before settle_pages",
    "settled": "after settle_pages",
    "committed": "before show_what_is_left",
    "closed": "after close_run",
}
"""Points that have a name of their own."""

READING = ("before warehouse_snapshot", "after warehouse_snapshot", "after warehouse_lock", "before warehouse_rebuilt")
"""Points between which the warehouse is read: its snapshot is taken, its tables are locked, its rows have arrived."""


@dataclass
class OwnedWorld(World):
    """Its state and its warehouse belong to superusers, and syncer's roles are none: rights can be taken from them."""

    state_admin: str = ""
    warehouse_admin: str = ""


@contextmanager
def owned_world(
    folder: Path, receiver: SegmentReceiver, state_admin: str, warehouse_admin: str
) -> Iterator[OwnedWorld]:
    """A world in two databases of one or two servers."""
    with role("owner", state_admin) as state_url, role("reader", warehouse_admin) as warehouse_url:
        order(state_admin, "GRANT CREATE ON DATABASE {database} TO {role}", "owner")
        migrations.migrate(State(state_url, "syncer"))
        warehouse = Write(warehouse_admin)
        order(warehouse_admin, "GRANT ALL ON members TO {role}", "reader")
        world = OwnedWorld(folder, warehouse.through(warehouse_url), state_url, receiver)
        world.state_admin, world.warehouse_admin = state_admin, warehouse_admin
        yield world


@contextmanager
def role(name: str, admin_url: str) -> Iterator[str]:
    """A role that is no superuser, and the URL by which it connects."""
    order(admin_url, "CREATE ROLE {role} LOGIN PASSWORD 'secret'", name)
    url = sqlalchemy.make_url(admin_url).set(username=_role(name), password="secret")
    yield url.render_as_string(hide_password=False)
    order(admin_url, "DROP OWNED BY {role}", name)
    order(admin_url, "DROP ROLE {role}", name)


def order(admin_url: str, statement: str, name: str) -> None:
    """What an administrator of a database does to a role."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        names = {"role": sql.Identifier(_role(name)), "database": sql.Identifier(connection.info.dbname)}
        connection.execute(sql.SQL(statement).format(**names))


def _role(name: str) -> str:
    return f"{name}_{os.getpid()}"


@dataclass
class OwnServer:
    """A PostgreSQL of the tests' own, which may be restarted."""

    folder: Path
    url: str

    def database(self, name: str) -> str:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return Databases(self.url, connection).create(name)

    def restart(self) -> None:
        """Ends every session, and refuses new ones until it is up again."""
        server = DataDir(self.folder).server()
        assert server
        os.kill(server.pid, signal.SIGINT)  # what PostgreSQL calls a fast shutdown
        until(lambda: not DataDir(self.folder).is_alive())
        with embedded.running(self.folder):  # starts it for the user that it has
            pass


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    folder = tmp_path_factory.mktemp("server")
    with embedded.running(folder) as url:
        yield OwnServer(folder, url)


@pytest.fixture
def world(new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path) -> Iterator[OwnedWorld]:
    with owned_world(tmp_path, receiver, new_database(), new_database()) as world:
        yield world


@pytest.fixture
def state_elsewhere(
    own_server: OwnServer, new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path
) -> Iterator[OwnedWorld]:
    """Its state is on a server of its own."""
    with owned_world(tmp_path, receiver, own_server.database("state"), new_database()) as world:
        yield world


@pytest.fixture
def warehouse_elsewhere(
    own_server: OwnServer, new_database: Callable[..., str], receiver: SegmentReceiver, tmp_path: Path
) -> Iterator[OwnedWorld]:
    """Its warehouse is on a server of its own."""
    with owned_world(tmp_path, receiver, new_database(), own_server.database("warehouse")) as world:
        yield world


CHANGES = ("nobody", "leaves", "re-enters", "another email", "both")


@dataclass
class Round:
    """What a run meets. The names of people begin with what becomes of them, and end with what changes meanwhile."""

    world: OwnedWorld
    points: Points
    number: int
    server: OwnServer | None = None
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


def end_all_sessions(at: Round) -> None:
    end_sessions(at.world.state_admin)


def restart_the_server(at: Round) -> None:
    assert at.server is not None
    at.server.restart()


def revoke_a_right(at: Round) -> None:
    order(at.world.state_admin, "REVOKE ALL ON ALL TABLES IN SCHEMA syncer FROM {role}", "owner")


def revoke_the_readers_right(at: Round) -> None:
    order(at.world.warehouse_admin, "REVOKE SELECT ON members FROM {role}", "reader")


def let_another_go_first(at: Round) -> None:
    at.world.pause()


def nothing(at: Round) -> None:
    """Only the warehouse changes."""


EVENTS = (nothing, stop, kill, end_all_sessions, revoke_a_right, let_another_go_first)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_whatever_happens_at_a_point_all_is_right_in_the_end(
    world: OwnedWorld, event: Callable[[Round], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    play(world, Points(monkeypatch), event, rounds(event))


def rounds(event: Callable[[Round], None]) -> Iterator[tuple[str, bool]]:
    """All points while the warehouse changes, and every other one, each event beginning elsewhere, while it does not.

    A process may be killed before any statement while the warehouse changes: that is a test of its own.
    """
    of_statements = event is kill
    for number, point in enumerate(SEAMS.values(), EVENTS.index(event)):
        if not (of_statements and point.startswith("before ") and point != "before a request"):
            yield point, True
        if of_statements or number % 2:
            yield point, False


def test_the_warehouse_takes_the_right_to_read_it_away(world: OwnedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    play(world, Points(monkeypatch), revoke_the_readers_right, [(point, True) for point in READING])


def test_the_states_server_restarts(
    state_elsewhere: OwnedWorld, own_server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [(point, True) for point in SEAMS.values()]
    play(state_elsewhere, Points(monkeypatch), restart_the_server, rounds, own_server)


def test_the_warehouses_server_restarts(
    warehouse_elsewhere: OwnedWorld, own_server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [(point, True) for point in READING]
    play(warehouse_elsewhere, Points(monkeypatch), restart_the_server, rounds, own_server)


def test_a_process_may_be_killed_before_any_statement(world: OwnedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run gets through each time: one that was killed, too, would leave nothing for the others to meet."""
    points = Points(monkeypatch)
    begin(world)
    disturb(Round(world, points, 0), None, nothing, "alone", changes=False)
    names = list(dict.fromkeys(points.seen))
    assert {"open_run", "claim_pages", "settle_pages", "close_run"} <= set(names)
    for number, name in enumerate(names, 1):
        world.sync()  # a calm one, which leaves what the rows add up to
        rows = disturb(Round(world, points, number), f"before {name}", kill, name, changes=True)
        assert_right_in_the_end(world, rows, name)


def play(
    world: OwnedWorld,
    points: Points,
    event: Callable[[Round], None],
    rounds: Iterable[tuple[str, bool]],
    server: OwnServer | None = None,
) -> None:
    """A round for each point, with what changes in the warehouse meanwhile, or without."""
    begin(world)
    for number, (point, changes) in enumerate(rounds):
        at = Round(world, points, number, server)
        where = (point, event.__name__, changes)
        rows = disturb(at, point, event, where, changes=changes)
        assert_right_in_the_end(world, rows, where)


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
        assert event in (kill, end_all_sessions, restart_the_server, revoke_a_right), where
    finally:
        at.points.rest()
        order(at.world.state_admin, "GRANT ALL ON ALL TABLES IN SCHEMA syncer TO {role}", "owner")
        order(at.world.warehouse_admin, "GRANT ALL ON members TO {role}", "reader")
    assert point is None or at.points.reached, where
    end_sessions(at.world.state_admin)  # of the process that was killed, none is left
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
    end_all_sessions: {0, 6},
    restart_the_server: {0, 6},
    revoke_a_right: {0, 6},
    revoke_the_readers_right: {0, 6},
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
