"""Random warehouses and random faults against a model that is written from the contract, not from the SQL.

After every undisturbed run: the state is what the model says, belief is the state (the few contacts aside that are
uncertain and that a skipped row still names), and a further run has nothing to send.
SYNCER_MODEL_EXAMPLES=200 runs more of them.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer import delivery, naming
from syncer.demo.loopback import EVERYTHING, Answer, Reset
from syncer.demo.receiver import Fault, SegmentReceiver
from syncer.destinations import segment
from syncer.state import State
from tests.world import Row, World, Write

EXAMPLES = int(os.environ.get("SYNCER_MODEL_EXAMPLES", "12"))
Member = tuple[str, str, str]
"""contact, audience, user id"""

names = st.sampled_from(["VIP Buyers", "Churn Risk", "Q4"])
users = st.sampled_from(["u1", "u2", "u3"])
emails = st.sampled_from(["a@x.io", "b@x.io", " B@x.io", "c@x.io"])
sendable = st.tuples(names, users, emails)
broken = st.one_of(
    st.tuples(names, users, st.sampled_from([None, "", "nobody"])),
    st.tuples(names, st.sampled_from([None, " "]), emails),
    st.tuples(st.sampled_from([None, " "]), users, emails),
)
snapshots = st.lists(st.one_of(sendable, sendable, sendable, sendable, broken), max_size=10)
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
    ]
)


@dataclass(frozen=True)
class Round:
    """What the warehouse says, and what the receiver does to the requests of the run, one after the other."""

    rows: list[Row]
    script: list[Fault | None]


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


def expected_state(before: set[Member], rows: list[Row]) -> set[Member]:
    """Who is a synced member after a run in which everything was accepted."""
    present = {(contact_of(email), str(audience), str(user)) for audience, user, email in filter(is_sendable, rows)}
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


def properties(found: set[Member]) -> set[tuple[str, str]]:
    return {(contact, naming.property_of(audience)) for contact, audience, _ in found}


def check_undisturbed_run(world: World, rows: list[Row]) -> None:
    before = members(world, "synced_member")
    report = world.sync().report

    assert report.status == "succeeded"
    state = members(world, "synced_member")
    assert state == expected_state(before, rows)
    doubtful = properties(members(world, "uncertain"))
    assert world.believed() - doubtful == properties(state)
    assert properties(members(world, "told_false")).isdisjoint(properties(state))
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
    derandomize=EXAMPLES <= 12,
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
                    answers = iter(told.script)
                    receiver.script = lambda request, answers=answers: next(answers, None)
                    report = world.sync().report
                    for part in report.destinations:
                        assert part.planned == part.succeeded + part.failed + part.unknown + part.aborted
                    receiver.script = None
                else:
                    check_undisturbed_run(world, told.rows)
            check_undisturbed_run(world, story[-1].rows)
    finally:
        shutil.rmtree(folder)
