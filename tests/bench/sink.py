"""A receiver that costs as little as one in Python can: it keeps what it gets and answers in one write.

It runs as a process of its own, speaks HTTP/1.1 with keep-alive, accepts everything, and spools the bodies to a file,
each with its length and the time of its answer. They are decoded after the clock has stopped (`belief`, `pace`). One
answer serves Segment and Mailmodo alike, and names the only list that there is.

    python -m tests.bench.sink SPOOL LATENCY_MS      prints its port, and at SIGTERM its number of requests
"""

import asyncio
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BODY = b'{"success":true,"listDetails":[{"name":"Audiences"}]}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
HEAD = struct.Struct(">Qd")
"""Before each body: its length, and the seconds of a monotonic clock when it was answered."""


class _Connection(asyncio.Protocol):
    """One client, whose requests are answered one after the other."""

    def __init__(self, sink: "_Sink") -> None:
        self._sink = sink
        self._received = bytearray()
        self._body_from = 0
        self._until = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._whole_request():
            if self._sink.latency:
                body = bytes(self._received[self._body_from : self._until])
                asyncio.get_running_loop().call_later(self._sink.latency, self._accept, memoryview(body))
            else:
                self._accept(memoryview(self._received)[self._body_from : self._until])
            del self._received[: self._until]
            self._until = 0

    def _accept(self, body: memoryview) -> None:
        self._sink.take(body)
        self._transport.write(REPLY)

    def _whole_request(self) -> bool:
        if not self._until:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return False
            head = bytes(self._received[:head_end]).lower()
            length = next((line for line in head.split(b"\r\n") if line.startswith(b"content-length:")), b":0")
            if b"\r\nexpect:" in head:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._body_from = head_end + 4
            self._until = self._body_from + int(length.partition(b":")[2])
        return len(self._received) >= self._until


class _Sink:
    def __init__(self, spool: Path, latency: float) -> None:
        self._spool = spool.open("wb", buffering=1 << 20)
        self.latency = latency
        self.requests = 0

    def take(self, body: memoryview) -> None:
        self.requests += 1
        self._spool.write(HEAD.pack(len(body), time.monotonic()))
        self._spool.write(body)
        body.release()

    def close(self) -> None:
        self._spool.close()


async def _serve(spool: Path, latency: float) -> None:
    sink = _Sink(spool, latency)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(sink), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    sink.close()
    print(sink.requests, flush=True)


def received(spool: Path) -> Iterator[tuple[float, bytes]]:
    """The time and the body of each request, in their order."""
    with spool.open("rb") as file:
        while head := file.read(HEAD.size):
            size, at = HEAD.unpack(head)
            yield at, file.read(size)


@dataclass(slots=True)
class Receiving:
    """A running sink; when it has stopped, the number of requests that it got."""

    port: int
    requests: int = 0


@contextmanager
def receiving(spool: Path, latency_ms: int = 0) -> Iterator[Receiving]:
    """Runs a sink on loopback as long as the context lasts."""
    command = [sys.executable, "-m", "tests.bench.sink", str(spool), str(latency_ms)]
    # In a group of its own, so that Ctrl-C ends the benchmark, and the benchmark ends it.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as process:
        assert process.stdout is not None
        sink = Receiving(int(process.stdout.readline()))
        try:
            yield sink
        finally:
            process.terminate()
            sink.requests = int(process.stdout.read() or 0)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]) / 1000))
