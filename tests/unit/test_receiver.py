"""The loopback receiver: it must notice every broken rule, or the tests that lean on it prove nothing."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from syncer.receivers.loopback import EVERYTHING, Answer, Delay, Fault, Hang, Reset, Truncate
from syncer.receivers.segment import ReceivedRequest, SegmentReceiver

KEY = "key"
SENT_AT = "2026-11-23T12:00:00.000Z"


@pytest.fixture
def receiver() -> Iterator[SegmentReceiver]:
    with SegmentReceiver(KEY) as running:
        yield running


@pytest.fixture
def client(receiver: SegmentReceiver) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=receiver.url, auth=(KEY, ""), trust_env=False) as made:
        yield made


def event(number: int = 1, values: Mapping[str, object] | None = None, /, **changes: object) -> dict[str, Any]:
    """A good event; a change to None leaves the member out."""
    whole = {
        "type": "identify",
        "userId": f"u{number}",
        "messageId": f"m{number}",
        "timestamp": "2026-11-23T11:59:59.000Z",
        "traits": {"email": f"u{number}@example.com", **({"vip_buyers": True} if values is None else values)},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def post(client: httpx.Client, *events: object, sent_at: object = SENT_AT, **rest: object) -> httpx.Response:
    return client.post("/v1/batch", json={"batch": events, "sentAt": sent_at, **rest})


def test_what_it_believes(receiver: SegmentReceiver, client: httpx.Client) -> None:
    assert post(client, event(1), event(2, {"vip_buyers": False})).json() == {"success": True}
    post(client, event(3, userId="u1", traits={"email": "u1@example.com", "big_spender": True}))
    assert receiver.belief == {
        "u1@example.com": {"vip_buyers": True, "big_spender": True},
        "u2@example.com": {"vip_buyers": False},
    }
    assert receiver.belief_by_user == {"u1": {"vip_buyers": True, "big_spender": True}, "u2": {"vip_buyers": False}}
    assert [(e.arrival, e.request, e.event["messageId"]) for e in receiver.events] == [
        (1, 1, "m1"),
        (2, 1, "m2"),
        (3, 2, "m3"),
    ]
    assert [(r.status, r.events) for r in receiver.requests] == [(200, 2), (200, 1)]
    assert "authorization" not in receiver.requests[0].headers
    assert receiver.violations == []


@pytest.mark.parametrize(
    ("broken", "violation"),
    [
        (event(userId=None), "neither userId nor anonymousId"),
        (event(userId=""), "neither userId nor anonymousId"),
        (event(userId=7), "neither userId nor anonymousId"),
        (event(messageId=None), "no messageId"),
        (event(messageId="m" * 100), "messageId of 100 characters"),
        (event(timestamp=None), "no timestamp"),
        (event(timestamp="yesterday"), "timestamp is no ISO 8601 time: 'yesterday'"),
        (event(timestamp=1), "timestamp is no ISO 8601 time: 1"),
        (event(timestamp="2026-11-23T12:00:00"), "timestamp has no zone"),
        (event(1, {"vip_buyers": None}), "vip_buyers is null"),
        (event(1, {"vip_buyers": "True"}), "vip_buyers is the string 'True'"),
        (event(1, {"vip_buyers": "false"}), "vip_buyers is the string 'false'"),
        (event(1, {"vip_buyers": [True]}), "vip_buyers is no single value"),
        (event(1, {"vip_buyers": {"a": 1}}), "vip_buyers is no single value"),
        (event(1, {"VIP": True}), "not snake_case: 'VIP'"),
        (event(1, {"vip__buyers": True}), "not snake_case"),
        (event(1, {"_vip": True}), "not snake_case"),
        (event(1, {"vip.buyers": True}), "not snake_case"),
        (event(1, {"firstName": "Ann"}), "reserved name: firstName"),
        (event(1, {"created_at": True}), "reserved name: created_at"),
        (event(1, {"user_id": True}), "reserved name: user_id"),
        (event(1, {"context_ip": True}), "reserved name: context_ip"),
        (
            event(1, {"vip": 1}, context={"personas": {"computation_class": "audience", "computation_key": "vip"}}),
            "about the audience 'vip', but without a boolean of that name",
        ),
        (
            event(1, context={"personas": {"computation_class": "audience", "computation_key": "other"}}),
            "about the audience 'other', but without a boolean of that name",
        ),
        (event(1, {f"p{n}": True for n in range(251)}), "251 properties"),
        (event(1, traits={"vip_buyers": True}), "no traits.email"),
        (event(1, type="alias"), "no identify, and no track with a name: 'alias'"),
        (event(1, type="track"), "no identify, and no track with a name: 'track'"),
        ({**event(1), "traits": None}, "an identify without traits"),
    ],
)
def test_broken_event(receiver: SegmentReceiver, client: httpx.Client, broken: dict[str, Any], violation: str) -> None:
    assert post(client, broken).status_code == 200
    assert len(receiver.violations) == 1
    assert violation in receiver.violations[0]
    assert receiver.violations[0].startswith("request 1: ")


@pytest.mark.parametrize(
    "dropped", [event(userId=None), event(messageId="m" * 100), event(1, {f"p{n}": True for n in range(299)})]
)
def test_what_segment_drops_is_not_believed(
    receiver: SegmentReceiver, client: httpx.Client, dropped: dict[str, Any]
) -> None:
    post(client, dropped, event(2))
    assert list(receiver.belief) == ["u2@example.com"]
    assert receiver.event_count == 1


def test_without_email_only_segment_believes(receiver: SegmentReceiver, client: httpx.Client) -> None:
    post(client, event(1, traits={"vip_buyers": True}))
    assert receiver.belief == {}
    assert receiver.belief_by_user == {"u1": {"vip_buyers": True}}


@pytest.mark.parametrize("value", [True, False, 0, 3.5, "gold"])
def test_values_that_are_values(receiver: SegmentReceiver, client: httpx.Client, value: object) -> None:
    post(client, event(1, {"tier": value}))
    assert receiver.violations == []
    assert receiver.belief == {"u1@example.com": {"tier": value}}


def test_track_is_no_belief(receiver: SegmentReceiver, client: httpx.Client) -> None:
    post(client, event(1, type="track", event="Audience Entered", traits=None, properties={"audience_key": "vip"}))
    assert receiver.violations == []
    assert (receiver.event_count, receiver.belief) == (1, {})


@pytest.mark.parametrize(
    ("rest", "violation"),
    [
        ({"sent_at": None}, "no sentAt"),
        ({"sent_at": "now"}, "sentAt is no ISO 8601 time"),
        ({"sent_at": "2026-11-23T12:00:00"}, "sentAt has no zone"),
        ({"writeKey": KEY}, "the write key is in the body"),
    ],
)
def test_broken_batch(receiver: SegmentReceiver, client: httpx.Client, rest: dict[str, Any], violation: str) -> None:
    assert post(client, event(1), **rest).status_code == 200
    assert len(receiver.violations) == 1
    assert violation in receiver.violations[0]


@pytest.mark.parametrize("auth", [None, ("other", ""), (KEY, "password"), ("", "")])
def test_bad_credentials(receiver: SegmentReceiver, auth: tuple[str, str] | None) -> None:
    response = httpx.post(f"{receiver.url}/v1/batch", json={}, auth=auth, trust_env=False)
    assert response.status_code == 401
    assert receiver.violations == ["request 1: missing or wrong credentials"]


def test_credentials_that_are_no_base64(receiver: SegmentReceiver) -> None:
    headers = {"Authorization": "Basic k_ey"}
    assert httpx.post(f"{receiver.url}/v1/batch", headers=headers, trust_env=False).status_code == 401
    assert receiver.violations == ["request 1: credentials that are not base64"]


@pytest.mark.parametrize(
    ("content", "headers", "violation"),
    [
        (b"{", {}, "no batch in JSON"),
        (b"\xff", {}, "no batch in JSON"),
        (b'{"sentAt":"x"}', {}, "no batch in JSON"),
        (b'{"batch":{}}', {}, "no batch in JSON"),
        (b'{"batch":[1]}', {}, "no batch in JSON"),
        (b"{}", {"Content-Encoding": "gzip"}, "not gzip"),
        (b" " * 500_001, {}, "a request of 500001 bytes"),
        (gzip.compress(b" " * 500_001), {"Content-Encoding": "gzip"}, "a request of 500001 bytes"),
        (json.dumps({"batch": [event(1, {"t": "x" * 33_000})], "sentAt": SENT_AT}).encode(), {}, "an event of 33"),
    ],
)
def test_bad_request(
    receiver: SegmentReceiver, client: httpx.Client, content: bytes, headers: dict[str, str], violation: str
) -> None:
    headers = {"Content-Type": "application/json", **headers}
    assert client.post("/v1/batch", content=content, headers=headers).status_code == 400
    assert len(receiver.violations) == 1
    assert violation in receiver.violations[0]
    assert receiver.event_count == 0


def test_batch_of_too_many_is_answered_and_dropped(receiver: SegmentReceiver, client: httpx.Client) -> None:
    small = [
        {"type": "track", "event": "e", "userId": "u", "messageId": str(n), "timestamp": SENT_AT} for n in range(2501)
    ]
    assert post(client, *small).status_code == 200
    assert receiver.violations == ["request 1: 2501 events in one batch: answered 200 and dropped"]
    assert receiver.event_count == 0


def test_empty_batch(receiver: SegmentReceiver, client: httpx.Client) -> None:
    post(client)
    assert receiver.violations == ["request 1: an empty batch"]


def test_other_content_type(receiver: SegmentReceiver, client: httpx.Client) -> None:
    client.post("/v1/batch", content=json.dumps({"batch": [event()], "sentAt": SENT_AT}))
    assert receiver.violations == ["request 1: Content-Type is missing, not application/json"]


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/v1/identify", 404), ("GET", "/v1/batch", 405)])
def test_unknown_path_and_method(
    receiver: SegmentReceiver, client: httpx.Client, method: str, path: str, status: int
) -> None:
    assert client.request(method, path).status_code == status
    assert len(receiver.violations) == 1


def test_gzip(receiver: SegmentReceiver, client: httpx.Client) -> None:
    body = gzip.compress(json.dumps({"batch": [event()], "sentAt": SENT_AT}).encode())
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"}
    assert client.post("/v1/batch", content=body, headers=headers).status_code == 200
    assert receiver.violations == []
    assert len(receiver.belief) == 1


# --- repeated events -----------------------------------------------------------------------------------------


def test_repeated_message_id_is_ignored(receiver: SegmentReceiver, client: httpx.Client) -> None:
    post(client, event(1))
    post(client, event(2, userId="u1", traits={"email": "u1@example.com", "vip_buyers": False}))
    post(client, event(1, timestamp="2026-11-23T12:00:00Z"), sent_at="2026-11-23T12:00:01Z")
    assert receiver.duplicates == 1
    assert receiver.belief == {"u1@example.com": {"vip_buyers": False}}
    assert receiver.violations == []


def test_repeated_message_id_with_other_content(receiver: SegmentReceiver, client: httpx.Client) -> None:
    post(client, event(1))
    post(client, event(1, {"vip_buyers": False}), sent_at="2026-11-23T12:00:01Z")
    assert receiver.violations == ["request 2: messageId m1 came with other content before"]
    assert receiver.belief == {"u1@example.com": {"vip_buyers": True}}


def test_retry_with_the_same_sent_at(receiver: SegmentReceiver, client: httpx.Client) -> None:
    receiver.script = lambda request: Answer(500) if request.attempt == 1 else None
    post(client, event(1))
    post(client, event(1))
    assert receiver.violations == ["request 2: messageId m1 was sent again with the same sentAt"]
    assert receiver.duplicates == 0
    assert len(receiver.belief) == 1


# --- faults --------------------------------------------------------------------------------------------------


def test_script_sees_the_request(receiver: SegmentReceiver, client: httpx.Client) -> None:
    seen: list[ReceivedRequest] = []

    def script(request: ReceivedRequest) -> Fault | None:
        seen.append(request)
        return Answer(503) if request.number == 1 else None

    receiver.script = script
    post(client, event(1))
    post(client, event(1), event(2), sent_at="2026-11-23T12:00:01Z")
    assert [(r.number, len(r.events), r.attempts, r.attempt, r.sent_at) for r in seen] == [
        (1, 1, {"m1": 1}, 1, SENT_AT),
        (2, 2, {"m1": 2, "m2": 1}, 2, "2026-11-23T12:00:01Z"),
    ]
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize(("apply", "believed"), [(0, 0), (EVERYTHING, 3), (2, 2), (9, 3)])
def test_answer(receiver: SegmentReceiver, client: httpx.Client, apply: int, believed: int) -> None:
    receiver.script = lambda _: Answer(429, {"Retry-After": "3"}, b'{"message":"slow"}', apply)
    response = post(client, event(1), event(2), event(3))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
    assert response.json() == {"message": "slow"}
    assert len(receiver.belief) == believed
    assert receiver.requests[0].status == 429


@pytest.mark.parametrize(("apply", "believed"), [(0, 0), (EVERYTHING, 3), (1, 1)])
def test_reset(receiver: SegmentReceiver, client: httpx.Client, apply: int, believed: int) -> None:
    receiver.script = lambda _: Reset(apply)
    with pytest.raises(httpx.ReadError, match="reset"):
        post(client, event(1), event(2), event(3))
    assert len(receiver.belief) == believed
    assert receiver.requests[0].status is None
    assert receiver.violations == []


def test_truncated_answer(receiver: SegmentReceiver, client: httpx.Client) -> None:
    receiver.script = lambda _: Truncate(apply=EVERYTHING)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        post(client, event(1))
    assert len(receiver.belief) == 1


def test_hang_until_released(receiver: SegmentReceiver, client: httpx.Client) -> None:
    receiver.script = lambda _: Hang()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(post, client, event(1))
        assert receiver.wait_for(lambda: len(receiver.requests) == 1)
        assert receiver.http.in_progress == 1
        assert not answer.done()
        receiver.release()
        with pytest.raises(httpx.RemoteProtocolError):
            answer.result(10)
    assert receiver.belief == {}


def test_hang_ends_with_the_receiver() -> None:
    with ThreadPoolExecutor(1) as threads, httpx.Client(auth=(KEY, ""), trust_env=False) as client:
        with SegmentReceiver(KEY, script=lambda _: Hang()) as receiver:
            client.base_url = httpx.URL(receiver.url)
            answer = threads.submit(post, client, event(1))
            assert receiver.wait_for(lambda: len(receiver.requests) == 1)
        with pytest.raises(httpx.TransportError):
            answer.result(10)


def test_delay_and_latency() -> None:
    with SegmentReceiver(KEY, script=lambda _: Delay(0.02), latency=0.02) as receiver:
        response = httpx.post(
            f"{receiver.url}/v1/batch", json={"batch": [event()], "sentAt": SENT_AT}, auth=(KEY, ""), trust_env=False
        )
    assert response.elapsed.total_seconds() >= 0.04
    assert len(receiver.belief) == 1


def test_script_that_breaks_is_not_overlooked(receiver: SegmentReceiver, client: httpx.Client) -> None:
    receiver.script = lambda request: request.events[7]["no such event"]
    with pytest.raises(httpx.TransportError):
        post(client, event(1))
    assert receiver.violations == ["the receiver broke: IndexError: list index out of range"]


# --- the server ----------------------------------------------------------------------------------------------


def test_connection_is_kept_and_answers_come_at_once(receiver: SegmentReceiver, client: httpx.Client) -> None:
    slowest = max(
        post(client, event(n), sent_at=f"2026-11-23T12:00:{n:02}Z").elapsed.total_seconds() for n in range(20)
    )
    assert receiver.http.connections == 1
    assert slowest < 1


def test_parallel_requests() -> None:
    meeting = threading.Barrier(3, timeout=10)

    def script(_: ReceivedRequest) -> None:
        meeting.wait()

    with (
        SegmentReceiver(KEY, script=script, max_parallel=2) as receiver,
        httpx.Client(base_url=receiver.url, auth=(KEY, ""), trust_env=False) as client,
        ThreadPoolExecutor(3) as threads,
    ):
        list(threads.map(lambda n: post(client, event(n)), range(3)))
    assert receiver.http.most_in_progress == 3
    assert len(receiver.violations) == 1
    assert receiver.violations[0].endswith("3 requests at once")


def test_lean() -> None:
    with (
        SegmentReceiver(KEY, keep_events=False, require_email=False, allowed_traits=["firstName"]) as receiver,
        httpx.Client(base_url=receiver.url, auth=(KEY, ""), trust_env=False) as own,
    ):
        post(own, event(1, {"firstName": "Ann"}), event(2, traits={"vip_buyers": True}))
        post(own, event(1, {"firstName": "Ann"}), sent_at="2026-11-23T12:00:01Z")
    assert receiver.violations == []
    assert (receiver.events, receiver.event_count, receiver.duplicates) == ([], 2, 1)


def test_wait_that_is_in_vain(receiver: SegmentReceiver) -> None:
    assert receiver.wait_for(lambda: receiver.event_count > 0, timeout=0.01) is False


def test_url_of_a_receiver_that_was_not_started() -> None:
    with pytest.raises(RuntimeError):
        _ = SegmentReceiver(KEY).url


def test_client_that_hangs_up_in_the_middle_is_no_request(receiver: SegmentReceiver) -> None:
    host, port = receiver.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert (receiver.http.arrived, receiver.violations) == (0, [])
