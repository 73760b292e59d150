"""The web server where it takes bodies, makes answers in lanes, and lets some come later."""

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from syncer import app, opening, web
from syncer.console.site import Console
from syncer.web import Answer, Lane, Later, Page, Request, WebServer, Work
from tests.integration.test_probes import connected, dropped, serving
from tests.world import DEADLINE, World, members

ECHO = Page(lambda request: Answer(HTTPStatus.OK, b"%d" % len(request.body)), methods=("POST",))
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


def answered(opened: socket.socket) -> bytes:
    """The status line of what is answered."""
    return opened.recv(100).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("", b"", b"200 OK"),
        ("Content-Length: 5", b"hello", b"200 OK"),
        ("Content-Length: 65536", b"x" * 65536, b"200 OK"),
        ("Content-Length: 65537", b"", b"413 Request Entity Too Large"),
        ("Content-Length: 99999999999999999999", b"", b"413 Request Entity Too Large"),
        (f"Content-Length: {'0' * 11}99999", b"", b"413 Request Entity Too Large"),
        (f"Content-Length: {'0' * 5000}5", b"hello", b"200 OK"),
        ("Content-Length: -1", b"", b"411 Length Required"),
        ("Content-Length: x", b"", b"411 Length Required"),
        ("Content-Length: 5\r\nContent-Length: 6", b"hello", b"411 Length Required"),
        ("Transfer-Encoding: chunked", b"0\r\n\r\n", b"411 Length Required"),
        ("no header", b"", b"400 Bad Request"),
        ("Content-Length : 5", b"hello", b"400 Bad Request"),
        (" folded: 1", b"", b"400 Bad Request"),
    ],
)
def test_bodies(headers: str, body: bytes, status: bytes) -> None:
    head = POST + (f"{headers}\r\n".encode() if headers else b"") + b"\r\n"
    with serving(echo=ECHO) as url, connected(url, head + body) as asking:
        said = answered(asking)
        assert said.startswith(b"HTTP/1.1 " + status[:3]), said


def test_a_slow_body_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.1)
    with serving(echo=ECHO) as url, connected(url, POST + b"Content-Length: 60000\r\n\r\nx") as slow:
        assert dropped(slow)


def test_who_sends_half_a_body_keeps_nobody_from_an_answer() -> None:
    with serving(echo=ECHO) as url, ExitStack() as stack:
        for _ in range(web.CONNECTIONS + 10):
            stack.enter_context(connected(url, POST + b"Content-Length: 60000\r\n\r\nx"))
        assert httpx.post(f"{url}/echo", content=b"abc").text == "3"


def test_a_method_that_a_page_does_not_have() -> None:
    with serving(echo=ECHO) as url:
        asked = httpx.get(f"{url}/echo")
        assert (asked.status_code, asked.headers["allow"], asked.text) == (405, "POST", "ask with POST\n")
        assert httpx.request("DELETE", f"{url}/echo").status_code == 405
        assert httpx.post(f"{url}/healthz").headers["allow"] == "GET, HEAD"


@pytest.fixture
def goes_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def waiting(lane: Lane, event: threading.Event) -> Page:
    return Page(lambda _: Work(lane, lambda: Answer(HTTPStatus.OK, b"%d" % event.wait(DEADLINE))))


def test_no_kind_of_answer_takes_the_threads_of_another(goes_on: threading.Event) -> None:
    pages, scrapes = Lane("page", 2, 4), Lane("scrape", 1, 1)
    scrape = Page(lambda _: Work(scrapes, lambda: Answer(HTTPStatus.OK, b"numbers")))
    with serving(page=waiting(pages, goes_on), metrics=scrape) as url, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(url, b"GET /page HTTP/1.1\r\n\r\n"))
        full = httpx.get(f"{url}/page")
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        assert httpx.get(f"{url}/metrics").text == "numbers"
        goes_on.set()


def test_what_takes_too_long_is_said(goes_on: threading.Event) -> None:
    page = Page(lambda _: Work(Lane("slow", 1, 1), lambda: Answer(HTTPStatus.OK, b"%d" % goes_on.wait(DEADLINE)), 0.05))
    with serving(slow=page) as url:
        assert httpx.get(f"{url}/slow").status_code == 504
        goes_on.set()


