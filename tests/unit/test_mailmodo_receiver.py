"""The stand-in for Mailmodo: it must notice every broken rule, or the tests that lean on it prove nothing."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from syncer.receivers.loopback import EVERYTHING, Answer, Delay, Fault, Reset
from syncer.receivers.mailmodo import MailmodoReceiver, ReceivedCall

KEY = "AAAAAAA-BBBBBBB"
LIST = "Audiences"


@pytest.fixture
def receiver() -> Iterator[MailmodoReceiver]:
    with MailmodoReceiver(KEY, static_lists=["Segment"], refuses={"bad@x.io": "this address is on fire"}) as running:
        yield running


@pytest.fixture
def client(receiver: MailmodoReceiver) -> Iterator[httpx.Client]:
    headers = {"mmApiKey": KEY, "Accept": "application/json"}
    with httpx.Client(base_url=receiver.url, headers=headers, trust_env=False) as made:
        yield made


def contact(email: str = "ada@x.io", **data: object) -> dict[str, Any]:
    return {"email": email, "data": data or {"vip_buyers": True}}


def batch(client: httpx.Client, *contacts: object, list_name: object = LIST) -> httpx.Response:
    return client.post("/addToList/batch", json={"listName": list_name, "values": contacts})


def single(client: httpx.Client, one: dict[str, Any], list_name: str = LIST) -> httpx.Response:
    return client.post("/addToList", json={"listName": list_name, **one})


def test_what_it_believes_of_a_batch(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    first = batch(client, contact(), contact("bob@x.io", vip_buyers=False))
    batch(client, contact("ada@x.io", big_spender=True))
    assert (first.status_code, set(first.json())) == (200, {"message", "listId"})
    assert first.json()["message"] == "All contacts were added to the list"
    assert receiver.belief == {
        "ada@x.io": {"vip_buyers": True, "big_spender": True},
        "bob@x.io": {"vip_buyers": False},
    }
    assert receiver.lists[LIST].emails == {"ada@x.io", "bob@x.io"}
    assert receiver.lists[LIST].started == []
    assert [(r.status, r.events) for r in receiver.requests] == [(200, 2), (200, 1)]
    assert receiver.told == 3
    assert "mmapikey" not in receiver.requests[0].headers
    assert receiver.violations == []


def test_a_single_contact_starts_journeys_once(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    answers = [single(client, contact()) for _ in range(2)]
    expected = {"success": True, "message": "The contact is successfully added/updated"}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, expected)] * 2
    assert receiver.lists[LIST].started == ["ada@x.io"]
    assert receiver.belief == {"ada@x.io": {"vip_buyers": True}}
    assert receiver.violations == []


def test_its_lists(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    batch(client, contact())
    [listed] = client.get("/getAllContactLists").json()["listDetails"]
    assert (listed["name"], listed["contacts_count"]) == (LIST, 1)
    assert listed["id"] == receiver.lists[LIST].identifier


@pytest.mark.parametrize("add", [batch, single])
def test_a_list_of_another_name_comes_to_be(receiver: MailmodoReceiver, client: httpx.Client, add: Any) -> None:
    assert add(client, contact(), list_name="Audienses").status_code == 200
    assert set(receiver.lists) == {LIST, "Audienses"}
    assert receiver.violations == []


def test_whom_it_refuses_it_names(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    answer = batch(client, contact("bad@x.io"), contact(), contact("no-address"))
    assert answer.status_code == 207
    assert answer.json()["message"] == "Some contacts were not added to the list"
    assert answer.json()["errors"] == [
        {"email": "bad@x.io", "failure reason": "this address is on fire"},
        {"email": "no-address", "failure reason": 'email" is invalid. Enter a valid email!'},
    ]
    assert set(receiver.belief) == {"ada@x.io"}
    assert receiver.violations == []


@pytest.mark.parametrize("status", [400, 200])
def test_a_single_contact_that_is_refused(status: int) -> None:
    with MailmodoReceiver(KEY, refuses={"bad@x.io": "no"}, single_failure=status) as receiver:
        headers = {"mmApiKey": KEY, "Accept": "application/json"}
        body = {"listName": LIST, **contact("bad@x.io")}
        answer = httpx.post(f"{receiver.url}/addToList", json=body, headers=headers, trust_env=False)
    assert answer.status_code == status
    assert (answer.json()["success"], answer.json()["message"]) == (False, "no")
    assert receiver.belief == {}


def test_the_first_value_fixes_the_type(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    batch(client, contact("ada@x.io", vip_buyers=True, orders=3))
    answer = batch(client, contact("ada@x.io", vip_buyers=1), contact("bob@x.io", orders=3.5))
    assert [each["email"] for each in answer.json()["errors"]] == ["ada@x.io"]
    assert "vip_buyers property accept(s) values" in answer.json()["errors"][0]["failure reason"]
    assert receiver.belief == {"ada@x.io": {"vip_buyers": True, "orders": 3}, "bob@x.io": {"orders": 3.5}}


@pytest.mark.parametrize(
    ("broken", "status", "violation"),
    [
        (contact("ada@x.io", vip_buyers=None), 200, "vip_buyers is no boolean, number or text: None"),
        (contact("ada@x.io", vip_buyers=[True]), 200, "vip_buyers is no boolean, number or text: [True]"),
        (contact("ada@x.io", vip_buyers="True"), 200, "vip_buyers is the string 'True', not a boolean"),
        (contact("ada@x.io", company=True), 207, "company is a predefined field of another type"),
        (contact("ada@x.io", birthday=True), 207, "birthday is a predefined field of another type"),
        (contact(" Ada@x.io"), 200, "email that is not trimmed and lower-case: ' Ada@x.io'"),
        ({**contact(), "vip_buyers": True}, 200, "vip_buyers beside the email"),
    ],
)
def test_a_broken_contact(
    receiver: MailmodoReceiver, client: httpx.Client, broken: dict[str, Any], status: int, violation: str
) -> None:
    assert batch(client, broken).status_code == status
    assert receiver.violations == [f"request 1: {violation}"]


@pytest.mark.parametrize("value", [1_700_000_000, "2026-11-23T00:00:00Z"])
def test_a_predefined_date(receiver: MailmodoReceiver, client: httpx.Client, value: object) -> None:
    assert batch(client, contact("ada@x.io", birthday=value, first_name="Ada", age=36)).status_code == 200
    assert receiver.violations == []


def test_one_email_twice_refuses_the_whole_batch(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    answer = batch(client, contact(), contact("bob@x.io"), contact("ada@x.io", big_spender=True))
    message = "email should be unique in values. Found duplicates for 'ada@x.io'"
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert (receiver.belief, receiver.violations) == ({}, [f"request 1: {message}"])


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_of_another_size(receiver: MailmodoReceiver, client: httpx.Client, count: int) -> None:
    assert batch(client, *(contact(f"u{n}@x.io") for n in range(count))).status_code == 400
    assert receiver.violations == [f"request 1: a batch of {count}"]
    assert receiver.belief == {}


def test_a_static_segment_takes_nobody(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    answer = batch(client, contact(), list_name="Segment")
    assert (answer.status_code, answer.json()["message"]) == (400, "Cannot add users to static segmentation list")
    assert (receiver.belief, receiver.violations) == ({}, [])


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"{}", b'{"listName":"A"}', b'{"listName":"A","values":[{}]}', b'{"listName":1,"values":[]}'],
)
def test_a_body_that_is_no_call(receiver: MailmodoReceiver, client: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.post("/addToList/batch", content=body, headers=headers).status_code == 400
    assert len(receiver.violations) == 1
    assert "a body that is no call" in receiver.violations[0]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/addToList"), ("POST", "/getAllContactLists"), ("POST", "/nonsense")]
)
def test_an_unknown_call(receiver: MailmodoReceiver, client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "error", "message": "Some Internal Error Occurred: 404"}
    assert len(receiver.violations) == 1


def test_a_path_without_the_base_is_unknown(receiver: MailmodoReceiver) -> None:
    assert httpx.get(f"{receiver.http.url}/getAllContactLists", trust_env=False).status_code == 404


@pytest.mark.parametrize("headers", [{}, {"mmApiKey": "other"}, {"Authorization": KEY}])
def test_a_bad_key(receiver: MailmodoReceiver, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{receiver.url}/getAllContactLists", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert receiver.violations == ["request 1: missing or wrong key"]


def test_headers_and_the_key_in_the_body(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    body = {"listName": LIST, "values": [contact("ada@x.io", note=KEY)]}
    client.post("/addToList/batch", content=json.dumps(body), headers={"Accept": "*/*"})
    assert receiver.violations == [
        "request 1: accept is not application/json",
        "request 1: content-type is not application/json",
        "request 1: the key is in the body",
    ]


def test_calls_at_the_same_time(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    go_on = threading.Event()
    receiver.script = lambda _: None if go_on.wait(10) else Reset()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(batch, client, contact())
        assert receiver.wait_for(lambda: receiver.http.arrived == 1)
        assert batch(client, contact("bob@x.io")).status_code == 400
        go_on.set()
        assert slow.result(10).status_code == 200
    assert receiver.violations == ["request 2: 2 calls at once"]
    assert set(receiver.belief) == {"ada@x.io"}


# --- faults --------------------------------------------------------------------------------------------------


def test_the_script_sees_the_call(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    seen: list[ReceivedCall] = []

    def script(call: ReceivedCall) -> Fault | None:
        seen.append(call)
        return Answer(503) if call.attempt == 1 and call.contacts else Delay(0.01)

    receiver.script = script
    client.get("/getAllContactLists")
    assert [batch(client, contact()).status_code for _ in range(2)] == [503, 200]
    assert [(c.number, c.path, c.list_name, len(c.contacts), c.attempt) for c in seen] == [
        (1, "/getAllContactLists", None, 0, 1),
        (2, "/addToList/batch", LIST, 1, 1),
        (3, "/addToList/batch", LIST, 1, 2),
    ]


@pytest.mark.parametrize(("apply", "believed"), [(0, 0), (EVERYTHING, 3), (2, 1)])
def test_what_takes_effect_although_it_fails(
    receiver: MailmodoReceiver, client: httpx.Client, apply: int, believed: int
) -> None:
    receiver.script = lambda _: Answer(429, {"Retry-After": "3"}, apply=apply)
    answer = batch(client, contact(), contact("bad@x.io"), contact("bob@x.io"), contact("eve@x.io"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert len(receiver.belief) == believed


def test_a_reset(receiver: MailmodoReceiver, client: httpx.Client) -> None:
    receiver.script = lambda _: Reset(apply=EVERYTHING)
    with pytest.raises(httpx.ReadError):
        batch(client, contact())
    assert (receiver.requests[0].status, len(receiver.belief)) == (None, 1)
