"""Random lives of warehouse, syncer and destination, against a model written from the contract and not from the SQL.

Between runs: people come, leave, move, share addresses; rows break; audiences vanish; somebody approves, retires,
pauses, retries, narrows the reach, asks for a full resync. In a run: every fault of a network, contacts that are
refused, sessions that are ended, and a process that is gone between any two of its statements and requests.

After every run, however disturbed: belief is the state, except where the state itself says that it is uncertain.
After every undisturbed run: belief is the warehouse, except for what is listed as held, refused, paused or skipped;
its calls, holds, doubts and the state are exactly what the model says; history replayed is the state.
SYNCER_MODEL_EXAMPLES=300 runs more and other lives.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from syncer import app, audit, control, errors, naming, sync
from syncer.destinations import segment
from syncer.planning import checksums
from syncer.receivers.loopback import EVERYTHING, Answer, Delay, Fault, Reset, Truncate
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver
from syncer.state import State
from syncer.state.runs import settle_lost_run
from syncer.stopping import Stop
from tests.world import Quiet, Report, Row, World, Write

IN_CI = 6
EXAMPLES = int(os.environ.get("SYNCER_MODEL_EXAMPLES") or IN_CI)
"""Lives for each of the two page sizes; read before the environment is cleaned."""
STEPS = 25

VIP, CHURN, QUARTER = NAMES = ("VIP Buyers", "Churn Risk", "Q4")
PROPERTY = {name: naming.property_of(name) for name in NAMES}
CONFIGURED = {QUARTER}
CONTACTS = ("a@x.io", "b@x.io", "c@x.io", "d@x.io", "e@x.io")

Member = tuple[str, str, str]
"""contact, audience, user id"""
Pair = tuple[str, str]
"""contact, audience"""
Held = tuple[str, str, str]
"""contact, audience, op"""
Call = tuple[str, Mapping[str, bool]]
"""The user that a call names, and what it tells."""

names = st.sampled_from(NAMES)
users = st.sampled_from(["u1", "u2", "u3", "u4", "u5"])
emails = st.sampled_from([*CONTACTS, " B@x.io"])
sendable = st.tuples(names, users, emails)
broken = st.one_of(
    st.tuples(names, users, st.sampled_from([None, "", "nobody"])),
    st.tuples(names, st.sampled_from([None, " "]), emails),
    st.tuples(st.sampled_from([None, " "]), users, emails),
)


def weighed(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of them, each so often."""
    return st.sampled_from([choice for weight, choice in choices for _ in range(weight)]).flatmap(lambda choice: choice)


coming = st.lists(sendable, min_size=1, max_size=4)
changes = weighed(
    (4, st.tuples(st.just("come"), coming)),
    (2, st.tuples(st.just("join"), names, users)),
    (1, st.tuples(st.just("break"), broken)),
    (2, st.just(("mend",))),
    (3, st.tuples(st.just("leave"), st.integers(0, 12))),
    (3, st.tuples(st.just("move"), users, emails)),
    (1, st.tuples(st.just("no email"), users)),
    (1, st.tuples(st.just("vanish"), names)),
    (2, st.tuples(st.just("replace"), st.lists(sendable, max_size=8))),
)
acts = weighed(
    (4, st.just(("approve",))),
    (1, st.tuples(st.just("approve"), names)),
    (1, st.tuples(st.just("retire"), names)),
    (1, st.tuples(st.just("pause"), names)),
    (1, st.just(("pause",))),
    (1, st.tuples(st.just("resume"), names)),
    (4, st.just(("resume all",))),
    (2, st.just(("retry",))),
    (1, st.just(("settle",))),
    (1, st.tuples(st.just("reach"), st.frozensets(st.sampled_from(CONTACTS), min_size=2))),
    (2, st.just(("reach", None))),
    (1, st.tuples(st.just("list"), st.frozensets(names, min_size=1, max_size=2))),
    (2, st.just(("list", None))),
)


@dataclass(frozen=True)
class StateLost:
    """The request takes effect or not, but sessions with the state are gone before its answer."""

    sessions: tuple[str, ...]
    apply: int


SESSIONS = ("syncer settling for segment", "syncer delivery to segment", "syncer sync")
faults = st.sampled_from(
    [
        None,
        Answer(408),
        Answer(429),
        Answer(429, {"Retry-After": "0"}),
        Answer(429, {"Retry-After": "3600"}),
        Answer(500),
        Answer(500, apply=EVERYTHING),
        Answer(503, apply=1),
        Reset(),
        Reset(EVERYTHING),
        Truncate(200, EVERYTHING),
        Answer(200, body=b"<html>", apply=EVERYTHING),
        Answer(400),
        Answer(401),
        Answer(413),
        *(StateLost((session,), EVERYTHING) for session in SESSIONS),
        StateLost(SESSIONS, EVERYTHING),
        StateLost(SESSIONS, 0),
    ]
)
LATE = Delay(0.3)
"""Longer than the client waits in a run that has it: it gives up, and then the request takes effect all the same."""