def test_an_answer_that_comes_later_holds_no_thread_meanwhile(goes_on: threading.Event) -> None:
    asked = threading.Semaphore(0)

    def look() -> Answer | Later:
        asked.release()
        return Answer(HTTPStatus.OK, b"ended") if goes_on.is_set() else Later(0.01, look)

    lane = Lane("look", threads=1, places=web.LATER_AT_A_TIME + 5)
    other = Page(lambda _: Work(lane, lambda: Answer(HTTPStatus.OK, b"other")))
    with serving(later=Page(lambda _: Work(lane, look)), other=other) as url, ExitStack() as stack:
        ask = b"GET /later HTTP/1.1\r\n\r\n"
        waiters = [stack.enter_context(connected(url, ask)) for _ in range(web.LATER_AT_A_TIME)]
        for _ in range(2 * web.LATER_AT_A_TIME):
            assert asked.acquire(timeout=DEADLINE)
        assert httpx.get(f"{url}/later").status_code == 503  # nobody else may wait
        assert httpx.get(f"{url}/other").text == "other"
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        goes_on.set()
        assert all(answered(each).endswith(b"200 OK") for each in waiters)


def test_who_acts_is_told_to_come_again_before_anything_is_done_and_not_afterwards(
    goes_on: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "LATER_AT_A_TIME", 1)
    asked, done = threading.Semaphore(0), threading.Semaphore(0)

    def look() -> Answer | Later:
        asked.release()
        return Answer(HTTPStatus.OK, b"ended") if goes_on.is_set() else Later(0.01, look)

    def act() -> Later:
        done.release()
        return Later(0.01, look)

    looks, acts = Lane("look", threads=1, places=9), Lane("act", threads=1, places=3, acts=True)
    look_at, do = Page(lambda _: Work(looks, look)), Page(lambda _: Work(acts, act))
    with serving(look=look_at, act=do) as url, ExitStack() as stack:
        waiters = [stack.enter_context(connected(url, b"GET /look HTTP/1.1\r\n\r\n"))]
        for _ in range(2):
            assert asked.acquire(timeout=DEADLINE)
        assert httpx.get(f"{url}/look").status_code == 503
        for _ in range(3):
            waiters.append(stack.enter_context(connected(url, b"GET /act HTTP/1.1\r\n\r\n")))
            assert done.acquire(timeout=DEADLINE)
        assert httpx.get(f"{url}/act").status_code == 503
        goes_on.set()
        assert all(answered(each).endswith(b"200 OK") for each in waiters)
    assert not done.acquire(blocking=False)  # what was sent away was not done


def test_who_hangs_up_waits_no_longer() -> None:
    asked = threading.Semaphore(0)

    def look() -> Later:
        asked.release()
        return Later(0.01, look)

    with serving(later=Page(lambda _: Work(Lane("look", 1, 1), look))) as url:
        for _ in range(3 * web.LATER_AT_A_TIME):
            with connected(url, b"GET /later HTTP/1.1\r\n\r\n"):
                assert asked.acquire(timeout=DEADLINE)


def test_two_thousand_half_sent_requests_take_nothing_from_a_run(world: World) -> None:
    """They neither block it nor take file descriptors: those of the server are bounded, whoever knocks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    world.warehouse.replace(members(20))
    world.extra = ""
    opened_files = Path("/proc/self/fd")
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        opened = stack.enter_context(app.opened(opening.load(world.config, {})))
        server = WebServer("127.0.0.1:0", Console(opened).page)
        server.open()
        thread = threading.Thread(target=server.keep)
        thread.start()
        stack.callback(thread.join, DEADLINE)
        stack.callback(server.close)
        before = sum(1 for _ in opened_files.iterdir())
        url = f"http://{server.address}"
        knocking = []
        for number in range(2000):
            knocking.append(stack.enter_context(connected(url)))
            with suppress(OSError):  # it is dropped already
                knocking[-1].sendall(POST if number % 2 else b"GET /now HTTP/1.1\r\nHost:")
            if number == 1000:
                result = world.sync()
        assert sum(1 for _ in opened_files.iterdir()) - len(knocking) <= before + 2 * web.CONNECTIONS
        assert (result.report.status, len(world.believed())) == ("succeeded", 20)
        assert httpx.get(f"{url}/now.json").status_code == 200


def test_a_request_says_who_asks_and_how() -> None:
    seen: list[Request] = []

    def see(request: Request) -> Answer:
        seen.append(request)
        return Answer(HTTPStatus.OK, b"")

    with serving(see=Page(see, methods=("GET", "POST"))) as url:
        httpx.post(f"{url}/see/?a=1&a=2&b=", headers=[("X-Twice", "1"), ("X-Twice", "2")], content=b"body")
    [request] = seen
    assert (request.method, request.path, request.client, request.body) == ("POST", "/see", "127.0.0.1", b"body")
    assert (request.query, request.every) == ({"a": "1", "b": ""}, {"a": ["1", "2"], "b": [""]})
    assert request.headers["x-twice"] == "1, 2"
