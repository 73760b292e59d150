"""Segment's destination: what it puts on the wire, its limits, and what it makes of every answer."""

import gzip
import itertools
import json
import math
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import __version__, errors
from syncer.destinations import http, pool, segment
from syncer.destinations.segment import SegmentDestination
from syncer.models import Call, Destination, Identify, Value
from syncer.receivers.loopback import EVERYTHING, Answer, Hang, Reset, Truncate
from syncer.receivers.segment import Fault, SegmentReceiver

KEY = "wk_Sup3rS3cret"
NOW = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)


def identify(number: int = 1, values: Mapping[str, Value] | None = None, **changes: Any) -> Identify:
    plain = Identify(
        contact=f"u{number}@example.com",
        part=0,
        user_id=f"u{number}",
        email=f"u{number}@example.com",
        message_id=f"syncer-{number:064x}",
        values={"vip_buyers": True} if values is None else values,
    )
    return plain._replace(**changes)


def answering(status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, headers=dict(headers or {}), content=body))


def send_to(transport: httpx.BaseTransport) -> None:
    with closing(SegmentDestination("segment", write_key=KEY, transport=transport, now=lambda: NOW)) as destination:
        [request], _ = destination.requests([identify()])
        assert destination.send(request) == []


@pytest.fixture
def receiver() -> Iterator[SegmentReceiver]:
    with SegmentReceiver(KEY) as running:
        yield running


@pytest.fixture
def destination(receiver: SegmentReceiver) -> Iterator[SegmentDestination]:
    clock = itertools.count()
    with closing(
        SegmentDestination(
            "segment",
            write_key=KEY,
            endpoint=receiver.url,
            timeout=5,
            concurrency=4,
            now=lambda: NOW + timedelta(microseconds=next(clock)),
        )
    ) as made:
        yield made


def failing(receiver: SegmentReceiver, *faults: Fault | None) -> None:
    """The receiver's next requests end so; later ones go well."""
    rest = iter(faults)
    receiver.script = lambda _: next(rest, None)


# --- what is on the wire -------------------------------------------------------------------------------------


def test_request_is_what_segment_documents() -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    made: Destination = SegmentDestination(
        "segment",
        write_key=KEY,
        endpoint="https://events.eu1.segmentapis.com/",
        integrations={"All": False, "Mailmodo": True},
        transport=httpx.MockTransport(record),
        now=lambda: NOW,
    )
    requests, refusals = made.requests([identify(1, {"vip_buyers": True, "café": "ünïcode"})])
    made.send(requests[0])
    made.close()

    assert refusals == []
    [request] = seen
    assert (request.method, str(request.url)) == ("POST", "https://events.eu1.segmentapis.com/v1/batch")
    assert request.headers["Authorization"] == httpx.BasicAuth(KEY, "")._auth_header
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"syncer/{__version__}"
    assert KEY not in request.content.decode()
    assert "ünïcode".encode() in request.content
    assert json.loads(request.content) == {
        "batch": [
            {
                "type": "identify",
                "userId": "u1",
                "messageId": f"syncer-{1:064x}",
                "timestamp": "2026-11-23T12:00:00.123456Z",
                "traits": {"email": "u1@example.com", "vip_buyers": True, "café": "ünïcode"},
                "context": {"active": False, "library": {"name": "syncer", "version": __version__}},
                "integrations": {"All": False, "Mailmodo": True},
            }
        ],
        "sentAt": "2026-11-23T12:00:00.123456Z",
    }


def test_integrations_are_absent_if_not_configured(destination: SegmentDestination) -> None:
    [request], _ = destination.requests([identify()])
    assert "integrations" not in json.loads(request.encoded[0])


def test_email_is_absent_if_there_is_none(destination: SegmentDestination) -> None:
    [request], _ = destination.requests([identify(email="")])
    assert json.loads(request.encoded[0])["traits"] == {"vip_buyers": True}


