"""The heartbeat: one request, and nothing that its receiver answers keeps a run from ending."""

import socket
import time

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from syncer.daemon import channels
from tests.raw_server import RawServer


@pytest.mark.parametrize(
    ("first", "again", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"a", ["the heartbeat could not be sent"]),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", ["the heartbeat could not be sent"]),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, []),
        (
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https:login\r\n\r\n",
            b"",
            ["the heartbeat was refused"],
        ),
        (b"HTTP/1.1 200 OK\r\nSet-Cookie: city=K\xf6ln\r\nContent-Length: 0\r\n\r\n", b"", []),
        (b"SSH-2.0-OpenSSH\r\n", b"", ["the heartbeat could not be sent"]),
    ],
    ids=["drips", "hints", "large", "redirects", "cookie", "no HTTP"],
)
def test_it_ends_in_time(monkeypatch: pytest.MonkeyPatch, first: bytes, again: bytes, said: list[str]) -> None:
    monkeypatch.setattr(channels, "_HEARTBEAT_SECONDS", 0.3)

    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        server.forever(connection, again, 0.01)

    with RawServer(script) as server, capture_logs() as logged:
        began = time.monotonic()
        channels.Apprise([], SecretStr(f"{server.url}/heart?key=s3cret")).beat()
        assert time.monotonic() - began < 3
    assert [entry["event"] for entry in logged] == said
    assert "s3cret" not in str(logged)
    assert len(server.requests) == 1