@dataclass(frozen=True)
class Trouble:
    """What happens in a run: a fault for each request in turn; contacts that are refused; the step that is the last."""

    script: Sequence[Fault | StateLost | None] = ()
    refused: Collection[str] = ()
    last_step: int | None = None

    @property
    def late(self) -> bool:
        return LATE in self.script


some = st.frozensets(st.sampled_from(CONTACTS), max_size=2)
troubles = weighed(
    (4, st.builds(Trouble, script=st.lists(faults, min_size=1, max_size=5))),
    (1, st.builds(Trouble, script=st.lists(st.one_of(faults, st.just(LATE)), min_size=1, max_size=3))),
    (3, st.builds(Trouble, last_step=st.integers(0, 110))),
    (2, st.builds(Trouble, refused=st.frozensets(st.sampled_from(CONTACTS), min_size=1, max_size=2))),
    (1, st.builds(Trouble, script=st.lists(faults, max_size=2), refused=st.just(frozenset(CONTACTS)))),
    (2, st.builds(Trouble, script=st.lists(faults, max_size=2), refused=some, last_step=st.integers(40, 140))),
)


class Gone(BaseException):
    """The process is gone: whatever it would have done now, it does not."""


class Mortal:
    """Lets a process die before or after one of its statements or requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self.last: int | None = None
        self._lock = threading.Lock()
        execute, send = psycopg.Cursor.execute, segment.SegmentDestination.send

        def mortal_execute(cursor: Any, *arguments: Any, **options: Any) -> Any:
            return self._step(execute, cursor, *arguments, **options)

        def mortal_send(destination: Any, request: Any) -> Any:
            return self._step(send, destination, request)

        monkeypatch.setattr(psycopg.Cursor, "execute", mortal_execute)
        monkeypatch.setattr(segment.SegmentDestination, "send", mortal_send)

    def _step(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        thread = threading.current_thread()
        if self.last is None or not (thread is threading.main_thread() or thread.name.startswith(("deliv", "sender"))):
            return act(*arguments, **options)
        self._live()
        result = act(*arguments, **options)
        self._live()
        return result

    def _live(self) -> None:
        with self._lock:
            self.steps += 1
            if self.last is not None and self.steps > self.last:
                raise Gone


# --- the model: what is so ---------------------------------------------------------------------------------------


@dataclass
class Setting:
    """The configuration that matters here."""

    hold_initial: bool = False
    max_removed_fraction: float = 0.5
    min_removed: int = 2
    max_added_fraction: float = 1.0
    min_added: int = 3
    listed: frozenset[str] | None = None
    reach: frozenset[str] | None = None

    def lists(self, name: str) -> bool:
        return self.listed is None or name in self.listed

    def reaches(self, contact: str) -> bool:
        return self.reach is None or contact in self.reach

    @property
    def extra(self) -> str:
        return f"""
[[audiences]]
name = "{QUARTER}"
max_removed_fraction = 0.25
[guard]
hold_initial = {str(self.hold_initial).lower()}
max_removed_fraction = {self.max_removed_fraction}
min_removed = {self.min_removed}
max_added_fraction = {self.max_added_fraction}
min_added = {self.min_added}
"""

    @property
    def destination_extra(self) -> str:
        lines = ["max_events_per_second = 0"]
        if self.listed is not None:
            lines.append(f"audiences = {sorted(self.listed)}")
        if self.reach is not None:
            lines.append(f"contacts = {sorted(self.reach)}")
        return "\n".join(lines)


@dataclass
class Facts:
    """What the state says, in the words of the contract. The numbers are runs."""

    members: dict[Member, int]
    retracted: dict[Pair, tuple[int, str]]
    uncertain: dict[Pair, str]
    held: dict[Held, bool]
    refused: dict[str, tuple[int, int | None]]
    known: set[str]
    begun: dict[str, frozenset[str] | None]
    retired: set[str]
    paused: set[str]
    all_paused: bool
    due_before: dict[str | None, int]
    next_run: int
    open_run: int | None

    def is_initial(self, name: str, contact: str) -> bool:
        """Whether this contact's part of the audience's initial sync has not ended."""
        of = self.begun.get(name, frozenset())
        return of is not None and contact not in of

    def due(self, name: str) -> int:
        return max((run for audience, run in self.due_before.items() if audience in (None, name)), default=0)


FACTS = """
SELECT contact, a.name, user_id, told_run_id FROM synced_member JOIN audience AS a USING (audience_id);
SELECT contact, a.name, told_run_id, user_id FROM told_false JOIN audience AS a USING (audience_id);
SELECT contact, a.name, user_id FROM uncertain JOIN audience AS a USING (audience_id);
SELECT contact, a.name, op::text, approved_at IS NOT NULL FROM held_change JOIN audience AS a USING (audience_id);
SELECT contact, tries, next_try_run_id FROM refused_contact;
SELECT a.name, retired_at IS NOT NULL, i.audience_id IS NOT NULL, i.reach_contacts
    FROM audience AS a LEFT JOIN initial_sync AS i USING (audience_id);
