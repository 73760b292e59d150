"""Webhooks whose answers say who was refused, or only that somebody was (rule 18)."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Answer
from tests.webhook_receiver import WebhookReceiver
from tests.world import CHURN, World, members, truth

BAD = "u0007@x.io"
TOKEN = "t0ken-of-the-hook"


@pytest.fixture
def hook(world: World) -> Iterator[WebhookReceiver]:
    with WebhookReceiver(arrays=True, token=TOKEN) as receiver:
        world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "hook"
type = "webhook"
url = "{receiver.url}"
batch = 10
headers = {{ Authorization = "Bearer {TOKEN}" }}
"""
        world.warehouse.replace(members(25))
        yield receiver
        assert receiver.violations == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
@pytest.mark.parametrize("message", [None, 422, "Köln"])
def test_a_contact_in_the_list_of_errors_is_refused_whatever_the_list_says(
    world: World, hook: WebhookReceiver, named: bool, message: object
) -> None:
    def answer(items: Sequence[dict[str, Any]]) -> Answer | None:
        for item in items:
            if item["traits"]["email"] == BAD:
                entry = {"messageId": item["messageId"]} if named else {}
                body = msgspec.json.encode({"errors": [{**entry, "message": message}]})
                return Answer(200, body=body.decode().encode("latin-1"), apply=EVERYTHING if named else 0)
        return None

    hook.script, hook.refuses[BAD] = answer, "it does not keep it"

    assert sync.exit_code(world.sync()) == 8

    assert world.query("SELECT contact, http_status FROM refused_contacts") == [(BAD, 200)]
    others = truth(row for row in members(25) if row[2] != BAD)
    assert {(email, "vip_buyers") for email in hook.belief} == others
    assert {(contact, "vip_buyers") for (contact,) in world.query("SELECT contact FROM synced_member")} == others


@pytest.mark.not_audited("the auditor knows no hashes, and no names but those of audiences")
def test_fields_are_shaped_on_the_way_out_and_nowhere_else(world: World, hook: WebhookReceiver) -> None:
    world.extra = "[[computed_traits]]\nname = 'Tier'\nquery = \"SELECT user_id, email, 'Gold' AS value FROM members\""
    world.destination_extra += 'hash = { email = "sha256", tier = "sha256" }\nrename = { tier = "churn_risk" }\n'
    world.warehouse.replace(members(2) + members(1, CHURN, first=1))
    email, tier = sha256(b"u0000@x.io").hexdigest(), sha256(b"gold").hexdigest()

    planned = world.command("plan", "--request", "u0000@x.io").stdout
    result = world.sync()

    assert sync.exit_code(result) == 8, "an audience is set aside"
    [(name, problem)] = [(each.name, each.problem or "") for each in result.report.audiences if each.problem]
    assert name == CHURN
    assert "its property `churn_risk` is what `rename` of 'hook' calls a field; choose another name there" in problem
    assert hook.belief[email] == {"vip_buyers": True, "churn_risk": tier}
    assert len(hook.belief) == 2
    assert email in planned
    assert tier in planned
    told = world.query("SELECT DISTINCT contact, property FROM sync_changelog WHERE contact = 'u0000@x.io'")
    assert set(told) == {("u0000@x.io", "vip_buyers"), ("u0000@x.io", "tier")}
    assert world.verify().differences == 0
    assert world.sync().report.destinations[-1].planned == 0
