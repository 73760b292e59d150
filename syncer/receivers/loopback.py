"""An HTTP server on 127.0.0.1 that answers, or fails to answer, exactly as it is told; what every receiver stands on.

Knows nothing of any destination: a `Receiver` turns each `Call` into an `Ending`. The server keeps connections open as
a real receiver does, and writes each answer in one piece: headers and body in two writes cost 40 ms each, by Nagle's
algorithm and delayed acknowledgements.
"""

import socket
import struct
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

EVERYTHING = -1
"""As `apply` of a fault: all that was sent takes effect, although no answer says so."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in. Names of `headers` are lower case; `parallel` counts the requests in progress."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    parallel: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a body. Of what was sent, the first `apply` events take effect (`EVERYTHING`: all)."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    apply: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST) instead of an answer."""

    apply: int = 0


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer, until `Loopback.release` or the end of the server; then the connection is closed."""

    apply: int = 0


@dataclass(frozen=True, slots=True)
class Truncate:
    """An answer that ends before the length that its headers name."""

    status: int = 200
    apply: int = 0


Ending = Answer | Reset | Hang | Truncate


@dataclass(frozen=True, slots=True)
class Delay:
    """Waits, then answers as if nothing had been."""

    seconds: float


Fault = Ending | Delay
"""What a script makes of a call instead of what the receiver would do by itself."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request: its headers without the credentials, and what became of it. `status` None: no answer."""

    number: int
    headers: Mapping[str, str]
    status: int | None
    events: int
    size: int


class Loopback:
    """The server. `changed` is notified after every call and guards whatever the receiver keeps.

    `connections` counts those that clients have opened so far.
    `violations` says what clients did wrong. An exception of the receiver or its script is noted there too, so that
    it is not overlooked.
    """

    def __init__(self, respond: Callable[[Call], Ending], *, latency: float = 0.0) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.arrived = 0
        self.in_progress = 0
        self.most_in_progress = 0
        self.connections = 0
        self.violations: list[str] = []
        self._respond = respond
        self._latency = latency
        self._released = threading.Event()
        self._stopping = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the receiver was not started")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.disconnect_all()
            self._server.server_close()

    def release(self) -> None:
        """Lets go of every request that hangs; later ones do not hang."""
        self._released.set()

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond the end of the server."""
        self._stopping.wait(seconds)

    def wait_for(self, predicate: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Waits until the predicate holds, asked again after every change. False if that took too long."""
        with self.changed:
            return self.changed.wait_for(predicate, timeout)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Ending:
        """Has one call answered, counting those in progress."""
        with self.changed:
            self.arrived += 1
            self.in_progress += 1
            self.most_in_progress = max(self.most_in_progress, self.in_progress)
            call = Call(self.arrived, method, path, headers, body, self.in_progress)
            self.changed.notify_all()
        if self._latency:
            self.pause(self._latency)
        ending = self._respond(call)
        if isinstance(ending, Hang):
            self._released.wait()
        return ending

    def done(self) -> None:
        """Counts a call as over, before its answer leaves: so a client never sees its own call in progress."""
        with self.changed:
            self.in_progress -= 1
            self.changed.notify_all()

    def failed(self, exc: BaseException | None) -> None:
        """Notes an exception of the receiver or its script."""
        with self.changed:
            self.violations.append(f"the receiver broke: {type(exc).__name__}: {exc}")
            self.changed.notify_all()


class Receiver(ABC):
    """Listens while it is entered. Everything that it keeps may be read at any time; to go through what still grows,
    hold `http.changed`.

    `violations` are the rules that the client broke, one sentence each.
    """

    def __init__(self, *, latency: float = 0.0) -> None:
        self.http = Loopback(self._respond, latency=latency)
        self.violations = self.http.violations
        self._lock = self.http.changed

    @abstractmethod
    def _respond(self, call: Call) -> Ending:
        """What becomes of one call. Called from many threads."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.http.url

    def __enter__(self) -> Self:
        self.http.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.__exit__(kind, exc, trace)

    def release(self) -> None:
        """Lets go of every request that hangs; later ones do not hang."""
        self.http.release()

    def wait_for(self, predicate: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Waits until the predicate holds, asked again after every change. False if that took too long."""
        return self.http.wait_for(predicate, timeout)

    def _delayed(self, fault: Fault | None) -> Ending | None:
        """The ending that a script decided on; None, after the wait, for a `Delay`."""
        if isinstance(fault, Delay):
            self.http.pause(fault.seconds)
            return None
        return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    loopback: Loopback

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._connections: set[socket.socket] = set()
        self._gone = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._gone:
            self._connections.add(request)
        self.loopback.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._gone:
            self._connections.discard(request)
            self._gone.notify_all()

    def disconnect_all(self) -> None:
        """Ends the connections that clients keep open, and waits until their threads are through."""
        with self._gone:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # already gone
                    continue
            self._gone.wait_for(lambda: not self._connections, timeout=5.0)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the base's signature)
        """A client that hangs up is none of our business; anything else is a bug here."""
        exc = sys.exc_info()[1]
        if not isinstance(exc, OSError):
            self.loopback.failed(exc)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        loopback = self.server.loopback
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client hung up: this never was a request
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        ending: Ending = Reset()
        try:
            ending = loopback.handle(self.command, self.path, headers, body)
        except Exception as exc:
            loopback.failed(exc)
        finally:
            loopback.done()
        self._end(ending)

    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815

    def _end(self, ending: Ending) -> None:
        match ending:
            case Answer():
                self._write(ending.status, ending.headers, ending.body, len(ending.body))
            case Truncate():
                self._write(ending.status, {}, b'{"succ', 100)
                self.close_connection = True
            case Hang():
                self.close_connection = True
            case Reset():
                self._reset()

    def _write(self, status: int, headers: Mapping[str, str], body: bytes, length: int) -> None:
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Unknown',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {length}", "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + body)

    def _reset(self) -> None:
        """Closes at once, so that the client gets an RST: lingering for no time drops what was not sent."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()  # it holds the socket open
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's signature)
        """Nothing is printed."""
