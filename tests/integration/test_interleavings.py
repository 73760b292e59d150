"""Commands beside a run, step by step: neither fails the other, and in the end all is right."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest

from syncer import control, errors, models, sync
from syncer.receivers.loopback import Answer
from syncer.receivers.segment import ReceivedRequest
from syncer.reconciling import record
from syncer.state import Connection, State, migrations
from syncer.state.audiences import known_audiences
from tests.interleaving import Session, close_orders, play, watch_statements
from tests.points import Killed, Points, end_sessions
from tests.world import CHURN, GUARD_FROM_TWO, VIP, Row, World, keep_together, members, truth

RUN = ("list_pauses", "mark_planned", "claim_pages", "close_run")
"""A run stops once its plan saw the state, before that commits, before it claims a page, and while it is closed."""

HISTORY_GOES = ("add_dropped_history", "drop_block_partition")
"""A run stops, while it is closed, before it notes what old history it drops, and before that is gone."""

PROPERTY = "vip_buyers"


@dataclass
class Round:
    """One order of steps, on a world that goes on from round to round: nothing may be left of the one before.

    `rows` is what the warehouse says while run and command meet, `expected` what the destination believes in the end.
    """

    world: World
    number: int
    rows: list[Row]
    expected: list[Row]

    def say(self, rows: list[Row]) -> None:
        self.rows = self.expected = rows

    def add(self, newcomer: Row) -> None:
        self.rows, self.expected = [*self.rows, newcomer], [*self.expected, newcomer]

    def tell(self, rows: list[Row]) -> None:
        """Everybody is told what the warehouse says from now on, and nobody is who knows it."""
        due = {contact for contact, _ in believed(self.world) ^ truth(rows)}
        self.world.warehouse.replace(rows)
        assert [each.planned for each in self.world.sync().report.destinations] == [len(due)], self.number

    def call(self, command: Callable[[Connection], object]) -> object:
        with self.world.state() as connection:
            return command(connection)


Command = Callable[[], object]


def approving(at: Round) -> Command:
    """Of what it is about, one comes back: the plan takes them off the list of held changes."""
    at.tell(at.rows)
    churn = at.rows[8:]
    at.world.warehouse.replace(members(2) + churn)
    run_id = at.world.sync().report.run_id or 0
    assert len(at.world.held()) == 6
    at.say(members(3) + churn)
    return lambda: approve(at.world, run_id)


def approve(world: World, run_id: int) -> int:
    """What the run held; where that is not kept any more, what the last one holds, as the answer says."""
    try:
        return world.approve(run_id)
    except errors.ConfigError:
        ((last,),) = world.query("SELECT max(last_run_id) FROM held_changes")
        return world.approve(last)


def retrying(at: Round) -> Command:
    """Of what it is about, one has left: the plan takes them off the list of refused contacts."""
    bad = f"bad{at.number}@x.io"

    def refuse(request: ReceivedRequest) -> Answer | None:
        return Answer(400) if any(event["traits"]["email"] == bad for event in request.events) else None

    at.world.receiver.script = refuse
    at.tell([*at.rows, (VIP, "bad", bad)])
    at.world.receiver.script = None
    assert at.world.query("SELECT count(*) FROM refused_contact") == [(1,)]
    return lambda: at.call(lambda connection: control.release(connection, ()))


def pausing(at: Round) -> Command:
    """An audience that the state does not know yet: the plan adds it, and so does the command."""
    at.tell(at.rows)
    new = f"New {at.number}"
    configured = [models.ConfiguredAudience("audiences[0]", new)]
    at.say([*at.rows, (new, "u0000", "u0000@x.io")])
    return lambda: at.call(lambda connection: control.pause(connection, [new, VIP], [], configured))


def retiring(at: Round) -> Command:
    """Of an audience that has another name now: the plan writes that, and the command changes it too."""
    at.tell(at.rows)
    name = "VIP-Buyers" if at.number % 2 else "VIP  Buyers"
    at.say([*members(8, name), *at.rows[8:]])
    at.expected = at.rows[8:]
    return lambda: at.call(lambda connection: control.retire(connection, PROPERTY))


def resuming(at: Round) -> Command:
    retiring(at)()
    at.world.warehouse.replace(at.rows)
    at.world.sync()
    at.say([*members(8), *at.rows[8:]])
    return lambda: at.call(lambda connection: control.resume(connection, [PROPERTY], []))


def forgetting(at: Round) -> Command:
    person = f"gone{at.number}"
    at.tell([*at.rows, (VIP, person, f"{person}@x.io")])
    state = State(at.world.state_url, "syncer")
    return lambda: at.call(lambda connection: control.forget(state, connection, [person], lambda _: None, lambda: None))


def migrating(at: Round) -> Command:
    """Nothing is to be done, but that is seen under the same lock."""
    at.tell(at.rows)
    state = State(at.world.state_url, "syncer")
    return lambda: migrations.migrate(state)


def resyncing(at: Round) -> Command:
    at.tell(at.rows)
    return at.world.resync


STOPS: dict[Callable[[Round], Command], tuple[str, ...]] = {
    forgetting: ("forget_in_members",),
    migrating: ("list_schema_migrations",),
    resyncing: ("open_run",),
}
"""Where a command stops: as a rule before it commits."""

CODES: dict[Callable[[Round], Command], set[int]] = {pausing: {0, 130}, retiring: {0, 8}}
"""What a run may exit with: a pause stops it between two pages, and the new name of what is retired is set aside."""

CONTROLS = (approving, retrying, pausing, retiring, resuming, forgetting, migrating)
ALL = (*CONTROLS, resyncing)
"""A resync is a run: what may happen between its statements is in `test_points`."""

ABOUT_HISTORY = (approving, retrying, forgetting, resyncing)
"""These read or change what runs have left behind; to the others it is nothing."""


@pytest.mark.parametrize("prepare", ALL, ids=lambda prepare: prepare.__name__)
def test_a_command_and_a_run_never_fail_one_another(
    world: World, prepare: Callable[[Round], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_all_orders(world, prepare, RUN, monkeypatch)


@pytest.mark.parametrize("prepare", ABOUT_HISTORY, ids=lambda prepare: prepare.__name__)
def test_a_command_and_the_end_of_old_history_never_fail_one_another(
    world: World, prepare: Callable[[Round], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a command is about may be in the very part of the history that goes."""
    keep_together(monkeypatch, 2)
    world.extra = '[history]\nkeep = "1ms"\n'
    assert_all_orders(world, prepare, HISTORY_GOES, monkeypatch)
    assert world.query("SELECT count(*) > 0 FROM dropped_history") == [(True,)]


