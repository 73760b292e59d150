"""Which property an audience has, which names are refused, and who owns a property that several want."""

from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from syncer import naming
from syncer.models import Audience, ConfiguredAudience, KnownAudience


@pytest.mark.parametrize(
    ("name", "property_name"),
    [
        ("Order completed last 30days", "order_completed_last_30days"),
        ("High-Value (US)", "high_value_us"),
        ("Q4 2025: Churn Risk %", "q4_2025_churn_risk"),
        ("VIP Buyers", "vip_buyers"),
        ("2FA Enabled", "2fa_enabled"),
        ("Last 30Days", "last_30days"),
        ("iOS Users", "ios_users"),
        ("Café Lovers", "cafe_lovers"),
        ("HighValueUsers", "high_value_users"),
        ("VIPBuyers", "vip_buyers"),
        ("iOS", "ios"),
        ("VIPs", "vips"),
        ("__a--b__c ", "a_b_c"),
        ("CaféLovers", "cafe_lovers"),
        ("high_value_us", "high_value_us"),
        ("eCommerceBuyers", "ecommercebuyers"),
        ("Top10Buyers", "top10buyers"),
        ("顧客", ""),
        ("  ", ""),
    ],
)
def test_property_of_a_name(name: str, property_name: str) -> None:
    assert naming.property_of(name) == property_name


@given(st.text())
def test_property_always_matches_the_pattern_or_is_empty(name: str) -> None:
    property_name = naming.property_of(name)

    assert property_name == "" or naming.PATTERN.fullmatch(property_name)
    assert naming.property_of(property_name) == property_name


@pytest.mark.parametrize(
    "name", ["email", "Created At", "First Name", "company", "State", "user id", "Context IP", "ID"]
)
def test_reserved_names_are_refused_with_the_way_out(name: str) -> None:
    problem = naming.name_problem(name)

    assert problem is not None
    assert 'set property = "…"' in problem


@pytest.mark.parametrize(
    ("name", "override", "fine"),
    [
        ("x" * 255, None, True),
        ("x" * 256, None, False),
        ("!" * 500 + "a", None, False),
        ("顧客", "customers", True),
        ("VIP", "Not-Snake", False),
        ("VIP", "a__b", False),
        ("VIP", "", False),
    ],
)
def test_limits_of_names_and_properties(name: str, override: str | None, fine: bool) -> None:
    assert (naming.name_problem(name, override) is None) == fine


def configured(*audiences: tuple[str, str | None]) -> list[ConfiguredAudience]:
    return [ConfiguredAudience(f"audiences[{n}]", name, prop) for n, (name, prop) in enumerate(audiences)]


def test_configuration_problems_names_both_places_of_a_collision() -> None:
    problems = naming.configuration_problems(configured(("VIP Buyers", None), ("Old VIPs", "vip_buyers")))

    assert [problem.path for problem in problems] == ["audiences[1].property"]
    assert "'VIP Buyers' (audiences[0])" in problems[0].message


def test_configuration_problems_refuses_another_property_than_the_pinned_one() -> None:
    known = [KnownAudience(1, "VIP Buyers", "vip_buyers", pinned=True)]

    problems = naming.configuration_problems(configured(("VIP Buyers", "vips"), ("Other", None)), known)

    assert [problem.path for problem in problems] == ["audiences[0].property"]
    assert naming.configuration_problems(configured(("VIP Buyers", "vip_buyers")), known) == []


def resolved(*arguments: object) -> dict[str, Audience]:
    return {audience.name: audience for audience in naming.resolve(*arguments)}  # type: ignore[arg-type]


def test_resolve_finds_an_audience_by_name_else_by_property() -> None:
    known = [KnownAudience(1, "VIP Buyers", "vip_buyers", pinned=True), KnownAudience(2, "Gone", "gone", pinned=True)]

    audiences = resolved([], ["vip-buyers", "New one"], known)

    assert audiences["vip-buyers"] == Audience("vip-buyers", "vip_buyers", audience_id=1)
    assert audiences["New one"] == Audience("New one", "new_one")
    assert audiences["Gone"] == Audience("Gone", "gone", audience_id=2)
    assert "VIP Buyers" not in audiences


def test_resolve_keeps_the_pinned_property_of_a_name() -> None:
    known = [KnownAudience(1, "VIP Buyers", "adopted_key", pinned=True)]

    assert resolved([], ["VIP Buyers"], known)["VIP Buyers"].property == "adopted_key"


