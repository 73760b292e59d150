"""The auditor finds what it is there for: what was never true, what was known, what is not listed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.auditor import Account, Auditor, Names
from tests.listing import LastRead, Listing
from tests.witness import Said, Snapshot, Telling

CONFIG: dict[str, Any] = {"warehouse": {"membership": {"table": "members"}}, "destinations": [{"name": "segment"}]}
IN: list[tuple[str, str]] = [("u1", "a@x.io")]
OUT: list[tuple[str, str]] = []
TRUE, FALSE = ("u1", "a@x.io", True), ("u1", "a@x.io", False)

Call = tuple[str, str, bool]
"""user, email, value"""


def at(minute: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def complaints(
    said: Sequence[Sequence[tuple[str, str]]],
    told: Mapping[float, Call],
    listing: Listing | None = None,
    statuses: Mapping[float, str] | None = None,
) -> list[str]:
    """Snapshot n holds from minute n on; calls come at minutes, and a run reads the last snapshot."""
    snapshots = [Snapshot(at(n), [Said("VIP", *row) for row in rows], CONFIG) for n, rows in enumerate(said)]
    calls = [Telling(at(n), user, email, {"vip": value}, str(n)) for n, (user, email, value) in told.items()]
    read = LastRead(9, at(len(said) - 0.5), at(len(said)))
    listing = listing or Listing({"VIP": "vip"}, {"vip": read}, 0)
    listing.history = {str(n): (int(n), (statuses or {}).get(n, "succeeded")) for n in told}
    return Auditor(Account(CONFIG["destinations"][0], calls), snapshots, Names([CONFIG], {}), listing).complaints()


def test_what_follows_the_warehouse_is_right() -> None:
    assert complaints([IN, OUT, IN], {0.5: TRUE, 1.5: FALSE, 2.5: TRUE}) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param([OUT, IN], {0.5: TRUE}, id="before it was so"),
        pytest.param([IN, OUT], {0.5: TRUE, 1.5: FALSE, 1.7: TRUE}, id="once it was so no longer"),
        pytest.param([IN], {0.5: FALSE}, id="never"),
        pytest.param([IN], {0.5: ("u2", "b@x.io", True)}, id="of somebody who is nowhere"),
    ],
)
def test_a_value_that_was_not_true_at_its_time(
    said: Sequence[Sequence[tuple[str, str]]], told: Mapping[float, Call]
) -> None:
    assert "which no snapshot said" in complaints(said, told)[0]


def test_what_was_known_is_told_only_with_a_reason() -> None:
    [complaint] = complaints([IN], {0.5: TRUE, 0.7: TRUE})

    assert "which they knew, without a reason" in complaint
    assert complaints([IN], {0.5: TRUE, 0.7: TRUE}, statuses={0.5: "unknown"}) == []


@pytest.mark.parametrize(
    ("left", "count"), [({0}, 0), (set(), 1)], ids=["its run was closed by another", "its run ended by itself"]
)
def test_what_an_overtaken_process_may_have_told_when_it_woke_up_is_told_twice(left: set[int], count: int) -> None:
    listing = Listing({"VIP": "vip"}, {"vip": LastRead(9, at(0.5), at(1))}, 0, left=left)
    listing.outcomes["a@x.io", "vip"] = [(0, "unknown"), (1, "succeeded"), (2, "succeeded")]
    calls = {0.5: TRUE, 1.5: TRUE, 2.5: TRUE}

    assert len(complaints([IN, IN, IN], calls, listing, statuses={0.5: "unknown"})) == count


def test_a_user_who_was_not_told_yet_is_told() -> None:
    assert complaints([[*IN, ("u2", "a@x.io")]], {0.5: TRUE, 0.7: ("u2", "a@x.io", True)}) == []


def test_a_profile_that_stays_false() -> None:
    moved = [("u1", "b@x.io"), ("u2", "b@x.io")]
    told = {0.5: TRUE, 1.5: ("u2", "b@x.io", True), 1.7: FALSE}

    assert "their profile says false" in complaints([IN, moved], told)[0]


@pytest.mark.parametrize(("said", "told"), [([IN], {}), ([IN, OUT], {0.5: TRUE})], ids=["lost", "left over"])
def test_a_difference_in_the_end_has_to_be_listed(
    said: Sequence[Sequence[tuple[str, str]]], told: Mapping[float, Call]
) -> None:
    [complaint] = complaints(said, told)

    assert "nothing is listed" in complaint
    read = {"vip": LastRead(9, at(len(said) - 0.5), at(len(said)))}
    for listed in (
        Listing({}, read, 0, held={("a@x.io", "vip")}),
        Listing({}, read, 0, refused={"a@x.io"}),
        Listing({}, read, 0, skipped=[("VIP", "u1", None)] if told else [("VIP", None, "A@x.io ")]),
        Listing({}, read, 0, paused={None}),
        Listing({}, read, 1),
    ):
        assert complaints(said, told, listed) == []
