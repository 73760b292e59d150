"""Random warehouses and random faults against a model that is written from the contract, not from the SQL.

After every run, however disturbed: belief is the state, except where the state itself says that it is uncertain.
After every undisturbed run: the state is what the model says, nothing is uncertain (the few contacts aside that a
skipped row still names), every call was needed, and a further run has nothing to send.
SYNCER_MODEL_EXAMPLES=200 runs more of them.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syncer import delivery, errors, naming
from syncer.demo.loopback import EVERYTHING, Answer, Reset
from syncer.demo.receiver import Fault, ReceivedRequest, SegmentReceiver
from syncer.destinations import segment
from syncer.state import State
from tests.world import Row, World, Write

EXAMPLES = int(os.environ.get("SYNCER_MODEL_EXAMPLES", "10"))
Member = tuple[str, str, str]
"""contact, audience, user id"""

names = st.sampled_from(["VIP Buyers", "Churn Risk", "Q4"])
users = st.sampled_from(["u1", "u2", "u3", "u4"])
emails = st.sampled_from(["a@x.io", "b@x.io", " B@x.io", "c@x.io", "d@x.io"])
sendable = st.tuples(names, users, emails)
broken = st.one_of(
    st.tuples(names, users, st.sampled_from([None, "", "nobody"])),
    st.tuples(names, st.sampled_from([None, " "]), emails),
    st.tuples(st.sampled_from([None, " "]), users, emails),
)
snapshots = st.lists(st.one_of(sendable, sendable, sendable, sendable, broken), max_size=10)
SESSIONS = ("syncer delivery to segment", "syncer sync")


@dataclass(frozen=True)
class StateLost:
    """The request takes effect or not, but sessions with the state are gone before its answer."""

    sessions: tuple[str, ...]
    apply: int


faults = st.sampled_from(
    [
        None,
        Answer(500, apply=0),
        Answer(500, apply=EVERYTHING),
        Answer(503, apply=1),
        Reset(apply=0),
        Reset(apply=EVERYTHING),
        Answer(400, apply=0),
        Answer(401, apply=0),
        Answer(429, apply=0),
        StateLost(SESSIONS[:1], EVERYTHING),
        StateLost(SESSIONS[1:], EVERYTHING),
        StateLost(SESSIONS, EVERYTHING),
        StateLost(SESSIONS, 0),
    ]
)


@dataclass(frozen=True)
class Round:
    """What the warehouse says, and what the receiver does to the requests of the run, one after the other."""

    rows: list[Row]
    script: list[Fault | StateLost | None]


rounds = st.lists(
    st.builds(Round, rows=snapshots, script=st.one_of(st.just([]), st.lists(faults, min_size=1, max_size=6))),
    min_size=2,
    max_size=6,
)


def contact_of(email: str | None) -> str:
    return (email or "").strip().lower()


def is_sendable(row: Row) -> bool:
    audience, user, email = row
    return bool((audience or "").strip() and (user or "").strip() and "@" in contact_of(email))


def sent(rows: list[Row]) -> set[Member]:
    """The rows that can be sent."""
    return {(contact_of(email), str(audience), str(user)) for audience, user, email in filter(is_sendable, rows)}


def expected_state(before: set[Member], rows: list[Row]) -> set[Member]:
    """Who is a synced member after a run in which everything was accepted."""
    present = sent(rows)
    return present | {member for member in before - present if is_named(member, rows, present)}


def is_named(member: Member, rows: list[Row], present: set[Member]) -> bool:
    """Whether a row that cannot be sent still names this member's contact, or a user who is not elsewhere."""
    contact, audience, user = member
    elsewhere = any((there, whose) == (audience, user) for _, there, whose in present)
    for named_audience, named_user, email in rows:
        if is_sendable((named_audience, named_user, email)) or (named_audience or "").strip() not in ("", audience):
            continue
        if contact_of(email) == contact or (named_user == user and not elsewhere):
            return True
    return False


def members(world: World, table: str) -> set[Any]:
    return set(world.query(f"SELECT contact, a.name, user_id FROM {table} JOIN audience AS a USING (audience_id)"))


def said_false(world: World) -> set[tuple[str, str]]:
    belief = world.receiver.belief
    return {(contact, name) for contact, values in belief.items() for name, value in values.items() if value is False}


def properties(found: set[Member]) -> set[tuple[str, str]]:
    return {(contact, naming.property_of(audience)) for contact, audience, _ in found}