def test_values_keep_their_json_types(destination: SegmentDestination) -> None:
    values: dict[str, Value] = {"a": False, "b": 3, "c": 1.5, "d": "null"}
    [request], refusals = destination.requests([identify(1, values)])
    assert refusals == []
    assert json.loads(request.encoded[0])["traits"] == {"email": "u1@example.com", **values}


def test_retry_sends_the_same_events_with_a_new_sent_at(
    receiver: SegmentReceiver, destination: SegmentDestination
) -> None:
    [request], _ = destination.requests([identify(1), identify(2, {"vip_buyers": False})])
    failing(receiver, Answer(503, apply=EVERYTHING))
    with pytest.raises(errors.DestinationUnavailableError):
        destination.send(request)
    destination.send(request)
    assert receiver.violations == []
    assert receiver.duplicates == 2
    assert receiver.belief == {"u1@example.com": {"vip_buyers": True}, "u2@example.com": {"vip_buyers": False}}


def test_gzip_is_understood(receiver: SegmentReceiver) -> None:
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=receiver.url, gzip=True)) as made:
        [request], _ = made.requests([identify(n) for n in range(300)])
        made.send(request)
    assert receiver.violations == []
    assert len(receiver.belief) == 300
    assert receiver.requests[0].headers["content-encoding"] == "gzip"
    assert receiver.requests[0].size < sum(len(event) for event in request.encoded) / 4


def test_gzip_holds_the_very_body() -> None:
    bodies: list[bytes] = []

    def record(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200)

    made = SegmentDestination("segment", write_key=KEY, gzip=True, transport=httpx.MockTransport(record))
    [request], _ = made.requests([identify()])
    made.send(request)
    made.close()
    assert request.encoded[0] in gzip.decompress(bodies[0])


# --- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "page_size", "events_in_a_request"),
    [(0, 500, 2500), (1000, 500, 1000), (5000, 500, 2500), (300, 300, 300), (7.9, 7, 7), (0.2, 1, 1)],
)
def test_no_request_holds_more_than_a_second(rate: float, page_size: int, events_in_a_request: int) -> None:
    with closing(SegmentDestination("segment", write_key=KEY, events_per_second=rate)) as made:
        small = [identify(n, {}, email="", user_id="u", message_id=str(n)) for n in range(3000)]
        requests, refusals = made.requests(small)
        assert refusals == []
        assert made.page_size == page_size
        assert max(len(request.encoded) for request in requests) == events_in_a_request


def test_request_never_exceeds_its_bytes(receiver: SegmentReceiver) -> None:
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=receiver.url, events_per_second=0)) as made:
        requests, _ = made.requests([identify(n, {"trait": "x" * 9_000}) for n in range(120)])
        for request in requests:
            made.send(request)
    sizes = [record.size for record in receiver.requests]
    assert len(sizes) == 3
    assert max(sizes) <= segment.MAX_REQUEST_BYTES
    assert min(sizes[:-1]) > segment.MAX_REQUEST_BYTES - 10_000
    assert receiver.violations == []
    assert len(receiver.belief) == 120


def test_event_of_exactly_the_limit_is_sent_and_one_byte_more_is_refused(receiver: SegmentReceiver) -> None:
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=receiver.url)) as made:
        [empty], _ = made.requests([identify(1, {"t": ""})])
        room = segment.MAX_EVENT_BYTES - len(empty.encoded[0])
        fits, too_big = identify(1, {"t": "x" * room}), identify(2, {"t": "x" * (room + 1)})
        requests, refusals = made.requests([too_big, fits, identify(3)])
        made.send(requests[0])
    assert [list(request.identifies) for request in requests] == [[fits, identify(3)]]
    [refusal] = refusals
    assert (refusal.identify, refusal.http_status) == (too_big, None)
    assert "32,769 bytes" in refusal.reason
    assert receiver.violations == []


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (identify(user_id=""), "user id"),
        (identify(message_id="m" * 100), "messageId of 100"),
        (identify(values={f"p{n}": True for n in range(299)}), "300 traits"),
        (identify(values={"ltv": math.nan}), "ltv would be sent as null"),
        (identify(values={"ltv": -math.inf}), "ltv would be sent as null"),
        (identify(user_id="\ud800"), "JSON"),
    ],
)
def test_what_segment_would_drop_is_refused_and_its_neighbours_are_not(
    destination: SegmentDestination, bad: Identify, word: str
) -> None:
    requests, refusals = destination.requests([identify(8), bad, identify(9)])
    assert [list(request.identifies) for request in requests] == [[identify(8), identify(9)]]
    assert [(refusal.identify, refusal.http_status) for refusal in refusals] == [(bad, None)]
    assert word in refusals[0].reason


