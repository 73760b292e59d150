"""Plans at the edges of the contract: names over several runs, unsendable text, moves in chains, parts, scope."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.acceptance.worlds import FileWrite
from tests.world import CHURN, VIP, Row, World, truth

pytestmark = pytest.mark.usefixtures("unguarded")

Call = tuple[str, str, dict[str, Any]]
"""user id, contact, properties"""


def after(world: World, *snapshots: list[Row], audiences: Sequence[str] = ()) -> list[Call]:
    """Syncs the snapshots one after the other, of the last perhaps only some audiences; returns its calls."""
    events = 0
    for number, snapshot in enumerate(snapshots, 1):
        world.warehouse.replace(snapshot)
        events = len(world.receiver.events)
        report = world.sync(audiences=audiences if number == len(snapshots) else ()).report
        assert report.status == "succeeded", report
    calls = []
    for received in world.receiver.events[events:]:
        traits = dict(received.event["traits"])
        calls.append((received.event["userId"], traits.pop("email"), traits))
    return calls


def configured(*audiences: tuple[str, str]) -> str:
    return "\n".join(f'[[audiences]]\nname = "{name}"\nproperty = "{prop}"' for name, prop in audiences)


# --- names (rule 2) ----------------------------------------------------------------------------------------------


def test_a_property_that_another_audience_gave_up_before_it_was_sent_is_free(world: World) -> None:
    world.extra = configured(("Old", "shared"))
    world.warehouse.replace([("Old", "u1", None)])
    world.sync()

    world.extra = configured(("Old", "old"), ("New", "shared"))
    world.warehouse.replace([("Old", "u1", "a@x.io"), ("New", "u2", "b@x.io")])
    statuses = [world.sync().report.status, world.sync().report.status]

    assert "failed" not in statuses
    assert world.believed() == {("a@x.io", "old"), ("b@x.io", "shared")}


def test_two_spellings_of_an_audience_that_is_synced_are_no_exits(world: World) -> None:
    rows: list[Row] = [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io")]
    world.warehouse.replace(rows)
    world.sync()
    world.warehouse.replace([("vip buyers", "u1", "a@x.io"), ("VIP-Buyers", "u2", "b@x.io")])

    report = world.sync().report

    assert report.status == "incomplete"
    assert world.believed() == truth(rows)

    world.warehouse.replace([("vip buyers", "u1", "a@x.io")])
    assert world.sync().report.status == "succeeded"
    assert world.believed() == {("a@x.io", "vip_buyers")}


def test_a_configured_property_is_sent_and_pinned(world: World) -> None:
    world.extra = configured((VIP, "adopted_key"))
    first = after(world, [(VIP, "u1", "a@x.io")])
    world.extra = ""

    second = after(world, [(VIP, "u2", "b@x.io")])

    assert first == [("u1", "a@x.io", {"adopted_key": True})]
    assert second == [("u1", "a@x.io", {"adopted_key": False}), ("u2", "b@x.io", {"adopted_key": True})]


# --- contacts (rules 8 to 11, 13) --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((VIP, "u1\0", "a@x.io"), id="the contact is named"),
        pytest.param((VIP, "u1", "a@x.io\0"), id="the user is named"),
        pytest.param((VIP, "other\0", " A@X.io"), id="the contact is named in other letters"),
    ],
)
def test_unsendable_text_is_no_exit_of_whom_it_still_names(
    state: State, receiver: SegmentReceiver, tmp_path: Path, row: Row
) -> None:
    file = tmp_path / "warehouse.db"
    warehouse = FileWrite(f"sqlite:///{file}", lambda: sqlite3.connect(file))
    world = World(tmp_path, warehouse, state.url, receiver)

    assert after(world, [(VIP, "u1", "a@x.io")], [row]) == []
    assert world.query("SELECT reason FROM skipped_members") == [("unsendable_text",)]
    assert after(world, [(VIP, "u2", "b@x.io")]) == [
        ("u1", "a@x.io", {"vip_buyers": False}),
        ("u2", "b@x.io", {"vip_buyers": True}),
    ]


@pytest.mark.parametrize(
    ("snapshots", "calls"),
    [
        pytest.param(
            [[(VIP, "u1", "a@x.io")], [(VIP, "u1", "b@x.io")], [(VIP, "u1", "a@x.io")]],
            [("u1", "b@x.io", {"vip_buyers": False}), ("u1", "a@x.io", {"vip_buyers": True})],
            id="there and back again",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io"), (CHURN, "u1", "a@x.io")], [(VIP, "u1", "b@x.io"), (CHURN, "u1", "b@x.io")]],
            [
                ("u1", "a@x.io", {"vip_buyers": False, "churn_risk": False}),
                ("u1", "b@x.io", {"vip_buyers": True, "churn_risk": True}),
            ],
            id="all of a user's audiences move together",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io"), (VIP, "u2", "a@x.io")], [(VIP, "u1", "b@x.io"), (VIP, "u2", "a@x.io")]],
            [("u1", "b@x.io", {"vip_buyers": True})],
            id="one of two leaves a shared address for a new one",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io"), (CHURN, "u2", "a@x.io")], [(CHURN, "u2", "a@x.io")]],
            [("u2", "a@x.io", {"vip_buyers": False})],
            id="a false names a user who is still there",
        ),
        pytest.param(
            [
                [(VIP, "u1", "a@x.io"), (CHURN, "u2", "a@x.io"), (VIP, "u2", "b@x.io")],
                [(CHURN, "u2", "a@x.io"), (VIP, "u2", "b@x.io")],
            ],
            [("u2", "a@x.io", {"vip_buyers": False}), ("u2", "b@x.io", {"vip_buyers": True})],
            id="a false that names a user who has it elsewhere is followed there",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io"), (VIP, "u1", "b@x.io")], [(VIP, "u1", "c@x.io")]],
            [
                ("u1", "a@x.io", {"vip_buyers": False}),
                ("u1", "b@x.io", {"vip_buyers": False}),
                ("u1", "c@x.io", {"vip_buyers": True}),
            ],
            id="two addresses become one",
        ),
        pytest.param(
            [
                [(VIP, "u1", "a@x.io"), (VIP, "u2", "b@x.io"), (VIP, "u3", "c@x.io")],
                [(VIP, "u1", "b@x.io"), (VIP, "u2", "c@x.io"), (VIP, "u3", "d@x.io")],
            ],
            [
                ("u1", "a@x.io", {"vip_buyers": False}),
                ("u3", "d@x.io", {"vip_buyers": True}),
                ("u1", "b@x.io", {"vip_buyers": True}),
            ],
            id="a chain of moves",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io")], [(VIP, "u1", None)], []],
            [("u1", "a@x.io", {"vip_buyers": False})],
            id="skipped, then gone",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io")], [(VIP, "u1", None)], [(VIP, "u1", "b@x.io")]],
            [("u1", "a@x.io", {"vip_buyers": False}), ("u1", "b@x.io", {"vip_buyers": True})],
            id="skipped, then back with another address",
        ),
        pytest.param(
            [[(VIP, "u1", "a@x.io")], [(VIP, None, "a@x.io"), (VIP, "u2", "a@x.io")], [(VIP, "u2", "a@x.io")]],
            [],
            id="a user that a skipped row hid leaves a shared contact",
        ),
    ],
)
def test_moves_are_told_to_each_contact_once_and_in_order(
    world_in_one_database: World, snapshots: list[list[Row]], calls: list[Call]
) -> None:
    assert after(world_in_one_database, *snapshots) == calls
    assert after(world_in_one_database, snapshots[-1]) == []
    assert world_in_one_database.believed() == truth(snapshots[-1])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([(VIP, "u1", "a@x.io")], [], id="leaves"),
        pytest.param([(VIP, "u1", "a@x.io")], [(VIP, "u1", "b@x.io")], id="moves"),
        pytest.param([], [(VIP, "u1", "a@x.io")], id="enters"),
    ],
)
def test_a_run_about_one_audience_leaves_the_others_as_they_are(
    world: World, first: list[Row], second: list[Row]
) -> None:
    calls = after(world, [*first, (CHURN, "u2", "a@x.io")], second, audiences=[CHURN])

    assert [(contact, properties) for _, contact, properties in calls] == [("a@x.io", {"churn_risk": False})]
    assert world.believed() == truth(first)
    world.sync()
    assert world.believed() == truth(second)


# --- parts (rule 5) ----------------------------------------------------------------------------------------------


def audiences(count: int, *, long: bool, first: str) -> list[Row]:
    """Audiences of one contact; `first` sorts them."""
    name = f"{first} {'long name ' * 23}" if long else first
    return [(f"{name}{number:04d}", "u1", "a@x.io") for number in range(count)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(audiences(251, long=False, first="a"), id="one too many"),
        pytest.param(audiences(85, long=True, first="a"), id="few, and a little too long"),
        pytest.param([(f"{'x' * 67}{number:04d}", "u1", "a@x.io") for number in range(300)], id="both full at once"),
        pytest.param(
            audiences(85, long=True, first="a") + audiences(500, long=False, first="b"), id="long, then short"
        ),
        pytest.param(
            audiences(1250, long=False, first="a") + audiences(250, long=True, first="b"), id="short, then long"
        ),
    ],
)
def test_parts_stay_within_both_limits_and_add_up(world_in_one_database: World, rows: list[Row]) -> None:
    world = world_in_one_database
    world.warehouse.replace(rows)

    report = world.sync().report

    assert report.status == "succeeded"
    assert world.believed() == truth(rows)
    told = [received.event["traits"].keys() - {"email"} for received in world.receiver.events]
    sizes = [len(names) for names in told]
    assert max(sizes) <= 250
    weights = [[len(name) + len('"":false,') for name in names] for names in told]
    assert max(map(sum, weights)) <= 20_000 + max(map(max, weights))  # and the name that passes the limit
    assert (report.destinations[0].planned, report.calls_saved) == (len(sizes), len(rows) - len(sizes))
