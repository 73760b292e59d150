"""The auditor finds what it is there for: what was never true, what was known, what is not listed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from syncer.audit import Story
from tests.auditor import Auditor
from tests.listing import Listing, Outcome, Read, Skipped
from tests.sayings import Account, Names
from tests.witness import Said, Snapshot, Telling

CONFIG: dict[str, Any] = {"warehouse": {"membership": {"table": "members"}}, "destinations": [{"name": "segment"}]}
IN: list[tuple[str, str]] = [("u1", "a@x.io")]
OUT: list[tuple[str, str]] = []
TRUE, FALSE = ("u1", "a@x.io", True), ("u1", "a@x.io", False)

NOWHERE: dict[str, Any] = {"name": "segment", "out_of_reach": []}

Call = tuple[str, str, bool]
"""user, email, value"""


def outcome(run: int, status: str = "succeeded") -> Outcome:
    return Outcome(run, status, "added", True)


def at(minute: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def complaints(
    said: Sequence[Sequence[tuple[str, str]]],
    told: Mapping[float, Call],
    listing: Listing | None = None,
    statuses: Mapping[float, str] | None = None,
    world: Any = None,
    reach: Mapping[int, Sequence[str]] | None = None,
    last: int | None = None,
) -> list[str]:
    """Snapshot n holds from minute n on, and is read by run n, whose calls come at n and a part of a minute.

    `reach` are the `contacts` of a snapshot's configuration, `last` the last run that was about the audience.
    """
    configs = [
        {**CONFIG, "destinations": [{"name": "segment", "contacts": (reach or {})[n]}]}
        if n in (reach or {})
        else CONFIG
        for n in range(len(said))
    ]
    snapshots = [Snapshot(at(n), at(n), [Said("VIP", *row) for row in rows], configs[n]) for n, rows in enumerate(said)]
    calls = [Telling(at(n), user, email, {"vip": value}, str(n)) for n, (user, email, value) in told.items()]
    listing = listing or Listing()
    listing.runs = {n: Read(n, at(n + 0.1), at(n + 0.9)) for n in range(len(said))}
    listing.last_read = {"vip": listing.runs[len(said) - 1 if last is None else last]}
    listing.history |= {str(n): (int(n), (statuses or {}).get(n, "succeeded")) for n in told}
    listing.began = at(0)
    account = Account(CONFIG["destinations"][0], calls)
    return Auditor(account, snapshots, Names([CONFIG], {}), listing, world).complaints()


@dataclass(frozen=True)
class Explaining:
    """A world of which `explain` says this of everybody."""

    contact: str
    property: str
    waits: str | None

    def explain(self, who: str) -> Story:
        pending = [{"contact": self.contact, "property": self.property, "waits": self.waits}]
        return Story(who, [], [], forgotten=False, destinations=[{**NOWHERE, "pending": pending}])


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
    assert "did not say" in complaints(said, told)[0]


def test_what_was_known_is_told_only_with_a_reason() -> None:
    [complaint] = complaints([IN], {0.5: TRUE, 0.7: TRUE})

    assert "which they knew, without a reason" in complaint
    assert complaints([IN], {0.5: TRUE, 0.7: TRUE}, statuses={0.5: "unknown"}) == []


def test_that_others_were_told_again_is_no_reason() -> None:
    calls = {0.5: TRUE, 1.5: TRUE}
    for run, names, count in ((1, None, 0), (1, {"vip"}, 0), (1, {"churn"}, 1), (0, None, 1)):
        assert len(complaints([IN, IN], calls, Listing(resyncs=[(run, names)]))) == count


@pytest.mark.parametrize(
    ("left", "count"), [({0}, 0), (set(), 1)], ids=["its run was closed by another", "its run ended by itself"]
)
def test_what_an_overtaken_process_may_have_told_when_it_woke_up_is_told_twice(left: set[int], count: int) -> None:
    listing = Listing(left=left)
    listing.outcomes["a@x.io", "vip"] = [outcome(0, "unknown"), outcome(1), outcome(2)]
    calls = {0.5: TRUE, 1.5: TRUE, 2.5: TRUE}

    assert len(complaints([IN, IN, IN], calls, listing, statuses={0.5: "unknown"})) == count


def test_another_user_of_a_contact_is_no_reason_to_tell_it_again() -> None:
    [complaint] = complaints([[*IN, ("u2", "a@x.io")]], {0.5: TRUE, 0.7: ("u2", "a@x.io", True)})

    assert "which they knew, without a reason" in complaint


def test_a_user_who_was_told_false_elsewhere_is_told_again() -> None:
    both = [("u1", "a@x.io"), ("u1", "b@x.io")]
    calls = {0.5: TRUE, 0.6: ("u1", "b@x.io", True), 1.5: ("u1", "b@x.io", False)}

    assert complaints([both, IN], {**calls, 1.6: TRUE}) == []
    assert len(complaints([both, IN, IN], {**calls, 1.6: TRUE, 2.5: TRUE})) == 1


def test_a_profile_that_stays_false() -> None:
    moved = [("u1", "b@x.io"), ("u2", "b@x.io")]
    told = {0.5: TRUE, 1.5: ("u2", "b@x.io", True), 1.7: FALSE}

    assert "their profile says false" in complaints([IN, moved], told)[0]
    for refused, count in ("b@x.io", 0), ("a@x.io", 1):  # nobody can tell them, whatever the call was about
        assert len(complaints([IN, moved], told, Listing(refused={refused}))) == count
    for waits, count in ((None, 0), ("deferred", 0), ("held", 1)):  # by a call of the next run, or by none
        listing = Listing()
        listing.outcomes["b@x.io", "vip"] = [outcome(1)]
        assert len(complaints([IN, moved], told, listing, world=Explaining("b@x.io", "vip", waits))) == count
    held = Explaining("b@x.io", "vip", "held")  # because of what the warehouse said after the run that left them
    assert complaints([IN, moved, IN], told, listing, world=held, last=1) == []


def test_the_history_knows_of_all_calls_and_of_no_others() -> None:
    listing = Listing(history={"lost": (0, "succeeded"), "unknown": (0, "unknown")})
    assert complaints([IN], {0.5: TRUE}, listing) == [
        "a call of run 0 to segment is said to have been accepted, and never came"
    ]

    secret = Telling(at(0.5), "u1", "a@x.io", {"vip": True}, "secret")
    snapshots = [Snapshot(at(0), at(0), [Said("VIP", *IN[0])], CONFIG)]
    account = Account(CONFIG["destinations"][0], [secret])
    found = Auditor(account, snapshots, Names([CONFIG], {}), Listing(began=at(0))).complaints()
    assert [complaint for complaint in found if "the history does not know" in complaint] == found != []


@pytest.mark.parametrize(("said", "told"), [([IN], {}), ([IN, OUT], {0.5: TRUE})], ids=["lost", "left over"])
def test_a_difference_in_the_end_has_to_be_listed(
    said: Sequence[Sequence[tuple[str, str]]], told: Mapping[float, Call]
) -> None:
    [complaint] = complaints(said, told)
    assert "nothing is listed" in complaint

    last, op, other = len(said) - 1, *(("removed", "added") if told else ("added", "removed"))
    failed = {("a@x.io", "vip"): [outcome(0, "failed")]}
    elsewhere = defaultdict(
        list, {("b@x.io", "vip"): [outcome(last, "failed")], ("a@x.io", "x"): [outcome(last, "failed")]}
    )
    for listed, count in (
        (Listing(held={("a@x.io", "vip", op)}), 0),
        (Listing(held={("a@x.io", "vip", other), ("a@x.io", "x", op), ("b@x.io", "vip", op)}), 1),
        (Listing(refused={"a@x.io"}, outcomes=defaultdict(list, failed)), 0),
        (Listing(refused={"a@x.io"}), 1),
        (Listing(outcomes=defaultdict(list, {("a@x.io", "vip"): [outcome(last, "aborted")]})), 0),
        (Listing(outcomes=defaultdict(list, {("a@x.io", "vip"): [outcome(last, "failed")]})), 1),
        (Listing(outcomes=defaultdict(list, {("a@x.io", "vip"): [outcome(last, "failed")]}), open={last}), 0),
        (Listing(outcomes=elsewhere), 1),
        (Listing(skipped=[Skipped("VIP", "u1", None) if told else Skipped("VIP", "u1", "A@x.io ")]), 0),
        (Listing(skipped=[Skipped("x", "u1", "a@x.io"), Skipped("VIP", "u2", "b@x.io")]), 1),
        (Listing(deferred={"vip": 1}), 1),
    ):
        assert len(complaints(said, told, listed)) == count


def test_who_was_left_to_the_next_run_has_to_be_named() -> None:
    others = [*IN, ("u2", "b@x.io")]
    for said, deferred, explained, count in (
        (IN, 1, Explaining("a@x.io", "vip", "deferred"), 0),
        (IN, 1, Explaining("a@x.io", "vip", "held"), 1),
        (IN, 1, Explaining("a@x.io", "churn", "deferred"), 1),
        (IN, 1, Explaining("b@x.io", "vip", "deferred"), 1),
        (others, 1, Explaining("a@x.io", "vip", "deferred"), 2),
        (IN, 0, Explaining("a@x.io", "vip", "deferred"), 1),
    ):
        assert len(complaints([said], {}, Listing(deferred={"vip": deferred}), world=explained)) == count
    held = Explaining("a@x.io", "vip", "held")  # because of what the warehouse said after the run that left them
    for said in IN, OUT:
        found = complaints([IN, said], {}, Listing(deferred={"vip": 1}), world=held, last=0)
        assert found == []


def test_who_was_refused_waits_with_what_is_new_only_in_a_run_about_some_audiences() -> None:
    some, refused = {"Churn": "churn"}, {"a@x.io"}  # of which the last run read nothing
    for pinned, who, waits, count in (
        (some, refused, "refused", 0),
        (some, refused, None, 0),
        (some, refused, "held", 1),
        ({}, refused, "refused", 1),
        (some, {"b@x.io"}, "refused", 1),
    ):
        explained = Explaining("a@x.io", "vip", waits)
        assert len(complaints([IN], {}, Listing(pinned=pinned, refused=who), world=explained)) == count
    elsewhere = Explaining("a@x.io", "churn", "refused")
    assert len(complaints([IN], {}, Listing(pinned=some, refused=refused), world=elsewhere)) == 1


@pytest.mark.parametrize(("row", "count"), [(("u1", ""), 0), (("", "a@x.io"), 0), (("u2", ""), 1), (("", "b@x.io"), 1)])
def test_a_row_that_cannot_be_sent_leaves_as_they_were_only_whom_it_names(row: tuple[str, str], count: int) -> None:
    """Nobody leaves by it, and it brings nobody."""
    listing = Listing(skipped=[Skipped("VIP", *row)])

    assert len(complaints([IN, [row]], {0.5: TRUE}, listing)) == count
    assert len(complaints([[row]], {0.5: TRUE}, listing)) > 0
    if row[1] == "a@x.io":
        assert len(complaints([IN, [row]], {0.5: TRUE, 1.5: FALSE}, listing)) == 1


@pytest.mark.parametrize(("reach", "count"), [({1: ["b@x.io"]}, 0), ({1: ["a@x.io"]}, 1), ({}, 1)])
def test_who_is_out_of_reach_stays_true_when_their_audience_is_retired(
    reach: Mapping[int, Sequence[str]], count: int
) -> None:
    retired = Listing(orders=[(at(1), "retire", "vip")])

    assert len(complaints([IN, IN], {0.5: TRUE}, retired, reach=reach)) == count


@pytest.mark.parametrize(("user", "count"), [("u1", 0), ("u2", 1)])
def test_a_row_that_cannot_be_sent_names_its_user_whatever_the_reach(user: str, count: int) -> None:
    """They stay where they were, and may be told so again."""
    told = {0.5: TRUE, 1.5: TRUE}
    listing = Listing(skipped=[Skipped("VIP", user, "nobody")])
    listing.outcomes["a@x.io", "vip"] = [outcome(1)]

    found = complaints([IN, [(user, "nobody")]], told, listing, {0.5: "unknown"}, reach={1: ["a@x.io"]})

    assert len([complaint for complaint in found if "did not say" in complaint]) == count


def test_who_stayed_by_a_row_that_a_later_run_about_others_does_not_list_any_more() -> None:
    """The audience was paused, say: nobody has looked at it since."""
    said = [IN, [("u1", "")], OUT]

    assert complaints(said, {0.5: TRUE}, last=1) == []
    assert len(complaints(said, {0.5: TRUE}, last=2)) == 1
    assert len(complaints(said[:2], {0.5: TRUE})) == 1
    assert len(complaints([IN, [("u2", "")], OUT], {0.5: TRUE}, last=1)) == 1


@pytest.mark.parametrize(("paused", "last", "count"), [({"vip"}, 1, 0), ({None}, 1, 0), ({"x"}, 1, 1), ({"vip"}, 2, 1)])
def test_what_is_paused_since_is_listed_as_paused(paused: set[str | None], last: int, count: int) -> None:
    assert len(complaints([IN, OUT, OUT], {0.5: TRUE}, Listing(paused=paused), last=last)) == count


@pytest.mark.parametrize(("resumed", "last", "count"), [(True, 1, 0), (False, 1, 1), (True, 2, 1)])
def test_what_was_paused_waits_for_the_first_plan_after_that(resumed: bool, last: int, count: int) -> None:
    assert len(complaints([IN, OUT, OUT], {0.5: TRUE}, Listing(resumed=resumed), last=last)) == count
