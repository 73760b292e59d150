"""Receivers that forgot, invented and changed contacts: what they say, beside what they had accepted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from syncer.receivers.mailmodo import MailmodoReceiver
from tests.world import CHURN, World, members

KEY = "AAAAAAA-BBBBBBB"


@pytest.fixture
def mailmodo(world: World) -> Iterator[MailmodoReceiver]:
    """A second destination, which was told of twelve people, of whom two have left since."""
    with MailmodoReceiver(KEY) as receiver:
        world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "mailmodo"
type = "mailmodo"
api_key = "{KEY}"
list_name = "Audiences"
endpoint = "{receiver.url}"
max_requests_per_second = 0
"""
        world.warehouse.replace([*members(12), *members(3, CHURN)])
        world.sync()
        world.warehouse.replace([*members(10), *members(3, CHURN)])
        world.sync()
        yield receiver
        assert receiver.violations == []
        assert receiver.http.most_in_progress <= 1


def reconcile(world: World, *options: str, code: int = 9) -> Any:
    done = world.command("reconcile", "mailmodo", *options, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def kinds(found: Any) -> set[tuple[str, str, str]]:
    return {(each["contact"], each["property"], each["kind"]) for each in found["differences"]}


def test_nothing_differs_while_nothing_happened(world: World, mailmodo: MailmodoReceiver) -> None:
    told = mailmodo.told

    found = reconcile(world, "--all", code=0)

    assert (found["reconciliation"]["asked"], found["reconciliation"]["equal"]) == (12, 12)
    assert found["share"] is None
    assert mailmodo.told == told


def harm(mailmodo: MailmodoReceiver) -> set[tuple[str, str, str]]:
    """It forgets a contact that is in, one that is out, a true and a false; changes two; invents two. What is wrong."""
    belief = mailmodo.belief
    del belief["u0003@x.io"], belief["u0011@x.io"]
    del belief["u0004@x.io"]["vip_buyers"], belief["u0010@x.io"]["vip_buyers"]
    belief["u0005@x.io"]["vip_buyers"] = False
    belief["u0006@x.io"]["vip_buyers"] = "true"
    belief["u0007@x.io"]["churn_risk"] = True
    belief["u0008@x.io"]["another"] = True
    return {
        ("u0003@x.io", "vip_buyers", "missing"),
        ("u0004@x.io", "vip_buyers", "missing"),
        ("u0005@x.io", "vip_buyers", "stale"),
        ("u0006@x.io", "vip_buyers", "stale"),
        ("u0007@x.io", "churn_risk", "untold"),
        ("u0010@x.io", "vip_buyers", "missing"),
    }


def test_what_it_forgot_invented_and_changed_is_listed_and_repaired(world: World, mailmodo: MailmodoReceiver) -> None:
    wrong = harm(mailmodo)

    found = reconcile(world, "--all", "--repair")

    assert kinds(found) == wrong
    standing = found["reconciliation"]
    assert (standing["asked"], standing["equal"], standing["differing"], standing["repaired"]) == (12, 6, 6, 6)
    assert {each["contact"] for each in found["differences"] if not each["knows_contact"]} == {"u0003@x.io"}
    told = mailmodo.told
    assert world.command("sync").returncode == 0
    assert mailmodo.told == told + 6
    assert world.command("verify").returncode == 0
    assert reconcile(world, "--all", code=0)["differences"] == []
    shown = world.query("SELECT repairs, asked, differing, repaired FROM reconciliations ORDER BY reconciliation_id")
    assert shown == [(True, 12, 6, 6), (False, 12, 0, 0)]
    [(arguments,)] = world.query("SELECT arguments FROM operator_actions WHERE arguments ->> 'repair' = 'true'")
    assert arguments == {"destination": "mailmodo", "audiences": [], "sample": "all", "repair": True}