def assert_all_orders(
    world: World, prepare: Callable[[Round], Command], run: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plays the steps of a command, before and after its stop, wherever they fit among those of a run, which stops
    before these statements."""
    watch_statements(monkeypatch)
    stops = STOPS.get(prepare, ("record_action",))
    for number, order in enumerate(close_orders("run", len(run) + 1, "command")):
        at, command = prepared(world, prepare, number)
        sessions = {"run": Session(world.sync, run), "command": Session(command, stops)}

        play(world.state_url, sessions, order)

        assert_unharmed(sessions, CODES.get(prepare, {0, 5}), order)
        if sessions["command"].error is not None:
            command()
        assert_right_in_the_end(at, order)
    assert_nothing_is_left(world)


@pytest.mark.parametrize("prepare", CONTROLS, ids=lambda prepare: prepare.__name__)
def test_a_whole_run_may_pass_between_any_two_statements_of_a_command(
    world: World, prepare: Callable[[Round], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_statements(monkeypatch)
    for number, statement in enumerate(statements(world, prepare), 1):
        at, command = prepared(world, prepare, number)
        sessions = {"run": Session(world.sync, ()), "command": Session(command, [statement])}
        order = ("command", "run")

        play(world.state_url, sessions, order)

        assert_unharmed(sessions, CODES.get(prepare, {0, 5}), (statement, *order))
        if sessions["command"].error is not None:
            command()
        assert_right_in_the_end(at, (statement, *order))
    assert_nothing_is_left(world)


@pytest.mark.parametrize("prepare", CONTROLS, ids=lambda prepare: prepare.__name__)
def test_a_command_may_be_killed_or_cut_off_between_any_two_statements(
    world: World, prepare: Callable[[Round], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be given again, whether it was done or not, and nothing stays half done. Each round ends it four times."""
    watch_statements(monkeypatch)
    names = statements(world, prepare)
    points = Points(monkeypatch)
    ends: Iterator[Callable[[], None]] = itertools.cycle([points.kill, partial(end_sessions, world.state_url)])
    batches = [tuple(names[first : first + 4]) for first in range(0, len(names), 4)]
    for number, batch in enumerate(batches, 1):
        at, command = prepared(world, prepare, number)
        for statement in batch:
            points.watch(f"before {statement}", next(ends))
            with suppress(Killed, errors.StateError):
                command()
            points.rest()
            assert points.reached, statement
            end_sessions(world.state_url)
        command()
        assert_right_in_the_end(at, batch)
    assert_nothing_is_left(world)


@pytest.mark.parametrize(
    "order", ["forgets reconciles forgets", "reconciles forgets forgets", "reconciles reconciles forgets forgets"]
)
def test_a_reconciliation_keeps_nothing_of_whom_a_command_forgets_meanwhile(
    world: World, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no lock. It stops once it chose whom to ask about, where it may be broken off, and before it makes due
    what it found missing."""
    world.warehouse.replace(members(2))
    world.sync()
    state = State(world.state_url, "syncer")
    [(destination_id,)] = world.query("SELECT destination_id FROM destination")
    asked = record.Asked(destination_id, None, None, repairs=True, scheduled=False)

    def reconcile() -> None:
        with world.state() as connection:
            everybody = {"reach_contacts": None, "rollout": None}
            begun, _ = record.begin(connection, asked, everybody, {}, None)
            if order.count("reconciles") == 1:
                return
            audiences = {each.audience_id: each for each in known_audiences(connection)}
            while (page := record.next_page(connection, begun, destination_id, 10)).contacts:
                page.answers.update(dict.fromkeys(page.contacts))
                record.settle(connection, begun, asked, page, audiences, lambda name, value: (name, value))

    def forget() -> None:
        with world.state() as connection:
            control.forget(state, connection, ["u0001"], lambda _: None, lambda: None)

    watch_statements(monkeypatch)
    sessions = {
        "reconciles": Session(reconcile, ["record_action", "make_due"]),
        "forgets": Session(forget, ["forget_in_members"]),
    }
    play(world.state_url, sessions, order.split())

    assert [session.error for session in sessions.values()] == [None, None]
    kept = " UNION ".join(
        f"SELECT contact FROM {table}" for table in ("contact_to_ask", "reconciled_difference", "uncertain")
    )
    assert "u0001@x.io" not in {contact for (contact,) in world.query(kept)}


def statements(world: World, prepare: Callable[[Round], Command]) -> list[str]:
    """The statements of a command, each once, in their order."""
    at, command = prepared(world, prepare, 0)
    alone = Session(command, ())
    play(world.state_url, {"command": alone}, ["command"])
    assert alone.error is None
    assert_right_in_the_end(at, ("alone",))
    return list(dict.fromkeys(alone.seen))


def prepared(world: World, prepare: Callable[[Round], Command], number: int) -> tuple[Round, Command]:
    """A round that is about to begin: the command has not been given yet, and the warehouse has changed."""
    if prepare is approving and GUARD_FROM_TWO not in world.extra:
        world.extra += GUARD_FROM_TWO + "max_added_fraction = 100.0\n"
    rows = members(8) + members(8, CHURN, prefix="c")
    at = Round(world, number, rows, rows)
    command = prepare(at)
    at.add((CHURN, f"n{number}", f"n{number}@x.io"))
    world.warehouse.replace(at.rows)
    return at, command


def assert_unharmed(sessions: dict[str, Session], codes: set[int], order: tuple[str, ...]) -> None:
    """Only the lock may have kept one of them out: one process syncs, or forgets, at a time."""
    for session in sessions.values():
        assert session.error is None or isinstance(session.error, errors.SyncLockedError), order
        if isinstance(session.result, sync.Result):
            assert sync.exit_code(session.result) in codes, order


def assert_right_in_the_end(at: Round, order: tuple[str, ...]) -> None:
    world = at.world
    assert world.query("SELECT count(*) FROM run WHERE phase <> 'closed'") == [(0,)], order
    assert world.query("SELECT count(*) FROM sync_page WHERE status IN ('planned', 'sending')") == [(0,)], order
    paused = [name for (name,) in world.query("SELECT DISTINCT name FROM pause JOIN audience USING (audience_id)")]
    if paused:
        at.call(lambda connection: control.resume(connection, paused, []))
    world.sync()
    assert believed(world) == truth(at.expected), order
    with world.state() as connection:
        for (name,) in world.query("SELECT name FROM audience WHERE name LIKE 'New %' AND retired_at IS NULL"):
            control.retire(connection, name)
    if world.query("SELECT count(*) FROM audience WHERE retired_at IS NOT NULL AND property = %s", [PROPERTY]) == [
        (1,)
    ]:
        at.call(lambda connection: control.resume(connection, [PROPERTY], []))


def assert_nothing_is_left(world: World) -> None:
    world.sync()
    assert [each.planned for each in world.sync().report.destinations] == [0]
    assert world.verify().differences == 0


def believed(world: World) -> set[tuple[str, str]]:
    """What the destination believes of everybody who was not forgotten."""
    return {each for each in world.believed() if not each[0].startswith("gone")}
