"""Which changes of the warehouse a receiver came to know of, and how long after their commit.

A change that the next one undoes within moments needs no call, so it is counted apart. One that stood for longer and
was never told was missed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.bench.belief import Told
from tests.bench.changing import Change

MOMENTS = 30.0
"""Seconds for which a change has to stand before it is missed if nobody tells it."""


class Seen(NamedTuple):
    """A change that was told: when it was committed, and how many seconds later that was accepted."""

    at: float
    after: float


@dataclass(slots=True)
class Verdict:
    """`never`: missed. `undone`: undone within moments, or what undid something that was not told. `needless`: calls
    that told what nobody had changed, or once more what was told already."""

    seen: list[Seen] = field(default_factory=list)
    never: int = 0
    undone: int = 0
    needless: int = 0


def judge(changes: Iterable[Change], told: Iterable[Told]) -> Verdict:
    """Both are in the order of their time, the calls until long enough after the last change."""
    verdict = Verdict()
    stories: dict[tuple[str, str], tuple[list[Change], list[Told]]] = {}
    for change in changes:
        stories.setdefault((change.contact, change.property), ([], []))[0].append(change)
    for call in told:
        stories.setdefault((call.contact, call.property), ([], []))[1].append(call)
    for changed, calls in stories.values():
        _judge_one(changed, calls, verdict)
    verdict.seen.sort()
    return verdict


def _judge_one(changes: Sequence[Change], calls: Sequence[Told], verdict: Verdict) -> None:
    """The changes of one property of one contact, which take turns: true, false, true, …"""
    known = 0  # so many changes are told, or passed over
    believed = not changes[0].value if changes else None
    for call in calls:
        meant = _meant(changes, known, call)
        if meant is None:
            verdict.needless += 1
            continue
        _pass_over(changes, known, meant, believed, verdict)
        verdict.seen.append(Seen(changes[meant].at, call.at - changes[meant].at))
        known, believed = meant + 1, call.value
    _pass_over(changes, known, len(changes), believed, verdict)


def _meant(changes: Sequence[Change], known: int, call: Told) -> int | None:
    """Which change the call tells: the oldest that it can be about. It is not about one that was undone long before."""
    for number in range(known, len(changes)):
        change = changes[number]
        if change.at > call.at:
            return None
        stood_until = changes[number + 1].at if number + 1 < len(changes) else call.at
        if change.value == call.value and stood_until > call.at - MOMENTS:
            return number
    return None


def _pass_over(changes: Sequence[Change], first: int, end: int, believed: bool | None, verdict: Verdict) -> None:
    """The changes from `first` up to `end`, which is excluded, were not told."""
    for number in range(first, end):
        stood = changes[number + 1].at - changes[number].at if number + 1 < len(changes) else MOMENTS
        if changes[number].value != believed and stood >= MOMENTS:
            verdict.never += 1
        else:
            verdict.undone += 1
