"""What may happen in a life: changes of the warehouse, acts of people, trouble in a run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from syncer.receivers.loopback import EVERYTHING, Answer, Delay, Fault, Reset, Truncate
from tests.integration.lives.audiences import is_sendable
from tests.integration.lives.facts import CONTACTS, NAMES
from tests.world import Row

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
    """One of them; a choice of weight two is made twice as often as one of weight one."""
    return st.sampled_from([choice for weight, choice in choices for _ in range(weight)]).flatmap(lambda choice: choice)


coming = st.lists(sendable, min_size=1, max_size=4)
changes = weighed(
    (4, st.tuples(st.just("come"), coming)),
    (2, st.tuples(st.just("join"), names, users)),
    (1, st.tuples(st.just("break"), broken)),
    (3, st.tuples(st.just("wear"), st.integers(0, 12), st.integers(0, 2))),
    (1, st.just(("mend",))),
    (3, st.tuples(st.just("leave"), st.integers(0, 12))),
    (3, st.tuples(st.just("move"), users, emails)),
    (1, st.tuples(st.just("move"), users, st.none())),
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


@dataclass(frozen=True)
class TakenOver:
    """While the request is on its way, the process is taken for dead; its call takes effect after the other's, or not.

    Nothing after it is disturbed: what the script says of later requests is not heard.
    """

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

    script: Sequence[Fault | StateLost | TakenOver | None] = ()
    refused: Collection[str] = ()
    last_step: int | None = None

    @property
    def late(self) -> bool:
        return LATE in self.script


taken_over = st.builds(
    lambda before, apply: Trouble(script=[*before, TakenOver(apply)]),
    st.lists(st.none(), max_size=3),
    st.sampled_from([0, EVERYTHING]),
)
some = st.frozensets(st.sampled_from(CONTACTS), max_size=2)
troubles = weighed(
    (4, st.builds(Trouble, script=st.lists(faults, min_size=1, max_size=5))),
    (1, st.builds(Trouble, script=st.lists(st.one_of(faults, st.just(LATE)), min_size=1, max_size=3))),
    (1, taken_over),
    (3, st.builds(Trouble, last_step=st.integers(0, 110))),
    (2, st.builds(Trouble, refused=st.frozensets(st.sampled_from(CONTACTS), min_size=1, max_size=2))),
    (1, st.builds(Trouble, script=st.lists(faults, max_size=2), refused=st.just(frozenset(CONTACTS)))),
    (2, st.builds(Trouble, script=st.lists(faults, max_size=2), refused=some, last_step=st.integers(40, 140))),
)


def changed_rows(rows: list[Row], kind: str, *what: Any) -> list[Row]:
    """What the warehouse says after a change; the last fourteen rows of it."""
    match kind:
        case "come":
            rows = [*rows, *what[0]]
        case "join":  # someone who is known somewhere, at the address that they have
            known = [email for _, user, email in rows if user == what[1]]
            rows = [*rows, *((what[0], what[1], email) for email in known[:1])]
        case "break":
            rows = [*rows, what[0]]
        case "wear":  # a row of somebody who may be a member loses its audience, its user, or its address
            rows = [_without(row, what[1]) if index == what[0] else row for index, row in enumerate(rows)]
        case "mend":
            rows = [row for row in rows if is_sendable(row)]
        case "leave":
            rows = [row for index, row in enumerate(rows) if index != what[0]]
        case "move":
            rows = [(name, user, what[1] if user == what[0] else email) for name, user, email in rows]
        case "vanish":
            rows = [row for row in rows if row[0] != what[0]]
        case "replace":
            rows = what[0]
    return rows[-14:]


def _without(row: Row, place: int) -> Row:
    name, user, email = (None if index == place else each for index, each in enumerate(row))
    return name, user, email