SELECT a.name FROM pause LEFT JOIN audience AS a USING (audience_id);
SELECT a.name, before_run_id FROM resync LEFT JOIN audience AS a USING (audience_id);
SELECT coalesce(max(run_id), 0) + 1, max(run_id) FILTER (WHERE phase <> 'closed') FROM run;
SELECT contact, a.name, coalesce(told_as, user_id)
    FROM sync_page AS p
    JOIN sync_change AS c USING (run_id, destination_id, page)
    JOIN audience AS a USING (audience_id)
    WHERE p.status = 'sending' AND c.lead
"""


COUNTED_WRONG = """
SELECT told.*, found.*
FROM (
    SELECT destination_id, 0 AS audience_id, contacts AS heads FROM contact_count
    UNION ALL
    SELECT destination_id, audience_id, users FROM user_count
) AS told
FULL JOIN (
    SELECT m.destination_id, 0 AS audience_id, count(DISTINCT m.contact) AS heads FROM synced_member AS m GROUP BY 1
    UNION ALL
    SELECT m.destination_id, m.audience_id, count(DISTINCT m.user_id) FROM synced_member AS m GROUP BY 1, 2
) AS found USING (destination_id, audience_id)
WHERE coalesce(told.heads, 0) <> coalesce(found.heads, 0) AND EXISTS (SELECT FROM contact_count)
"""


def facts_of(connection: psycopg.Connection[Any]) -> Facts:
    cursor = connection.cursor()
    cursor.execute(FACTS)
    tables = []
    while True:
        tables.append(cursor.fetchall())
        if not cursor.nextset():
            break
    members, retracted, uncertain, held, refused, audiences, pauses, resyncs, runs, sending_now = tables
    return Facts(
        members={(contact, name, user): run for contact, name, user, run in members},
        retracted={(contact, name): (run, user) for contact, name, run, user in retracted},
        uncertain={(contact, name): user for contact, name, user in [*uncertain, *sending_now]},
        held={(contact, name, op): approved for contact, name, op, approved in held},
        refused={contact: (tries, next_try) for contact, tries, next_try in refused},
        known={name for name, *_ in audiences},
        begun={name: frozenset(of) if of is not None else None for name, _, begun, of in audiences if begun},
        retired={name for name, retired, _, _ in audiences if retired},
        paused={name for (name,) in pauses if name is not None},
        all_paused=any(name is None for (name,) in pauses),
        due_before=dict(resyncs),
        next_run=runs[0][0],
        open_run=runs[0][1],
    )


# --- the model: what a run does ----------------------------------------------------------------------------------


def contact_of(email: str | None) -> str:
    return (email or "").strip().lower()


def is_sendable(row: Row) -> bool:
    audience, user, email = row
    return bool((audience or "").strip() and (user or "").strip() and "@" in contact_of(email))


@dataclass
class Audience:
    """What the warehouse and the state say about one audience."""

    name: str
    present: set[Pair]
    before: dict[Pair, int]
    broken: Sequence[Row]
    retired: bool

    def names(self, contact: str, user: str) -> bool:
        """Whether a row that cannot be sent still names this contact, or this user who is nowhere else."""
        elsewhere = any(whose == user for _, whose in self.present)
        return not self.retired and any(
            contact_of(email) == contact or (whose == user and not elsewhere) for _, whose, email in self.broken
        )

    @property
    def stays(self) -> set[Pair]:
        return {pair for pair in self.before if pair in self.present or self.names(*pair)}

    @property
    def now(self) -> set[Pair]:
        """(contact, user) after the run."""
        return self.stays | self.present

    @property
    def moved(self) -> set[Pair]:
        return self.now ^ set(self.before)


@dataclass
class Change:
    op: str
    value: bool
    waits: str | None = None
    follows: bool = False


@dataclass
class Outcome:
    """What a run that nothing disturbs does: its calls, and what the state says after it."""

    calls: dict[str, Call] = field(default_factory=dict)
    ordered: set[tuple[str, str]] = field(default_factory=set)
    """(contact, contact): the call to the first comes before the call to the second."""
    changes: dict[Pair, Change] = field(default_factory=dict)
    members: set[Member] = field(default_factory=set)
    retracted: set[Pair] = field(default_factory=set)
    uncertain: set[Pair] = field(default_factory=set)
    held: dict[Held, bool] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    begun: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def waiting(self, why: str) -> set[Pair]:
        return {pair for pair, change in self.changes.items() if change.waits == why}


class Model:
    """One run, predicted. `offered`: the call that each refused contact refused."""

    def __init__(
        self,
        facts: Facts,
        rows: Sequence[Row],
        setting: Setting,
        offered: Mapping[str, Call | None],
        *,
        resync: bool = False,
    ) -> None:
        self.facts = facts
        self.rows = rows
        self.setting = setting
        self.offered = offered
        self.resync = resync
        self.named_by_rows = {str(audience) for audience, _, _ in rows if (audience or "").strip()}
        self.all_names = sorted(facts.known | self.named_by_rows | CONFIGURED)
        self.names = [] if facts.all_paused else [name for name in self.all_names if name not in facts.paused]
        self.audiences = {name: self._audience(name) for name in self.names}
        self.changes: dict[Pair, Change] = {}

    def run(self) -> Outcome:
        facts = self.facts
        for audience in self.audiences.values():
            self._fold(audience)
        for audience in self.audiences.values():
            if not audience.retired:
                self._guard(audience)
        self._hold_back()
        ordered = self._follow()
        told = {
            pair: change for pair, change in self.changes.items() if change.waits is None and change.op != "covered"
        }
        outcome = Outcome(ordered=ordered, changes=self.changes)
        for contact in {contact for contact, _ in told}:
            values = {PROPERTY[name]: change.value for (there, name), change in told.items() if there == contact}
            outcome.calls[contact] = (self._caller(contact), values)
        outcome.members = self._members()
        outcome.retracted = {pair for pair in facts.retracted if pair not in told} | {
            pair for pair, change in told.items() if not change.value
        }
        doubted = {pair for pair, change in self.changes.items() if change.follows and change.op == "reasserted"}
        outcome.uncertain = (set(facts.uncertain) | doubted) - set(told)
        outcome.held = {held: approved for held, approved in facts.held.items() if held[1] not in self.audiences}
        for (contact, name), change in self.changes.items():
            held = (contact, name, change.op)
            if change.waits == "held":
                outcome.held[held] = False
            elif change.waits is not None and facts.held.get(held):
                outcome.held[held] = True
        wanted = {contact for (contact, _), change in self.changes.items() if change.op != "covered"}
        outcome.refused = {
            contact
            for contact in facts.refused
            if contact not in outcome.calls and (contact in wanted or not self._whole)
        }
        outcome.begun = facts.begun | {
            name: self.setting.reach
            for name in self.names
            if self.setting.lists(name)
            and name not in facts.retired
            and name in self.named_by_rows | CONFIGURED
            and not any(there == name and op == "added" and not ok for (_, there, op), ok in outcome.held.items())
        }
        return outcome

    @property
    def _whole(self) -> bool:
        return self.names == self.all_names

    def _audience(self, name: str) -> Audience:
        reads = self.setting.lists(name) and name not in self.facts.retired
        present = {
            (contact_of(email), str(user))
            for audience, user, email in filter(is_sendable, self.rows)
            if reads and audience == name and self.setting.reaches(contact_of(email))
        }
        before = {
            (contact, user): run
            for (contact, there, user), run in self.facts.members.items()
            if there == name and self.setting.reaches(contact)
        }
        broken = [
            row
            for row in self.rows
            if not is_sendable(row) and ((reads and row[0] == name) or not (row[0] or "").strip())
        ]
        return Audience(name, present, before, broken, name in self.facts.retired)

    def _fold(self, audience: Audience) -> None:
        facts, name = self.facts, audience.name
        due_before = facts.next_run if self.resync else facts.due(name)
        doubts = {contact: user for (contact, there), user in facts.uncertain.items() if there == name}
        falses = {
            contact for (contact, there), (run, _) in facts.retracted.items() if there == name and run < due_before
        }
        again = {pair[0] for pair, run in audience.before.items() if pair in audience.present and run < due_before}
        moved = {contact for contact, _ in audience.moved}
        for contact in moved | again | {each for each in {*doubts, *falses} if self.setting.reaches(each)}:
            before = any(there == contact for there, _ in audience.before)
            after = any(there == contact for there, _ in audience.now)
            unsure = contact in doubts
            if after and before:
                op = "reasserted" if unsure or contact in again else "covered" if contact in moved else None
            elif after:
                op = "added"
            elif before or (unsure and (contact in falses or not audience.names(contact, doubts[contact]))):
                op = "removed"
            else:
                op = "reasserted" if contact in falses else None
            if op is not None:
                self.changes[contact, name] = Change(op, after)

    def _guard(self, audience: Audience) -> None:
        """Rule 21."""
        facts, setting, name = self.facts, self.setting, audience.name
        limit = 0.25 if name == QUARTER else setting.max_removed_fraction
        approved = {(contact, op) for (contact, there, op), yes in facts.held.items() if there == name and yes}
        moves: dict[str, set[str]] = {"removed": set(), "added": set()}
        for (contact, there), change in self.changes.items():
            if there == name and change.op in moves and (contact, change.op) not in approved:
                moves[change.op].add(contact)
        believed = {contact for contact, _ in audience.before}
        believed |= {contact for contact, there in facts.uncertain if there == name and setting.reaches(contact)}
        told = len({contact for contact in believed if (contact, "removed") not in approved})
        newcomers = {contact for contact in moves["added"] if facts.is_initial(name, contact)}
        growth = moves["added"] - newcomers
        removed, added = len(moves["removed"]), len(growth)
        vanished = not setting.lists(name) or name not in self.named_by_rows | CONFIGURED
        many = removed >= setting.min_removed and removed > limit * told
        if not self.rows or vanished or many:
            self._wait(name, moves["removed"], "held")
        if setting.hold_initial:
            self._wait(name, newcomers, "held")
        if added >= setting.min_added and added > setting.max_added_fraction * told:
            self._wait(name, growth, "held")

    def _wait(self, name: str, contacts: Collection[str], why: str) -> None:
        for contact in contacts:
            self.changes[contact, name].waits = why

    def _hold_back(self) -> None:
        """Rule 18: a refused contact waits for its next try, unless something else is to be told to it."""
        for contact, (_, next_try) in self.facts.refused.items():
            if next_try is not None and next_try <= self.facts.next_run:
                continue
            pending = {
                name: change
                for (there, name), change in self.changes.items()
                if there == contact and change.op != "covered" and change.waits is None
            }
            now = {PROPERTY[name]: change.value for name, change in pending.items()}
            if pending and (not self._whole or self.offered.get(contact) == (self._caller(contact), now)):
                for change in pending.values():
                    change.waits = "refused"

    def _follow(self) -> set[tuple[str, str]]:
        """Rule 9: the false to an old contact is followed by the present value to its user's present contact."""
        gone = [pair for pair, change in self.changes.items() if not change.value and change.waits is None]
        parked = {contact for (contact, _), change in self.changes.items() if change.waits == "refused"}
        ordered = set()
        for contact, name in gone:
            user = self._caller(contact)
            for there, whose in sorted(self.audiences[name].now):
                if whose != user or there == contact:
                    continue
                change = self.changes.setdefault((there, name), Change("covered", value=True))
                if change.op == "covered":
                    change.op, change.waits = "reasserted", "refused" if there in parked else None
                change.follows = True
                if change.waits is None:
                    ordered.add((contact, there))
        return ordered

    def _caller(self, contact: str) -> str:
        """The smallest user who is there; if there is none, of those who were."""
        outside = {user for there, name, user in self.facts.members if there == contact and name not in self.audiences}
        here = {user for each in self.audiences.values() for there, user in each.now if there == contact} | outside
        if here:
            return min(here)
        were = {user for each in self.audiences.values() for there, user in each.before if there == contact}
        doubts = {
            user for (there, name), user in self.facts.uncertain.items() if there == contact and name in self.names
        }
        falses = {
            user
            for (there, name), (_, user) in self.facts.retracted.items()
            if (there, name) in self.changes and there == contact and self._is_due_false(there, name)
        }
        return min(were | doubts | falses)

    def _is_due_false(self, contact: str, name: str) -> bool:
        due_before = self.facts.next_run if self.resync else self.facts.due(name)
        return self.facts.retracted[contact, name][0] < due_before

    def _members(self) -> set[Member]:
        members = set(self.facts.members)
        for (contact, name), change in self.changes.items():
            if change.waits is None:
                members -= {member for member in members if member[:2] == (contact, name)}
                now = self.audiences[name].now
                members |= {(contact, name, user) for there, user in now if there == contact}
        return members


