"""Requests by templates, from the warehouse to a strict receiver: as they are previewed."""

import json
from collections.abc import Iterator

import pytest

from tests.list_receiver import ListReceiver
from tests.world import VIP, World, members, truth

TOKEN = "t0ken-of-the-lists"
NASTY = [
    (VIP, 'quote " back \\ slash', "quote\"'@x.io"),
    (VIP, "{{ secrets.key }}\u202e\x01", "a+b%20&=?#@x.io"),
    (VIP, '"\\' * 120, "long@x.io"),
]


@pytest.fixture
def lists(world: World) -> Iterator[ListReceiver]:
    """A second destination: the lists, whose key belongs into the body."""
    with ListReceiver(TOKEN) as receiver:
        world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "lists"
type = "webhook"
url = "{receiver.url}"
headers = {{ Authorization = "Bearer {TOKEN}" }}
secrets = {{ key = "k3y-of-the-lists" }}
batch = 10
max_bytes = 1000
accept = {{ pointer = "/ok", errors = "/rejected", index = "/row", message = "/why" }}
[destinations.templates.changed]
path = "/people"
body = '''{{"id": {{{{ message_id }}}}, "run": {{{{ run }}}},
  "email": {{{{ email }}}}, "vip_buyers": {{{{ properties.vip_buyers }}}}, "user": "is {{{{ user_id }}}}"}}'''
envelope = '''{{"key": {{{{ secrets.key }}}}, "people": {{{{ items }}}}}}'''
"""
        yield receiver
        assert receiver.violations == []


def test_what_is_previewed_is_what_comes_whatever_the_values_are(world: World, lists: ListReceiver) -> None:
    rows = [*members(3), *NASTY]
    world.warehouse.replace(rows)

    sample = world.command("check", "--request", "VIP Buyers")
    planned = world.command("plan", "--request", "long@x.io", "--json")
    world.sync()

    assert f"POST {lists.url.removesuffix('/api')}/…/people" in sample.stderr
    assert "Authorization: ***" in sample.stderr
    assert "k3y" not in sample.stdout + sample.stderr + planned.stdout + planned.stderr
    [body] = [json.loads(line) for line in sample.stdout.splitlines() if '"people"' in line]
    assert [person["user"] for person in body["people"]] == ["is u-1", "is u-1"]
    [previewed] = [line for line in map(json.loads, planned.stdout.splitlines()) if "request" in line]
    assert previewed["destination"] == "lists"
    assert previewed["head"][0].startswith("POST ")
    told = {person["email"]: person for person in lists.people}
    assert told["long@x.io"]["run"] == 1
    assert told["long@x.io"] | {"id": 0, "run": 0} == previewed["request"]["people"][0] | {"id": 0}
    assert {person["user"].removeprefix("is ") for person in told.values()} == {user for _, user, _ in rows}
    assert {(email, "vip_buyers") for email in lists.belief} == truth(rows)
    assert all(size <= 1000 for size in lists.sizes)


def test_who_cannot_be_written_is_refused_and_the_others_are_told(world: World, lists: ListReceiver) -> None:
    world.warehouse.replace([*members(3), (VIP, '"\\' * 250, "long@x.io")])

    report = world.sync().report.destinations[0]

    assert (report.succeeded, report.failed) == (3, 1)
    [(contact, reason)] = world.query("SELECT contact, reason FROM refused_contacts")
    assert contact == "long@x.io"
    assert reason.endswith("bytes as a request, and max_bytes is 1,000")