def test_the_word_null_is_no_null(destination: SegmentDestination) -> None:
    _, refusals = destination.requests([identify(email="null@example.com", message_id="m" * 99)])
    assert refusals == []


def test_nothing_makes_no_request(destination: SegmentDestination) -> None:
    assert destination.requests([]) == ([], [])


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 40_000), max_size=60),
    rate=st.sampled_from([0, 1, 3, 1000]),
)
def test_each_identify_is_in_one_request_in_order_or_refused(sizes: list[int], rate: int) -> None:
    everything = [identify(n, {"t": "é" * (size // 2)}) for n, size in enumerate(sizes)]
    with closing(SegmentDestination("segment", write_key=KEY, events_per_second=rate, transport=answering())) as made:
        requests, refusals = made.requests(everything)
    sent = [one for request in requests for one in request.identifies]
    refused = [refusal.identify for refusal in refusals]
    assert sorted(sent + refused, key=list[Call](everything).index) == everything
    assert sent == [one for one in everything if one not in refused]
    for request in requests:
        assert len(request.identifies) == len(request.encoded) > 0
        assert sum(len(event) + 1 for event in request.encoded) + 60 <= segment.MAX_REQUEST_BYTES + 20


# --- what answers mean ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b'{"success":true}', b"<html>garbage", b"\xff\x00"])
def test_success_whatever_the_body(status: int, body: bytes) -> None:
    send_to(answering(status, body=body))


@pytest.mark.parametrize(
    ("status", "maybe_applied"),
    [(408, True), (429, False), (500, True), (501, True), (502, True), (503, True), (504, True), (529, True)],
)
def test_worth_another_try(status: int, maybe_applied: bool) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(answering(status, body=b'{"message": "slow down"}'))
    assert raised.value.maybe_applied is maybe_applied
    assert raised.value.http_status == status
    assert raised.value.retry_after is None
    assert str(raised.value) == f"segment (api.segment.io) answered {status}: slow down"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "check write_key"),
        (402, "check the plan"),
        (403, "check write_key"),
        (404, "check endpoint"),
        (410, "It knows no /v1/batch"),
        (300, "redirects to nowhere"),
        (304, "redirects to nowhere"),
    ],
)
def test_a_human_must_act(status: int, advice: str) -> None:
    with pytest.raises(errors.DestinationStoppedError, match=advice) as raised:
        send_to(answering(status, body=b"no such thing"))
    assert raised.value.http_status == status
    assert "segment (api.segment.io)" in str(raised.value)
    assert str(status) in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    calls: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.host)
        return httpx.Response(status, headers={"Location": "https://login.example.org/?token=abc"})

    with pytest.raises(errors.DestinationStoppedError, match=r"redirects to login\.example\.org") as raised:
        send_to(httpx.MockTransport(redirect))
    assert calls == ["api.segment.io"]
    assert "token" not in str(raised.value)


def test_redirect_to_a_path_names_the_same_host() -> None:
    with pytest.raises(errors.DestinationStoppedError, match=r"redirects to api\.segment\.io \(308\)"):
        send_to(answering(308, {"Location": "/v2/batch"}))