def disturb(world: World, script: list[Fault | StateLost | None]) -> None:
    """One run with these faults, one a request. Whatever it knows is true, and it knows what it does not know."""
    answers = iter(script)

    def answer(request: ReceivedRequest) -> Fault | None:
        fault = next(answers, None)
        if isinstance(fault, StateLost):
            end_sessions(world, fault.sessions)
            return Answer(200, apply=fault.apply)
        return fault

    world.receiver.script = answer
    with suppress(errors.StateError):  # with no session left there is nobody to say how the run ended
        world.sync()
    world.receiver.script = None
    assert world.receiver.wait_for(lambda: world.receiver.http.in_progress == 0)
    if world.query("SELECT FROM run WHERE phase <> 'closed'"):
        return  # the next run's first step is to settle it
    doubtful = properties(members(world, "uncertain"))
    assert world.believed() - doubtful == properties(members(world, "synced_member")) - doubtful
    assert world.query("SELECT FROM sync_page WHERE status IN ('planned', 'sending')") == []
    sums = world.query("SELECT planned = succeeded + failed + unknown + aborted FROM sync_run_destinations")
    assert {equal for (equal,) in sums} == {True}


def end_sessions(world: World, names: Sequence[str]) -> None:
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = ANY(%s)",
            [list(names)],
        ).fetchall()


Told = tuple[str, str, str, bool]
"""contact, property, the user that the call names, value"""


def told_since(world: World, events: int) -> list[list[Told]]:
    """What each call since then told, in order of arrival."""
    calls = []
    for received in world.receiver.events[events:]:
        values = dict(received.event["traits"])
        contact = values.pop("email")
        calls.append([(contact, name, received.event["userId"], value) for name, value in values.items()])
    return calls


def check_calls(calls: list[list[Told]], before: set[tuple[str, str]], after: set[Member]) -> None:
    """Every value that was told changed something, or followed a `false` that named its user; and every such `false`
    was followed."""
    everywhere = {(user, naming.property_of(audience), contact) for contact, audience, user in after}
    gone: set[tuple[str, str]] = set()
    for contact, name, user, value in itertools.chain.from_iterable(calls):
        follows = any((who, name, contact) in everywhere for who, what in gone if what == name)
        assert ((contact, name) in before) != value or (value and follows), (contact, name, user, value)
        if not value:
            gone.add((user, name))
    for place, call in enumerate(calls):
        for contact, name, user, value in call:
            owed = {there for who, what, there in everywhere if (who, what) == (user, name)} if not value else set()
            later = {there for later in calls[place + 1 :] for there, what, _, now in later if what == name and now}
            assert owed <= later, (contact, name, user, calls)


def check_undisturbed_run(world: World, rows: list[Row]) -> None:
    before, believed = members(world, "synced_member"), world.believed()
    certain = not members(world, "uncertain") and not world.query("SELECT FROM run WHERE phase <> 'closed'")
    calls = world.receiver.event_count
    report = world.sync().report

    assert report.status == "succeeded"
    state = members(world, "synced_member")
    assert state == expected_state(before, rows)
    uncertain = members(world, "uncertain")
    assert all(is_named(member, rows, sent(rows)) for member in uncertain)
    doubtful = properties(uncertain)
    assert doubtful.isdisjoint(properties(state))
    assert world.believed() - doubtful == properties(state)
    assert properties(members(world, "told_false")) - doubtful == said_false(world) - doubtful
    if certain:
        check_calls(told_since(world, calls), believed, state)
    intervals = world.query(
        "SELECT contact, audience, user_id FROM audience_membership_history WHERE exited_at IS NULL"
    )
    assert set(intervals) == state

    calls = world.receiver.event_count
    world.sync()
    assert world.receiver.event_count == calls
    assert world.receiver.violations == []


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_ATTEMPTS", 2)
    monkeypatch.setattr(delivery, "_BACKOFF", lambda call: 0.0)


@pytest.mark.parametrize("page_size", [1, 500])
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=rounds)
def test_belief_is_the_warehouse_after_every_undisturbed_run(
    new_database: Callable[[str], str],
    template: str,
    monkeypatch: pytest.MonkeyPatch,
    page_size: int,
    story: list[Round],
) -> None:
    monkeypatch.setattr(segment, "PAGE_SIZE", page_size)
    folder = Path(tempfile.mkdtemp())
    state = State(new_database(template), "syncer")
    try:
        with SegmentReceiver("test-write-key") as receiver:
            world = World(folder, Write(state.url), state.url, receiver)
            for told in story:
                world.warehouse.replace(told.rows)
                if told.script:
                    disturb(world, told.script)
                else:
                    check_undisturbed_run(world, told.rows)
            check_undisturbed_run(world, story[-1].rows)
    finally:
        shutil.rmtree(folder)
