"""The guard's arithmetic: what is held, and for which reason, of the moves of one audience."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.models import Guard
from syncer.planning import guard

QUIET = guard.Moves(7, "VIP Buyers", vanished=False, initial=False, removed=0, added=0)


def held(moves: guard.Moves, told: int, limits: Guard | None = None, *, snapshot_empty: bool = False) -> list[str]:
    return [hold.op for hold in guard.judge(limits or Guard(), moves, told, snapshot_empty=snapshot_empty)]


@pytest.mark.parametrize(
    ("removed", "told", "waits"),
    [
        pytest.param(0, 0, False, id="nobody leaves nothing"),
        pytest.param(3, 3, False, id="3 of 3"),
        pytest.param(99, 99, False, id="99 of 99"),
        pytest.param(100, 100, True, id="100 of 100"),
        pytest.param(100, 399, True, id="just above a quarter"),
        pytest.param(100, 400, False, id="a quarter exactly"),
        pytest.param(100, 401, False, id="just below a quarter"),
        pytest.param(300, 300, True, id="everybody"),
    ],
)
def test_removals_are_held_above_the_fraction_from_the_minimum_on(removed: int, told: int, waits: bool) -> None:
    assert held(replace(QUIET, removed=removed), told) == (["removed"] if waits else [])


@pytest.mark.parametrize("told", [100, 400, 700, 900, 12_300])
def test_a_share_that_is_the_fraction_exactly_goes_and_one_contact_more_waits(told: int) -> None:
    """Floating point must not decide: 0.29 * 400 is 115.99999999999999."""
    for percent in range(101):
        limits = Guard(max_removed_fraction=percent / 100, min_removed=1, max_added_fraction=percent / 100, min_added=1)
        exactly = percent * told // 100

        assert held(replace(QUIET, removed=exactly, added=exactly), told, limits) == [], percent
        more = replace(QUIET, removed=exactly + 1, added=exactly + 1)
        assert held(more, told, limits) == ["removed", "added"], percent


@pytest.mark.parametrize(
    ("added", "told", "waits"),
    [(999, 0, False), (1000, 0, True), (1000, 999, True), (1000, 1000, False), (1001, 1000, True), (2000, 9000, False)],
)
def test_additions_are_held_above_the_fraction_from_the_minimum_on(added: int, told: int, waits: bool) -> None:
    assert held(replace(QUIET, added=added), told) == (["added"] if waits else [])


def test_an_initial_sync_is_held_only_where_that_is_asked_for() -> None:
    first = replace(QUIET, initial=True, added=1_000_000)

    assert held(first, 0) == []
    assert held(first, 0, Guard(hold_initial=True)) == ["added"]
    assert held(replace(first, added=1), 0, Guard(hold_initial=True)) == ["added"]
    assert held(replace(first, added=0), 0, Guard(hold_initial=True)) == []
    assert held(replace(QUIET, added=1), 10, Guard(hold_initial=True)) == []


@pytest.mark.parametrize("removed", [0, 1, 99])
def test_a_vanished_audience_and_an_empty_snapshot_hold_even_one_removal(removed: int) -> None:
    limits = Guard(max_removed_fraction=1.0, min_removed=1_000_000)
    expected = ["removed"] if removed else []

    assert held(replace(QUIET, removed=removed, vanished=True), 400, limits) == expected
    assert held(replace(QUIET, removed=removed), 400, limits, snapshot_empty=True) == expected


def test_fractions_of_one_and_nothing() -> None:
    everybody = replace(QUIET, removed=300)
    one = replace(QUIET, removed=1)

    assert held(everybody, 300, Guard(max_removed_fraction=1.0)) == []
    assert held(one, 300, Guard(max_removed_fraction=0.0, min_removed=0)) == ["removed"]
    assert held(one, 300, Guard(max_removed_fraction=0.0, min_removed=2)) == []


def test_a_total_is_needed_only_where_a_share_decides() -> None:
    assert guard.needed(Guard(), replace(QUIET, removed=99, added=999)) == 0
    assert guard.needed(Guard(), replace(QUIET, removed=100)) == 400
    assert guard.needed(Guard(), replace(QUIET, added=1000)) == 1000
    assert guard.needed(Guard(), replace(QUIET, added=1000, initial=True)) == 0
    assert guard.needed(Guard(), replace(QUIET, removed=100, added=1000)) == 1000
    assert guard.needed(Guard(max_removed_fraction=0.0, min_removed=0), replace(QUIET, removed=1)) == math.inf
    assert guard.needed(Guard(max_removed_fraction=0.0, min_removed=0), QUIET) == 0


@given(
    contacts=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    fractions=st.tuples(st.floats(1e-6, 1), st.floats(1e-6, 10)),
)
def test_with_as_many_as_are_needed_nothing_is_held_and_with_one_less_something_is(
    contacts: tuple[int, int], fractions: tuple[float, float]
) -> None:
    limits = Guard(max_removed_fraction=fractions[0], max_added_fraction=fractions[1], min_removed=1, min_added=1)
    moves = replace(QUIET, removed=contacts[0], added=contacts[1])
    needed = int(guard.needed(limits, moves))

    assert held(moves, needed, limits) == []
    assert needed == 0 or held(moves, needed - 1, limits) != []


def test_the_reasons_say_how_many_of_how_many_and_name_nobody() -> None:
    moves = replace(QUIET, removed=1200, added=5000)

    removed, added = guard.judge(Guard(), moves, 2000, snapshot_empty=False)

    assert (removed.audience_id, added.audience_id) == (7, 7)
    assert removed.reason == "1,200 of 2,000 contacts would be told false, more than max_removed_fraction = 0.25"
    assert added.reason == ("5,000 contacts would be told true beside 2,000 that are, more than max_added_fraction = 1")