# --- the machine -------------------------------------------------------------------------------------------------


def in_a_circle(pair: tuple[str, str], ordered: Collection[tuple[str, str]]) -> bool:
    """Whether what comes after the second has to come before the first: two addresses of a user exchange audiences."""
    reached: set[str] = set()
    found = {pair[1]}
    while found - reached:
        reached |= found
        found = {later for earlier, later in ordered if earlier in reached}
    return pair[0] in reached


class Life(RuleBasedStateMachine):
    """`new_world` and `mortal` are given by the test."""

    new_world: Callable[[], World]
    mortal: Mortal
    tally: dict[str, int]

    @initialize(hold_initial=st.sampled_from([False, False, False, True]), start=st.lists(sendable, max_size=8))
    def begin(self, hold_initial: bool, start: list[Row]) -> None:
        self.rows: list[Row] = start
        self.setting = Setting(hold_initial=hold_initial)
        self.world = self.new_world()
        self.world.receiver.__enter__()
        self.connection = psycopg.connect(
            self.world.state_url, autocommit=True, options="-c search_path=syncer", prepare_threshold=None
        )
        self.offered: dict[int, dict[str, Call]] = {}
        self.seen: dict[str, Call] = {}
        self.written: list[Row] | None = None

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()
            self.world.receiver.__exit__(None, None, None)
            shutil.rmtree(self.world.folder)

    @rule(
        changed=st.lists(changes, max_size=4),
        done=st.lists(acts, max_size=3),
        trouble=weighed((5, st.none()), (4, troubles)),
        resync=st.sampled_from([False, False, False, False, True]),
        twice=st.sampled_from([False, False, True]),
    )
    def season(
        self,
        *,
        changed: list[tuple[Any, ...]],
        done: list[tuple[Any, ...]],
        trouble: Trouble | None,
        resync: bool,
        twice: bool,
    ) -> None:
        """The warehouse changes, the operator acts, and there is a run, which something may disturb."""
        for change in changed:
            self._change(*change)
            self.tally["changes"] += 1
        for act in done:
            self._act(*act)
            self.tally["acts"] += 1
        if trouble is None:
            self._undisturbed_run(resync=resync, twice=twice)
        else:
            self._disturbed_run(trouble, resync=resync)

    # --- the warehouse

    def _change(self, kind: str, *what: Any) -> None:
        rows = self.rows
        match kind:
            case "come":
                rows = [*rows, *what[0]]
            case "join":  # somebody who is known somewhere, at the address that he has
                known = [email for _, user, email in rows if user == what[1]]
                rows = [*rows, *((what[0], what[1], email) for email in known[:1])]
            case "break":
                rows = [*rows, what[0]]
            case "mend":
                rows = [row for row in rows if is_sendable(row)]
            case "leave":
                rows = [row for index, row in enumerate(rows) if index != what[0]]
            case "move":
                rows = [(name, user, what[1] if user == what[0] else email) for name, user, email in rows]
            case "no email":
                rows = [(name, user, None if user == what[0] else email) for name, user, email in rows]
            case "vanish":
                rows = [row for row in rows if row[0] != what[0]]
            case "replace":
                rows = what[0]
        self.rows = rows[-14:]

    # --- the operator

    def _act(self, kind: str, *what: Any) -> None:
        facts = facts_of(self.connection)
        match kind:
            case "reach":
                self.setting = replace(self.setting, reach=what[0])
            case "list":
                self.setting = replace(self.setting, listed=what[0])
            case "settle":
                self._settle()
            case _ if facts.known.issuperset(what):
                with self.world.state() as state:
                    self._tell(state, facts, kind, what)

    def _tell(self, state: Any, facts: Facts, kind: str, what: Sequence[str]) -> None:
        match kind:
            case "approve" if facts.next_run > 1:
                approved = control.approve(state, facts.next_run - 1, what)
                assert approved <= sum(not yes for yes in facts.held.values())
                self.tally["approved"] += approved
            case "retire":
                control.retire(state, what[0])
            case "pause":
                control.pause(state, what, [], [])
            case "resume":
                control.resume(state, what, [])
            case "resume all":
                for name in facts.paused | facts.retired:
                    control.resume(state, [name], [])
                control.resume(state, [], [])
            case "retry":
                control.release(state, [])

    # --- runs

    def _settle(self) -> None:
        """The first step of a run after one that was lost, and then this one is gone as well."""
        with self.world.state() as state:
            settle_lost_run(state)
        self._look(Trouble())

    def _disturbed_run(self, trouble: Trouble, *, resync: bool) -> None:
        """Whatever it knows is true, and it knows what it does not know."""
        self.tally["disturbed"] += 1
        self._prepare(trouble)
        self._run(trouble, resync=resync)
        self._look(trouble)

    def _undisturbed_run(self, *, resync: bool, twice: bool) -> None:
        self.tally["undisturbed"] += 1
        self._prepare(Trouble())
        facts = facts_of(self.connection)
        if facts.open_run is None:
            self._check_run(facts, resync=resync)
        else:
            self._run(Trouble(), resync=resync)
            twice = True
        facts = self._check_belief()
        if twice:
            outcome = self._check_run(facts, resync=False)
            if not facts.refused and not facts.held:
                assert outcome.calls == {}

    def _prepare(self, trouble: Trouble) -> None:
        self.world.extra = self.setting.extra
        self.world.destination_extra = self.setting.destination_extra
        if trouble.late:
            self.world.destination_extra += '\ntimeout = "150ms"'
        if self.rows != self.written:
            self.world.warehouse.replace(self.rows)
            self.written = self.rows

    def _run(self, trouble: Trouble, *, resync: bool) -> sync.Result | None:
        world, mortal = self.world, self.mortal
        answers = iter(trouble.script)

        def answer(request: ReceivedRequest) -> Fault | None:
            contacts = set()
            for event in request.events:
                values = dict(event["traits"])
                contact = values.pop("email")
                contacts.add(contact)
                self.seen[contact] = (event["userId"], values)
            fault = next(answers, None)
            if fault is None and contacts.intersection(trouble.refused):
                return Answer(400, body=b'{"message":"not this one"}')
            if isinstance(fault, StateLost):
                self._end_sessions(fault.sessions)
                return Answer(200, apply=fault.apply)
            return fault

        self.seen = {}
        world.receiver.script = answer
        result = None
        mortal.steps, mortal.last = 0, trouble.last_step
        try:
            result = world.sync(trigger="resync" if resync else "manual")
        except errors.StateError:  # with no session left there is nobody to say how the run ended
            assert any(isinstance(fault, StateLost) for fault in trouble.script)
        except Gone:
            self.tally["gone"] += 1
        finally:
            mortal.last = None
        assert world.receiver.wait_for(lambda: world.receiver.http.in_progress == 0)
        world.receiver.script = None
        if result is None or trouble.script:
            self._end_sessions(SESSIONS)  # the server lets go of them a little after we do
        ((run_id,),) = self.connection.execute("SELECT coalesce(max(run_id), 0) FROM run").fetchall()
        self.offered.setdefault(run_id, {}).update(self.seen)
        return result

    def _end_sessions(self, sessions: Sequence[str]) -> None:
        with psycopg.connect(self.world.state_url, autocommit=True) as connection:
            connection.cursor().execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = ANY(%s)",
                [list(sessions)],
            ).fetchall()

    # --- what must hold

    def _look(self, trouble: Trouble) -> Facts:
        """After every run."""
        facts = facts_of(self.connection)
        doubtful = properties(facts.uncertain)
        belief = self.world.receiver.belief
        said = {(contact, name, value) for contact, values in belief.items() for name, value in values.items()}
        told = {(*pair, True) for pair in properties(member[:2] for member in facts.members)}
        told |= {(*pair, False) for pair in properties(facts.retracted)}
        assert {each for each in said if each[:2] not in doubtful} == {
            each for each in told if each[:2] not in doubtful
        }
        sums = self.connection.execute(
            "SELECT d.run_id FROM sync_run_destinations AS d JOIN run USING (run_id)"
            " WHERE phase = 'closed' AND planned <> succeeded + failed + unknown + aborted"
        ).fetchall()
        assert sums == []
        waiting = self.connection.execute(
            "SELECT FROM sync_page JOIN run USING (run_id)"
            " WHERE phase = 'closed' AND sync_page.status IN ('planned', 'sending')"
        ).fetchall()
        assert waiting == []
        assert self.world.receiver.violations == []
        if facts.open_run is None:
            assert self.connection.execute(COUNTED_WRONG).fetchall() == []
        for tries, next_try in facts.refused.values():
            assert tries <= 6
            assert (next_try is None) == (tries == 6)
        if trouble.last_step is None and not any(isinstance(fault, StateLost) for fault in trouble.script):
            assert facts.open_run is None
        return facts

    def _offered(self, facts: Facts) -> dict[str, Call | None]:
        """What each refused contact refused. The run that it did so in follows from when it is tried again."""
        calls: dict[str, Call | None] = {}
        for contact, (tries, next_try) in facts.refused.items():
            if next_try is not None:
                calls[contact] = self.offered.get(next_try - 2 ** max(0, tries - 1), {}).get(contact)
            else:
                runs = [run for run, offered in self.offered.items() if contact in offered]
                calls[contact] = self.offered[max(runs)][contact] if runs else None
        return calls

    def _model(self, facts: Facts, *, resync: bool = False) -> Outcome:
        return Model(facts, self.rows, self.setting, self._offered(facts), resync=resync).run()

    def _check_run(self, facts: Facts, *, resync: bool) -> Outcome:
        """A run that nothing disturbs does exactly what the model says."""
        outcome = self._model(facts, resync=resync)
        believed = {contact: dict(values) for contact, values in self.world.receiver.belief.items()}
        arrived = self.world.receiver.event_count
        result = self._run(Trouble(), resync=resync)
        assert result
        after = self._look(Trouble())

        calls = [received.event for received in self.world.receiver.events[arrived:]]
        told = {}
        for call in calls:
            values = dict(call["traits"])
            told[values.pop("email")] = (call["userId"], values)
        assert told == outcome.calls
        assert len(calls) == len(told)
        places = {call["traits"]["email"]: place for place, call in enumerate(calls)}
        assert {
            pair
            for pair in outcome.ordered
            if places[pair[0]] > places[pair[1]] and not in_a_circle(pair, outcome.ordered)
        } == set()
        if not resync and not facts.due_before:
            followed = {contact for _, contact in outcome.ordered}
            for contact, (_, values) in told.items():
                for name, value in values.items():
                    needed = believed.get(contact, {}).get(name) is not value or contact in followed
                    assert needed or (contact, name) in properties(facts.uncertain), (contact, name, value)

        assert set(after.members) == outcome.members
        assert set(after.retracted) == outcome.retracted
        assert set(after.uncertain) == outcome.uncertain
        assert after.held == outcome.held
        assert set(after.refused) == outcome.refused
        assert after.begun == {name: of for name, of in outcome.begun.items() if name in after.known}
        self._check_heads(result)
        waits = any(not approved for approved in after.held.values())
        assert result.report.status == ("held" if waits else "succeeded")
        self.tally["checked"] += 1
        self.tally["held"] += bool(after.held)
        self.tally["refused"] += bool(after.refused)
        return outcome

    def _check_heads(self, result: sync.Result) -> None:
        """The run says how many users and contacts there are in the warehouse, however it came to know."""
        users = {(audience, user) for audience, user, _ in self.rows if user is not None}
        for audience in result.report.audiences:
            assert audience.members == sum(name == audience.name for name, _ in users), audience
        ((memberships, contacts),) = self.connection.execute(
            "SELECT memberships, contacts FROM sync_runs WHERE run_id = %s", [result.report.run_id]
        ).fetchall()
        assert memberships == len(self.rows)
        assert contacts == len({contact_of(email) for _, _, email in self.rows} - {""})

    def _check_belief(self) -> Facts:
        """After an undisturbed run, from nothing but warehouse, belief, and what the state lists as waiting."""
        facts = facts_of(self.connection)
        believed = self.world.believed()
        truth = {(contact_of(email), str(audience)) for audience, _, email in filter(is_sendable, self.rows)}
        named = {
            (contact, name)
            for contact, name, user in facts.members
            for audience, whose, email in self.rows
            if not is_sendable((audience, whose, email))
            and ((audience or "").strip() in ("", name))
            and (contact_of(email) == contact or whose == user)
        }
        named |= {
            (contact, name)
            for (contact, name), user in facts.uncertain.items()
            for audience, whose, email in self.rows
            if not is_sendable((audience, whose, email)) and (contact_of(email) == contact or whose == user)
        }
        waiting = {each[:2] for each, approved in facts.held.items()}
        for contact in CONTACTS:
            for name in NAMES:
                excused = (
                    facts.all_paused
                    or name in facts.paused
                    or contact in facts.refused
                    or (contact, name) in waiting | named
                    or not self.setting.reaches(contact)
                    or not self.setting.lists(name)
                )
                if not excused:
                    wanted = (contact, name) in truth and name not in facts.retired
                    assert ((contact, PROPERTY[name]) in believed) == wanted, (contact, name, wanted)
                    assert (contact, name) not in facts.uncertain
        with app.opened(app.load(self.world.config, {})) as house:
            found = audit.verify(house.job(), Stop(), Quiet(), 100)
        assert found.differences == 0, found
        assert bool(found.paused) == bool(facts.paused or facts.all_paused)
        if not facts.all_paused:
            (destination,) = found.destinations
            outcome = self._model(facts)
            # What stands as held is listed as such, also if the next run would judge it otherwise.
            standing = {
                (contact, name)
                for (contact, name), change in outcome.changes.items()
                if change.waits is None
                and (contact, name, change.op) in facts.held
                and (contact, name) not in facts.uncertain
                and contact not in facts.refused
            }
            assert destination.listed.get("held", 0) == len(outcome.waiting("held") | standing)
            broken = {row for row in self.rows if not is_sendable(row)}
            assert (
                sum(count for why, count in destination.listed.items() if why.startswith("skipped")) > 0
            ) or not any(row[0] is None for row in broken)
        return facts


