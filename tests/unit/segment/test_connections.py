"""Segment's destination over a real connection, and what it points at."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from syncer import errors
from syncer.destinations import pool
from syncer.destinations.segment import SegmentDestination
from syncer.receivers.loopback import EVERYTHING, Answer, Fault, Hang, Reset, Truncate
from syncer.receivers.segment import SegmentReceiver
from tests.unit.calls import identify
from tests.unit.segment.tools import build, failing

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
    with closing(build(endpoint=receiver.url, timeout="100ms")) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationUnavailableError, match=r"did not answer within 0\.1 s") as raised:
            made.send(request)
    assert raised.value.maybe_applied is True


def test_wrong_key_stops(receiver: SegmentReceiver) -> None:
    with closing(build(write_key="other", endpoint=receiver.url)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(errors.DestinationStoppedError, match="check write_key"):
            made.send(request)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_refused_connection_was_not_applied() -> None:
    endpoint = f"http://127.0.0.1:{closed_port()}"
    with closing(build(endpoint=endpoint)) as made:
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
    with closing(build(endpoint=endpoint)) as made:
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
    with closing(build(endpoint=endpoint.format(port=port))) as made:
        [problem] = made.problems()
    assert "cannot be reached: " + reason.format(port=port) in problem
    assert "check endpoint" in problem


def test_problem_if_it_does_not_speak_tls(receiver: SegmentReceiver) -> None:
    with closing(build(endpoint=receiver.url.replace("http:", "https:"))) as made:
        assert len(made.problems()) == 1


def test_proxy_of_the_environment_is_what_must_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    with closing(build()) as made:
        [problem] = made.problems()
    assert f"127.0.0.1 port {port}" in problem


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://api.segment.io",
        "https://API.Segment.io:443/v1",
        "https://api.segment.io:8443",
        "http://127.0.0.1:80",
        "https://[fd00::7]:8443",
        "https://bücher.example",
        "https://www.Bücher.example",
        "https://xn--bcher-kva.example",
    ],
)
def test_the_account_is_where_httpx_sends(endpoint: str) -> None:
    with closing(build(endpoint=endpoint)) as made:
        url = httpx.URL(endpoint)
        assert made.account()["endpoint"] == url.host
        [request], _ = made.requests([identify()])
        shown = httpx.URL(made.head(request)[0].removeprefix("POST "))
        assert (shown.scheme, shown.host, shown.port, shown.path) == (url.scheme, url.host, url.port, "/v1/batch")
