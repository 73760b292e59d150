"""Which changes count as told, and how long after their commit: the benchmark of freshness."""

import pytest

from tests.bench.belief import Told
from tests.bench.changing import Change
from tests.bench.seen import Verdict, judge

_LATER = 100.0


def judged(changes: list[tuple[float, bool]], calls: list[tuple[float, bool]]) -> Verdict:
    """About one property of one contact."""
    return judge(
        [Change(at, "a@x.io", "vip", value) for at, value in changes],
        [Told(at, "a@x.io", "vip", value) for at, value in calls],
    )


def counts(verdict: Verdict) -> tuple[list[float], int, int, int]:
    """After how many seconds each was told; never, undone, needless."""
    return [each.after for each in verdict.seen], verdict.never, verdict.undone, verdict.needless


@pytest.mark.parametrize(
    ("changes", "calls", "expected"),
    [
        ([(1, True)], [(4, True)], ([3], 0, 0, 0)),
        ([(1, True)], [], ([], 1, 0, 0)),
        ([], [(4, True)], ([], 0, 0, 1)),
        ([(1, True)], [(4, False)], ([], 1, 0, 1)),
        ([(5, True)], [(4, True)], ([], 1, 0, 1)),
        ([(1, True)], [(4, True), (9, True)], ([3], 0, 0, 1)),
        ([(1, True), (50, False)], [(4, True), (52, False)], ([3, 2], 0, 0, 0)),
        # Undone before a run saw it; and seen, but undone before the call was accepted.
        ([(1, True), (3, False)], [], ([], 0, 2, 0)),
        ([(1, True), (3, False)], [(4, True), (9, False)], ([3, 6], 0, 0, 0)),
        ([(1, True), (3, False), (5, True)], [(9, True)], ([8], 0, 2, 0)),
        # It stood for long, and nobody told it.
        ([(1, True), (_LATER, False)], [], ([], 1, 1, 0)),
        ([(1, True), (_LATER, False), (2 * _LATER, True)], [(2 * _LATER + 3, True)], ([3], 1, 1, 0)),
    ],
)
def test_what_was_told_and_when(
    changes: list[tuple[float, bool]],
    calls: list[tuple[float, bool]],
    expected: tuple[list[float], int, int, int],
) -> None:
    assert counts(judged(changes, calls)) == expected


def test_contacts_and_properties_are_told_apart() -> None:
    changes = [Change(1, "a@x.io", "vip", True), Change(1, "b@x.io", "vip", True), Change(1, "a@x.io", "new", True)]
    calls = [Told(3, "a@x.io", "vip", True), Told(8, "b@x.io", "vip", True)]
    assert counts(judge(changes, calls)) == ([2, 7], 1, 0, 0)