def properties(pairs: Any) -> set[tuple[str, str]]:
    return {(contact, PROPERTY[name]) for contact, name in pairs}


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Mortal:
    monkeypatch.setattr(checksums, "most", lambda *_: True)  # every run trusts what the last one found unmoved
    return Mortal(monkeypatch)


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("page_size", "staged"), [(1, False), (500, True)], ids=["one_a_page", "many_a_page"])
def test_belief_is_the_warehouse_after_every_undisturbed_run(
    postgres: str,
    new_database: Callable[..., str],
    template: str,
    monkeypatch: pytest.MonkeyPatch,
    mortal: Mortal,
    report: Report,
    page_size: int,
    staged: bool,
) -> None:
    monkeypatch.setattr(segment, "PAGE_SIZE", page_size)
    warehouse = Write(new_database("template0")) if staged else None
    made: list[str] = []
    tally = dict.fromkeys(
        ("lives", "changes", "acts", "approved", "disturbed", "gone", "undisturbed", "checked", "held", "refused"), 0
    )

    def new_world() -> World:
        state = State(new_database(template, again=made.pop() if made else None), "syncer")
        made.append(state.url)
        tally["lives"] += 1
        return World(
            Path(tempfile.mkdtemp()), warehouse or Write(state.url), state.url, SegmentReceiver("test-write-key")
        )

    def life() -> Life:
        machine = Life()
        machine.new_world, machine.mortal, machine.tally = new_world, mortal, tally
        return machine

    run_state_machine_as_test(
        cast(type[RuleBasedStateMachine], life),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=EXAMPLES <= IN_CI,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if EXAMPLES > IN_CI else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )
    report(f"{page_size} a page: {tally}")
