"""A call for every audience, as Segment Engage makes them (`calls = "per_audience"`)."""

from typing import Any

import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.receivers.segment_rules import membership
from tests.webhook_receiver import WebhookReceiver
from tests.world import CHURN, VIP, World, members, truth

pytestmark = pytest.mark.usefixtures("unguarded")


@pytest.fixture
def apart(world: World) -> World:
    world.destination_extra += '\ncalls = "per_audience"'
    return world


def recognised(world: World, since: int = 0) -> list[tuple[str, str, bool | None]]:
    """(email, key, membership) as a destination for audiences reads each call."""
    found = []
    for received in world.receiver.events[since:]:
        personas = received.event["context"]["personas"]
        values = received.event["traits" if received.event["type"] == "identify" else "properties"]
        email = (received.event.get("traits") or received.event["context"]["traits"])["email"]
        found.append((email, personas["computation_key"], membership(personas, values)))
    return sorted(found)


def test_every_membership_is_recognised(apart: World) -> None:
    apart.warehouse.replace(members(2, VIP, CHURN))
    report = apart.sync().report

    assert recognised(apart) == [
        (f"u{n:04d}@x.io", key, True) for n in range(2) for key in ("churn_risk", "vip_buyers")
    ]
    assert (report.destinations[0].planned, report.calls_saved) == (4, 0)
    since = len(apart.receiver.events)
    apart.warehouse.replace(members(2, VIP, CHURN)[:1])

    assert apart.sync().report.destinations[0].succeeded == 3
    assert recognised(apart, since) == [
        ("u0000@x.io", "churn_risk", False),
        ("u0001@x.io", "churn_risk", False),
        ("u0001@x.io", "vip_buyers", False),
    ]
    assert apart.believed() == truth(members(2, VIP, CHURN)[:1])
    assert apart.verify().differences == 0


def test_a_list_of_the_destinations_own_is_named_by_its_id_and_settings(apart: World) -> None:
    listed = 'external_audience_id = "2385", audience_settings = { a = 1 }'
    apart.destination_extra += f"\ntrack = {{ initial = true }}\nlists = {{ vip_buyers = {{ {listed} }} }}"
    apart.warehouse.replace(members(1, VIP, CHURN))
    apart.sync()

    said = {
        (received.event["type"], block["computation_key"]): (
            block.get("external_audience_id"),
            block.get("audience_settings"),
        )
        for received in apart.receiver.events
        for block in [received.event["context"]["personas"]]
    }
    assert said == {
        (kind, key): block
        for kind in ("identify", "track")
        for key, block in (("vip_buyers", ("2385", {"a": 1})), ("churn_risk", (None, None)))
    }


def test_the_ids_of_an_audience_stay_and_are_no_others(apart: World) -> None:
    apart.warehouse.replace(members(1, VIP, CHURN))
    apart.sync()
    apart.resync()

    blocks = [received.event["context"]["personas"] for received in apart.receiver.events]
    assert len(blocks) == 4
    assert len({block["computation_id"] for block in blocks}) == 2
    assert len({block["computation_key"] for block in blocks}) == 2
    assert len({(block["namespace"], block["space_id"]) for block in blocks}) == 1
    ids = {received.event["messageId"] for received in apart.receiver.events}
    assert len(ids) == 4


def test_a_lost_answer_concerns_its_audience_only(apart: World) -> None:
    apart.warehouse.replace(members(3, VIP, CHURN))
    apart.receiver.script = lambda _: Reset(apply=EVERYTHING)
    assert sync.exit_code(apart.sync()) == 6
    apart.receiver.script = None
    apart.warehouse.replace(members(2, VIP, CHURN))

    assert sync.exit_code(apart.sync()) == 0

    assert apart.believed() == truth(members(2, VIP, CHURN))
    assert apart.sync().report.destinations[0].planned == 0


def test_a_retry_has_the_same_message_ids(apart: World) -> None:
    attempts: list[set[str]] = []

    def lose_the_first(request: Any) -> Reset | None:
        attempts.append({event["messageId"] for event in request.events})
        return Reset(apply=EVERYTHING) if len(attempts) == 1 else None

    apart.warehouse.replace(members(3, VIP, CHURN))
    apart.receiver.script = lose_the_first

    assert sync.exit_code(apart.sync()) == 0

    first, one, others = attempts  # the last attempt is one call by itself, and then the others
    assert first == one | others
    assert (len(first), len(one)) == (6, 1)
    assert apart.receiver.duplicates == 6
    assert apart.believed() == truth(members(3, VIP, CHURN))


