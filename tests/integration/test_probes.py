"""The web server for probes: nobody keeps it from answering others, and it tells nobody what is not theirs to know."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import httpx
import psycopg
import pytest

from syncer import web
from syncer.daemon import health
from syncer.daemon.health import Health
from syncer.daemon.lateness import Lookout
from syncer.schedule import Cadence
from syncer.state import State
from syncer.web import Answer, Lane, Page, WebServer, Work
from tests.world import DEADLINE, World

LANE = Lane("slow", threads=2, places=2)


def slow_page(make: Callable[[], Answer], lane: Lane = LANE) -> Page:
    return Page(lambda _: Work(lane, make))


@contextmanager
def serving(listen: str = "127.0.0.1:0", **pages: Page) -> Iterator[str]:
    fine = Page(lambda _: Answer(HTTPStatus.OK, b"ok\n"))
    server = WebServer(listen, {"/healthz": fine, **{f"/{name}": page for name, page in pages.items()}}.get)
    server.open()
    thread = threading.Thread(target=server.keep)
    thread.start()
    try:
        assert server.address is not None
        yield f"http://{server.address}"
    finally:
        server.close()
        thread.join(DEADLINE)
        assert not thread.is_alive()


def connected(url: str, sent: bytes = b"") -> socket.socket:
    at = httpx.URL(url)
    opened = socket.create_connection((at.host, at.port or 0), timeout=DEADLINE)
    opened.sendall(sent)
    return opened


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_many_half_sent_requests_keep_nobody_from_an_answer() -> None:
    threads, files = threading.active_count(), open_files()
    with serving() as url, ExitStack() as stack:
        half_sent = []
        for _ in range(300):
            half_sent.append(stack.enter_context(connected(url)))
            with suppress(OSError):  # it is dropped already
                half_sent[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        assert threading.active_count() <= threads + 1
        assert open_files() - len(half_sent) <= files + web.CONNECTIONS + 10


def dropped(opened: socket.socket) -> bool:
    try:
        return opened.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("drip", [b"", b"GET /healthz HTTP/1.1\r\n"])
def test_who_dawdles_is_dropped(drip: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.1)
    with serving() as url, connected(url, drip) as slow:
        assert dropped(slow)


def test_a_request_without_end_is_dropped() -> None:
    with serving() as url, connected(url, b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 8192) as endless:
        assert endless.recv(100).startswith(b"HTTP/1.1 431 ")
        with suppress(OSError):
            for _ in range(100):
                endless.sendall(b"x" * 8192)
        assert any(dropped(endless) for _ in range(10))
        assert httpx.get(f"{url}/healthz").status_code == 200


def test_who_hangs_up_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    began, goes_on = threading.Event(), threading.Event()

    def slowly() -> Answer:
        began.set()
        assert goes_on.wait(DEADLINE)
        return Answer(HTTPStatus.OK, b"x" * 1_000_000)

    with serving(slow=slow_page(slowly)) as url:
        for sent in (b"", b"GET /healthz", b"\x16\x03\x01\r\n\r\n", b"GET /slow HTTP/1.1\r\n\r\n"):
            with connected(url, sent) as hung_up:
                hung_up.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
                if b"slow" in sent:
                    assert began.wait(DEADLINE)
        goes_on.set()
        assert httpx.get(f"{url}/slow").status_code == 200
    assert "Traceback" not in "".join(capfd.readouterr())


def test_slow_answers_keep_no_quick_one_waiting() -> None:
    goes_on = threading.Event()
    slow = slow_page(lambda: Answer(HTTPStatus.OK, b"%d" % goes_on.wait(DEADLINE)))
    ask = b"GET /slow HTTP/1.1\r\n\r\n"
    with serving(slow=slow) as url, ExitStack() as stack:
        asking = [stack.enter_context(connected(url, ask)) for _ in range(30)]
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/slow").status_code == 503
        goes_on.set()
        assert sum(each.recv(100).startswith(b"HTTP/1.1 200") for each in asking) == 2


def test_what_fails_is_answered_too(caplog: pytest.LogCaptureFixture) -> None:
    with serving(broken=Page(lambda _: Answer(HTTPStatus(1 // 0), b""))) as url:
        answer = httpx.get(f"{url}/broken")
    assert (answer.status_code, answer.text) == (500, "unexpected; the log says more\n")


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/healthz?x=1", "/healthz/?x=1&y=/"])
def test_a_path_is_a_path_whatever_stands_behind_it(path: str) -> None:
    with serving() as url:
        asked, head = httpx.get(f"{url}{path}"), httpx.head(f"{url}{path}")
    assert (asked.status_code, asked.text) == (200, "ok\n")
    assert (head.status_code, head.text, head.headers["content-length"]) == (200, "", "3")


def test_what_is_not_there() -> None:
    with serving() as url:
        assert httpx.get(f"{url}/other").status_code == 404
        assert httpx.post(f"{url}/healthz").status_code == 405
        with connected(url, b"hello there\r\n\r\n") as other:
            assert other.recv(100).startswith(b"HTTP/1.1 400 ")
        with connected(url, b"GET http://x/healthz HTTP/1.1\r\n\r\n") as proxied:
            assert proxied.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_listens_by_ipv6() -> None:
    with serving("[::1]:0") as url:
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}/healthz").status_code == 200
    with serving("[::]:0") as url:
        port = httpx.URL(url).port
        for host in ("[::1]", "127.0.0.1"):
            assert httpx.get(f"http://{host}:{port}/healthz").status_code == 200


def unanswering(state: State) -> dict[str, str]:
    """What each path answers with 503."""
    lookout = Lookout(state, Cadence(), 60)
    lookout.look()
    with health.serving("127.0.0.1:0", state, Health(60, lookout)) as server:
        answers = {path: httpx.get(f"http://{server.address}{path}") for path in ("/readyz", "/metrics")}
    assert {each.status_code for each in answers.values()} == {503}
    return {path: answer.text for path, answer in answers.items()}


def test_nobody_is_told_where_the_state_is() -> None:
    for text in unanswering(State("postgresql://keeper:secret@127.0.0.1:9/gone", "syncer")).values():
        assert text == "the state cannot be used; the log says more\n"


def test_a_schema_that_is_missing_is_said(world: World) -> None:
    with psycopg.connect(world.state_url) as connection:
        connection.execute("DROP SCHEMA syncer CASCADE")
    for text in unanswering(State(world.state_url, "syncer")).values():
        assert text == "the state schema 'syncer' does not exist; run `syncer migrate`\n"


@pytest.mark.fresh_sessions
def test_probes_during_a_lock_leave_no_session(world: World) -> None:
    state = State(world.state_url, "syncer")
    lookout = Lookout(state, Cadence(), 60)
    with health.serving("127.0.0.1:0", state, Health(60, lookout)) as server, psycopg.connect(world.state_url) as other:
        other.execute("LOCK TABLE syncer.schema_migration, syncer.run")
        for _ in range(20):
            assert httpx.get(f"http://{server.address}/readyz").status_code == 503
        assert world.query("SELECT FROM pg_stat_activity WHERE application_name LIKE 'syncer %'") == []
