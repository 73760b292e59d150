"""Webhooks whose answers say who was refused, or only that somebody was (rule 18)."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from syncer import sync
from syncer.receivers.loopback import EVERYTHING, Answer
from tests.webhook_receiver import WebhookReceiver
from tests.world import World, members, truth

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