def test_a_full_resync_tells_who_left_too(apart: World) -> None:
    apart.warehouse.replace(members(2, VIP, CHURN))
    apart.sync()
    apart.warehouse.replace(members(1, VIP, CHURN))
    apart.sync()
    since = len(apart.receiver.events)

    report = apart.resync().report

    assert recognised(apart, since) == [
        (f"u{n:04d}@x.io", key, n == 0) for n in range(2) for key in ("churn_risk", "vip_buyers")
    ]
    assert report.calls_saved == 0
    assert apart.verify().differences == 0


def test_a_webhook_is_told_what_a_call_is_about(world: World) -> None:
    items: list[dict[str, Any]] = []
    with WebhookReceiver(arrays=False, token="t") as receiver:
        receiver.script = lambda received: items.extend(received)
        world.destination_extra = (
            f'[[destinations]]\nname = "hook"\ntype = "webhook"\nurl = "{receiver.url}"\ncalls = "per_audience"\n'
            'headers = { Authorization = "Bearer t" }'
        )
        world.warehouse.replace(members(1, VIP, CHURN))
        world.warehouse.run("CREATE TABLE ltv AS SELECT DISTINCT user_id, email, 5 AS value FROM members")
        world.extra = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"'
        assert sync.exit_code(world.sync()) == 0
        assert receiver.violations == []

    told = {(item.get("audience"), item.get("trait"), tuple(sorted(item["traits"]))) for item in items}
    assert told == {
        ("vip_buyers", None, ("email", "vip_buyers")),
        ("churn_risk", None, ("churn_risk", "email")),
        (None, "lifetime_value", ("email", "lifetime_value")),
    }
    assert len({item["messageId"] for item in items}) == 3


def test_a_refused_contact_does_not_take_others_along(apart: World) -> None:
    def refuse(request: Any) -> Answer | None:
        return Answer(400, apply=0) if any(e["traits"]["email"] == "u0001@x.io" for e in request.events) else None

    apart.warehouse.replace(members(4, VIP, CHURN))
    apart.receiver.script = refuse

    assert sync.exit_code(apart.sync()) == 8
    assert apart.believed() == truth(row for row in members(4, VIP, CHURN) if row[1] != "u0001")
    apart.receiver.script = None
    assert sync.exit_code(apart.sync()) == 0
    assert apart.believed() == truth(members(4, VIP, CHURN))


def test_computed_traits_and_events_say_what_they_are(apart: World) -> None:
    apart.destination_extra += "\ntrack = true"
    apart.warehouse.replace(members(1, VIP, CHURN))
    apart.warehouse.run("CREATE TABLE ltv AS SELECT DISTINCT user_id, email, 5 AS value FROM members")
    apart.extra = '[[computed_traits]]\nname = "Lifetime value"\nquery = "SELECT * FROM ltv"'
    apart.sync()
    apart.warehouse.replace([])
    apart.sync()

    blocks = {
        (received.event["type"], received.event["context"]["personas"]["computation_class"])
        for received in apart.receiver.events
    }
    assert blocks == {("identify", "audience"), ("identify", "trait"), ("track", "audience")}
    assert [each for each in recognised(apart) if each[1] == "lifetime_value"] == [
        ("u0000@x.io", "lifetime_value", None)
    ]


@pytest.mark.parametrize(
    ("personas", "value", "said"),
    [
        ({"computation_class": "audience", "computation_key": "vip"}, True, True),
        ({"computation_class": "journey_step", "computation_key": "vip"}, False, False),
        ({"computation_class": "trait", "computation_key": "vip"}, True, None),
        ({"computation_class": "audience", "computation_key": ""}, True, None),
        ({"computation_class": "audience", "computation_key": "vip"}, "true", None),
        ({"computation_class": "audience", "computation_key": "vip"}, 1, None),
        ({"computation_class": "audience", "computation_key": "vip"}, None, None),
        (None, True, None),
    ],
)
def test_what_a_destination_for_audiences_recognises(personas: object, value: object, said: bool | None) -> None:
    assert membership(personas, {"vip": value}) is said


def test_a_contact_may_be_in_more_audiences_than_a_small_number_counts(apart: World) -> None:
    apart.warehouse.run(
        "INSERT INTO members SELECT 'Audience ' || n, 'u1', 'a@x.io' FROM generate_series(1, 32769) AS n"
    )

    calls = apart.preview().destinations[0].planned

    assert calls == 32_769
