"""Servers of alerts that never end an answer: nothing waits for them for long, and nobody else hears less."""

import json
import socket
import time
from collections.abc import Iterator

import apprise
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from syncer.daemon import channels
from syncer.receivers.loopback import Answer, Call, Ending, Loopback
from tests.raw_server import RawServer


class Phone:
    def __init__(self) -> None:
        self.titles: list[str] = []
        self.http = Loopback(self._take)

    def _take(self, call: Call) -> Ending:
        self.titles.append(json.loads(call.body)["title"])
        return Answer(200)


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    with phone.http:
        yield phone


def place(url: str) -> SecretStr:
    return SecretStr(url.replace("http://", "json://") + "/s3cret")


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_drips_delays_a_message_once_and_takes_it_from_nobody_else(
    monkeypatch: pytest.MonkeyPatch, phone: Phone, first: bytes
) -> None:
    assert apprise.Apprise.instantiate("json://localhost")  # reads all that it has, once, which takes its time
    monkeypatch.setattr(channels, "_MESSAGE_SECONDS", 2.0)

    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        server.forever(connection, b"a", 0.01)

    with RawServer(script) as server, capture_logs() as logged:
        channel = channels.Apprise([place(server.url), place(phone.http.url)], None)
        began = time.monotonic()
        assert [channel.send(title, "body") for title in ("one", "two", "three")] == [True, True, True]
        assert time.monotonic() - began < 10

    assert phone.titles == ["one", "two", "three"]
    assert [entry["event"] for entry in logged] == [
        "an alert had no answer in time",
        "an alert was not sent: the one before has no answer yet",
        "an alert was not sent: the one before has no answer yet",
    ]
    assert {entry["place"] for entry in logged} == {"alerts.urls[0]"}
    assert "s3cret" not in str(logged)