def test_resolve_lets_an_unpinned_property_be_changed() -> None:
    known = [KnownAudience(1, "VIP Buyers", "vip_buyers", pinned=False)]

    audience = resolved(configured(("VIP Buyers", "vips")), ["VIP Buyers"], known)["VIP Buyers"]

    assert (audience.property, audience.audience_id) == ("vips", 1)


@pytest.mark.parametrize(
    ("known_owner", "in_configuration", "winner"),
    [("VIP Buyers", None, "VIP Buyers"), (None, "vip buyers", "vip buyers"), (None, None, None)],
)
def test_resolve_gives_a_property_to_its_owner_then_to_the_configured(
    known_owner: str | None, in_configuration: str | None, winner: str | None
) -> None:
    known = [KnownAudience(1, known_owner, "vip_buyers", pinned=True)] if known_owner else []
    given_names = configured((in_configuration, None)) if in_configuration else []

    audiences = resolved(given_names, ["VIP Buyers", "vip buyers", "VIP-Buyers"], known)

    assert [name for name, audience in audiences.items() if audience.problem is None] == ([winner] if winner else [])
    assert all("vip_buyers" in audience.problem for audience in audiences.values() if audience.problem)


def test_resolve_does_not_give_away_the_property_of_a_vanished_audience_to_one_with_a_history() -> None:
    known = [KnownAudience(1, "Old", "shared", pinned=True), KnownAudience(2, "New", "new", pinned=False)]

    audiences = resolved(configured(("New", "shared")), ["New"], known)

    assert "belongs to 'Old'" in str(audiences["New"].problem)


some_names = st.sampled_from(["aaa", "Aaa", "bbb", "Bbb", "ccc", "!!!", "email"])
some_properties = st.sampled_from(["aaa", "bbb", "ccc", "ddd"])
known_audiences = st.lists(
    st.tuples(some_names, some_properties, st.booleans()),
    max_size=3,
    unique_by=(lambda known: known[0], lambda known: known[1]),
)


@settings(max_examples=500)
@given(
    st.lists(st.tuples(some_names, st.none() | some_properties), max_size=4, unique_by=lambda pair: pair[0]),
    st.lists(some_names, max_size=5, unique=True),
    known_audiences,
)
def test_resolve_never_gives_one_property_or_one_history_to_two(
    given_names: list[tuple[str, str | None]], row_names: list[str], table: list[tuple[str, str, bool]]
) -> None:
    known = [KnownAudience(number, name, prop, pinned=pinned) for number, (name, prop, pinned) in enumerate(table, 1)]
    assume(not naming.configuration_problems(configured(*given_names), known))

    audiences = naming.resolve(configured(*given_names), row_names, known)

    fine = [audience for audience in audiences if audience.problem is None]
    assert len({audience.name for audience in audiences}) == len(audiences)
    assert {*row_names, *(name for name, _ in given_names)} <= {audience.name for audience in audiences}
    # As the state's table will hold them: every name, property and history once, and what is pinned stays.
    held: dict[int | str, tuple[str, str | None]] = {one.audience_id: (one.name, one.property) for one in known}
    held |= {one.audience_id or one.name: (one.name, one.property) for one in fine}
    assert len({one.audience_id or one.name for one in fine}) == len(fine)
    assert len({name for name, _ in held.values()}) == len(held)
    assert len({prop for _, prop in held.values()}) == len(held)
    assert all(held[one.audience_id][1] == one.property for one in known if one.pinned)


def test_resolve_leaves_an_audience_alone_that_came_back_under_two_names() -> None:
    known = [KnownAudience(1, "VIP Buyers", "vip_buyers", pinned=True)]

    audiences = resolved([], ["vip buyers", "VIP-Buyers"], known)

    assert {name: audience.problem is None for name, audience in audiences.items()} == {
        "VIP-Buyers": False,
        "vip buyers": False,
    }


class Counted(list[KnownAudience]):
    """Counts how many audiences are looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[KnownAudience]:
        for each in super().__iter__():
            self.looked_at += 1
            yield each


def test_resolve_looks_at_each_known_audience_a_few_times_however_many_there_are() -> None:
    known = Counted(KnownAudience(n, f"Audience {n}", f"audience_{n}", pinned=True) for n in range(500))

    audiences = naming.resolve([], [f"Audience {n}" for n in range(500)], known)

    assert {audience.audience_id for audience in audiences} == set(range(500))
    assert known.looked_at <= 10 * len(known)