@pytest.mark.parametrize("status", [400, 405, 406, 409, 411, 413, 415, 422, 431, 451])
def test_request_is_refused(status: int) -> None:
    with pytest.raises(errors.RequestRefusedError) as raised:
        send_to(answering(status, body=b'{"error": {"message": "batch  is\\nodd"}}'))
    assert raised.value.http_status == status
    assert str(raised.value) == f"segment (api.segment.io) answered {status}: batch is odd"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ""),
        (b"plain text\r\n  of two lines", "plain text of two lines"),
        (b'{"message": "m", "error": "e"}', "m"),
        (b'{"error": "e"}', "e"),
        (b'{"errors": [{"reason": "r"}]}', "r"),
        (b'{"success": false}', '{"success": false}'),
        (b'["x", "y"]', "x"),
        (b"[]", "[]"),
        (b"\xffok\x00\x1b[31m", "�ok [31m"),
        (b'{"message": "\\ud800"', '{"message": "\\ud800"'),
    ],
)
def test_words_of_the_receiver(body: bytes, words: str) -> None:
    assert http.words(body) == words


def test_long_words_are_cut_and_secrets_struck_out() -> None:
    echo = f"bad key {KEY} " + "x" * 500
    with pytest.raises(errors.RequestRefusedError) as raised:
        send_to(answering(400, body=echo.encode()))
    assert "bad key *** xxx" in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_no_secret_in_any_repr(destination: SegmentDestination) -> None:
    assert KEY not in repr(destination) + str(destination) + repr(vars(destination)) + repr(destination.account())


class HiddenKey:
    """As pydantic's SecretStr."""

    def get_secret_value(self) -> str:
        return KEY


def test_secret_str_is_revealed_on_the_wire_only(receiver: SegmentReceiver) -> None:
    with closing(SegmentDestination("segment", write_key=HiddenKey(), endpoint=receiver.url)) as made:
        [request], _ = made.requests([identify()])
        made.send(request)
    assert receiver.violations == []


def test_header_that_cannot_be_sent_is_no_leak() -> None:
    with pytest.raises(ValueError, match="api_key holds a character") as raised:
        http.HttpSender(
            "m",
            "https://a.example",
            credential="api_key",
            headers={"k": KEY + "\n"},
            secrets=(),
            timeout=1,
            concurrency=1,
        )
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"Retry-After": "7"}, 7.0),
        (503, {"Retry-After": " 0 "}, 0.0),
        (408, {"Retry-After": "2.5"}, 2.5),
        (503, {"Retry-After": "Mon, 23 Nov 2026 12:01:00 GMT"}, 59.876544),
        (503, {"Retry-After": "Mon, 23 Nov 2026 11:59:00 GMT"}, None),
        (503, {"Retry-After": "Mon, 23 Nov 2026 12:01:00 -0000"}, 59.876544),
        (429, {"Retry-After": "99999999999999999999"}, 3600.0),
        (503, {"Retry-After": "-5"}, None),
        (503, {"Retry-After": "soon"}, None),
        (503, {"Retry-After": "inf"}, None),
        (503, {"Retry-After": "Mon, 99 Nov 2026 12:01:00 GMT"}, None),
        (503, {"Retry-After": ""}, None),
        (429, {"X-RateLimit-Reset": "12"}, 12.0),
        (429, {"Retry-After": "3", "X-RateLimit-Reset": "12"}, 3.0),
        (429, {"Retry-After": "soon", "X-RateLimit-Reset": "12"}, 12.0),
        (429, {"X-RateLimit-Reset": "later"}, None),
        (503, {"X-RateLimit-Reset": "12"}, None),
    ],
)
def test_retry_after(status: int, headers: dict[str, str], wait: float | None) -> None:
    assert http.retry_after(httpx.Response(status, headers=headers), NOW) == pytest.approx(wait)


def test_retry_after_is_handed_on() -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(answering(429, {"Retry-After": "7"}))
    assert raised.value.retry_after == 7


