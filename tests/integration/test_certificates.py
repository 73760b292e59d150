"""A certificate of a destination that ends soon is noted by `check`, before calls are refused because of it."""

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from syncer import environment
from syncer.fetching import open_transport, reach
from tests.world import World

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], str]]:
    """A server on this machine, whose certificate is trusted and ends in so many days: its address."""
    servers: list[ThreadingHTTPServer] = []

    def started(days: int) -> str:
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        where = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*request.split(), "-days", str(days), *where], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        environment.tls.cache_clear()
        return f"https://localhost:{server.server_port}"

    yield started
    for server in servers:
        server.shutdown()
        server.server_close()
    environment.tls.cache_clear()


@pytest.mark.parametrize(("days", "notes"), [(13, 1), (16, 0)])
def test_check_notes_a_certificate_that_ends_within_two_weeks(
    world: World, serve: Callable[[int], str], days: int, notes: int
) -> None:
    world.extra = f"""
[[destinations]]
name = "hook"
type = "webhook"
url = "{serve(days)}/secret-token"
"""
    done = world.command("check")

    assert done.returncode == 0
    assert done.stderr.count("note: destinations[0]: the certificate of localhost ends on ") == notes
    assert "secret-token" not in done.stderr


def test_who_shows_no_certificate_has_none_that_ends(world: World) -> None:
    transport = open_transport(world.receiver.url)
    assert reach(transport, world.receiver.url, 5) is None
    transport.close()
