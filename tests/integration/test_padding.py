"""Blanks around addresses: they are taken off all before the comparison, or looked up once more after it."""

from typing import Any

import pytest

from syncer import state
from syncer.planning import differences
from tests.world import CHURN, VIP, Row, World, members, told, truth

pytestmark = pytest.mark.usefixtures("unguarded")


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the statements of comparisons."""
    names: list[str] = []

    def noting(connection: Any, name: str, *values: Any, **placeholders: Any) -> Any:
        names.append(name)
        return state.execute(connection, name, *values, **placeholders)

    monkeypatch.setattr(differences, "execute", noting)
    return names


@pytest.mark.parametrize("share", [pytest.param(0, id="taken off all"), pytest.param(1, id="looked up once more")])
def test_blanks_make_no_other_contact(world: World, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    monkeypatch.setattr(differences, "MANY_PADDED", share)
    first: list[Row] = [
        (VIP, "u1", " A@x.io"),
        (VIP, "u1", "a@X.io\t"),  # the same address
        (VIP, "u2", "b@x.io\r\n"),
        (VIP, "u2", "\xa0b2@x.io"),  # a user with two
        (VIP, "u3", " c@x.io "),
        (VIP, "u4", "d@x.io"),
        (CHURN, "u1", "a@x.io "),
    ]
    world.warehouse.replace(first)
    world.sync()
    assert world.believed() == truth(first)

    then: list[Row] = [
        (VIP, "u1", "a@x.io"),
        (VIP, "u2", " b2@x.io "),
        (VIP, "u5", " c@x.io"),  # another user's
        (VIP, "u4", "\td@x.io"),
        (VIP, "u6", " e@x.io"),
        (CHURN, "u1", " a@x.io"),
    ]
    before = world.receiver.event_count
    world.warehouse.replace(then)
    world.sync()
    assert set(told(world, before)) == {("b@x.io", "vip_buyers", False), ("e@x.io", "vip_buyers", True)} | {
        ("b2@x.io", "vip_buyers", True)  # it is the same user on Segment
    }
    assert world.verify().differences == 0

    before = world.receiver.event_count
    world.resync()
    again = [(contact, "vip_buyers", True) for contact in ("a@x.io", "b2@x.io", "c@x.io", "d@x.io", "e@x.io")]
    assert sorted(told(world, before)) == sorted(
        [*again, ("a@x.io", "churn_risk", True), ("b@x.io", "vip_buyers", False)]
    )
    assert world.verify().differences == 0


@pytest.mark.parametrize(("padded", "looked_up"), [(0, False), (1, True), (20, False)])
def test_only_a_few_addresses_with_blanks_are_looked_up_once_more(
    world: World, executed: list[str], padded: int, looked_up: bool
) -> None:
    rows = members(40)
    rows[:padded] = [(audience, user, f" {email}\t") for audience, user, email in rows[:padded]]
    world.warehouse.replace(rows)
    world.sync()
    world.sync()

    assert ("match_padded" in executed) == looked_up
    assert world.believed() == truth(rows)