@pytest.mark.parametrize(
    ("broken", "maybe_applied", "words"),
    [
        (httpx.ConnectError("Name or service not known"), False, "cannot be reached: Name or service"),
        (httpx.ConnectTimeout(""), False, "cannot be reached: ConnectTimeout"),
        (httpx.PoolTimeout(""), False, "no connection was free"),
        (httpx.ProxyError("407 Proxy Authentication Required"), False, "cannot be reached: 407"),
        (httpx.UnsupportedProtocol("ftp"), False, "cannot be reached"),
        (httpx.ReadTimeout(""), True, "did not answer within 30 s"),
        (httpx.WriteTimeout(""), True, "did not answer within 30 s"),
        (httpx.ReadError("reset"), True, "broke off before its answer was whole: reset"),
        (httpx.WriteError(""), True, "broke off before its answer was whole: WriteError"),
        (httpx.CloseError(""), True, "broke off"),
        (httpx.RemoteProtocolError(f"Server said {KEY}"), True, r"Server said \*\*\*"),
        (httpx.LocalProtocolError(""), True, "broke off"),
        (httpx.DecodingError("gzip"), True, "broke off"),
    ],
)
def test_broken_transport(broken: httpx.RequestError, maybe_applied: bool, words: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise broken

    with pytest.raises(errors.DestinationUnavailableError, match=words) as raised:
        send_to(httpx.MockTransport(fail))
    assert raised.value.maybe_applied is maybe_applied
    assert raised.value.__cause__ is broken


class Body(httpx.SyncByteStream):
    """A body that breaks off, or never ends."""

    def __init__(self, chunks: Callable[[], Iterator[bytes]]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()


def _cut_off() -> Iterator[bytes]:
    yield b'{"message": "no'
    raise httpx.ReadError("cut")


@pytest.mark.parametrize("chunks", [_cut_off, lambda: itertools.repeat(b"x" * 65_536)])
def test_success_must_be_read_to_its_end(chunks: Callable[[], Iterator[bytes]]) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(httpx.MockTransport(lambda _: httpx.Response(200, stream=Body(chunks))))
    assert raised.value.maybe_applied is True


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.DestinationStoppedError),
        (413, errors.RequestRefusedError),
        (429, errors.DestinationUnavailableError),
    ],
)
def test_other_statuses_count_although_their_words_are_lost(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        send_to(httpx.MockTransport(lambda _: httpx.Response(status, stream=Body(_cut_off))))


# --- over a real connection ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "believed"),
    [
        (Reset(), False),
        (Reset(apply=EVERYTHING), True),
        (Truncate(apply=EVERYTHING), True),
        (Answer(500, apply=EVERYTHING), True),
    ],
)
def test_lost_answer_may_have_been_applied(
    receiver: SegmentReceiver, destination: SegmentDestination, fault: Fault, believed: bool
) -> None:
    failing(receiver, fault)
    [request], _ = destination.requests([identify()])
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        destination.send(request)
    assert raised.value.maybe_applied is True
    assert (receiver.belief == {"u1@example.com": {"vip_buyers": True}}) is believed
    destination.send(request)
    assert receiver.belief == {"u1@example.com": {"vip_buyers": True}}
    assert receiver.violations == []


def test_garbage_with_200_is_accepted(receiver: SegmentReceiver, destination: SegmentDestination) -> None:
    failing(receiver, Answer(200, body=b"<html>", apply=EVERYTHING))
    [request], _ = destination.requests([identify()])
    assert destination.send(request) == []


def test_no_answer_in_time_may_have_been_applied(receiver: SegmentReceiver) -> None:
    failing(receiver, Hang(apply=EVERYTHING))
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=receiver.url, timeout=0.1)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationUnavailableError, match=r"did not answer within 0\.1 s") as raised:
            made.send(request)
    assert raised.value.maybe_applied is True


def test_wrong_key_stops(receiver: SegmentReceiver) -> None:
    with closing(SegmentDestination("segment", write_key="other", endpoint=receiver.url)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationStoppedError, match="check write_key"):
            made.send(request)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_refused_connection_was_not_applied() -> None:
    endpoint = f"http://127.0.0.1:{closed_port()}"
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=endpoint)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationUnavailableError, match="cannot be reached") as raised:
            made.send(request)
    assert raised.value.maybe_applied is False


