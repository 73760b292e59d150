"""What the paired measurement of plans calls slower."""

from tests.bench import regression
from tests.bench.contestants import CHANGED, UNCHANGED
from tests.bench.regression import Pair, Planned


def _pairs(scenario: str, *seconds: tuple[float, float], slow: float = 0.0) -> list[Pair]:
    return [
        Pair(
            scenario,
            Planned(earlier, {"fold_changes": 100.0, "diff_members": 500.0, "gone": 5.0}),
            Planned(this, {"fold_changes": 100.0 + slow, "diff_members": 499.0, "new": 1.0}),
        )
        for earlier, this in seconds
    ]


def test_a_plan_that_takes_more_than_a_fifth_longer_is_slower_and_its_statement_is_named() -> None:
    slow = _pairs(CHANGED, (1.0, 1.21), (2.0, 2.44), (1.0, 1.3), slow=300.0)
    good = _pairs(UNCHANGED, (1.0, 1.19), (2.0, 2.4), (1.0, 0.9))
    changed, unchanged = regression.judge([*slow, *good])
    assert (changed.slower, unchanged.slower) == (True, False)
    assert (changed.earlier, changed.this) == (1.0, 1.3)
    assert changed.grown == [("fold_changes", 100.0, 400.0), ("new", 0.0, 1.0)]


def test_one_round_in_which_the_machine_did_something_else_proves_nothing() -> None:
    (verdict,) = regression.judge(_pairs(CHANGED, (1.0, 9.0), (3.0, 3.1), (1.0, 1.0)))
    assert not verdict.slower


def test_a_machine_that_becomes_slower_befalls_both() -> None:
    (verdict,) = regression.judge(_pairs(CHANGED, (1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (8.0, 8.0)))
    assert verdict.ratio == 1.0