def test_connections_are_kept_until_the_receiver_fails(
    receiver: SegmentReceiver, destination: SegmentDestination
) -> None:
    failing(receiver, None, None, Answer(500), None, Reset())
    [request], _ = destination.requests([identify()])
    connections = []
    for _ in range(6):
        try:
            destination.send(request)
        except errors.DestinationUnavailableError:
            connections.append(-receiver.http.connections)
        else:
            connections.append(receiver.http.connections)
    assert connections == [1, 1, -1, 2, -2, 3]


def test_connections_grow_old(
    receiver: SegmentReceiver, destination: SegmentDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MAX_AGE", -1.0)
    [request], _ = destination.requests([identify()])
    for _ in range(3):
        destination.send(request)
    assert receiver.http.connections == 3


def test_request_in_flight_survives_the_failure_of_another(
    receiver: SegmentReceiver, destination: SegmentDestination
) -> None:
    go_on = threading.Event()

    def script(request: Any) -> Fault | None:
        if request.number == 1:
            go_on.wait(10)
            return None
        return Answer(503)

    receiver.script = script
    [first], _ = destination.requests([identify(1)])
    [second], _ = destination.requests([identify(2)])
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(destination.send, first)
        assert receiver.wait_for(lambda: receiver.http.arrived == 1)
        with pytest.raises(errors.DestinationUnavailableError):
            destination.send(second)
        go_on.set()
        assert slow.result(10) == []
    assert receiver.belief == {"u1@example.com": {"vip_buyers": True}}


def test_many_threads_share_a_destination(receiver: SegmentReceiver, destination: SegmentDestination) -> None:
    receiver.script = lambda request: Answer(503, apply=EVERYTHING) if request.number % 5 == 0 else None
    requests = [destination.requests([identify(n), identify(n + 1000)])[0][0] for n in range(200)]

    def deliver(index: int) -> None:
        while True:
            try:
                destination.send(requests[index])
            except errors.DestinationUnavailableError:
                continue
            return

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(deliver, range(200)))
    assert receiver.violations == []
    assert receiver.event_count == 400
    assert receiver.http.most_in_progress <= destination.concurrency


def test_closed_destination_sends_nothing(receiver: SegmentReceiver, destination: SegmentDestination) -> None:
    [request], _ = destination.requests([identify()])
    destination.send(request)
    destination.close()
    with pytest.raises(errors.DestinationUnavailableError, match="was closed") as raised:
        destination.send(request)
    assert raised.value.maybe_applied is False
    assert len(receiver.requests) == 1


# --- what it points at ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://api.segment.io", "api.segment.io"),
        ("https://events.eu1.segmentapis.com/", "events.eu1.segmentapis.com"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
        ("http://[::1]:8080", "::1"),
    ],
)
def test_account(endpoint: str, host: str) -> None:
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=endpoint)) as made:
        assert made.account() == {"type": "segment", "endpoint": host, "identity": "email"}


def test_no_problem_and_nothing_sent(receiver: SegmentReceiver, destination: SegmentDestination) -> None:
    assert destination.problems() == []
    assert receiver.http.arrived == 0


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("http://127.0.0.1:{port}", "127.0.0.1 port {port}: Connection refused"),
        ("https://no-such-host.invalid", "the name no-such-host.invalid is unknown here"),
    ],
)
def test_problem_if_it_cannot_be_reached(endpoint: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    port = closed_port()
    with closing(SegmentDestination("segment", write_key=KEY, endpoint=endpoint.format(port=port))) as made:
        [problem] = made.problems()
    assert "cannot be reached: " + reason.format(port=port) in problem
    assert "check endpoint" in problem


def test_problem_if_it_does_not_speak_tls(receiver: SegmentReceiver) -> None:
    with closing(
        SegmentDestination("segment", write_key=KEY, endpoint=receiver.url.replace("http:", "https:"))
    ) as made:
        assert len(made.problems()) == 1


def test_proxy_of_the_environment_is_what_must_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    with closing(SegmentDestination("segment", write_key=KEY)) as made:
        [problem] = made.problems()
    assert f"127.0.0.1 port {port}" in problem
