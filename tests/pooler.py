"""A connection pooler in transaction mode with one server connection, as small as can be: no COPY, no passwords.

It announces another backend than the one that serves, as poolers do, and lends its server connection to whichever
client has something to say, for one transaction.
"""

import itertools
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

_PROTOCOL = 196608


class _Stream:
    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def message(self) -> tuple[bytes, bytes]:
        kind, length = struct.unpack("!cI", self.exactly(5))
        return kind, self.exactly(length - 4)

    def send(self, kind: bytes, body: bytes) -> None:
        self.socket.sendall(kind + struct.pack("!I", len(body) + 4) + body)


class Pooler:
    """Listens on loopback; `port` is where. `lent` counts the transactions for which it lent its server connection."""

    def __init__(self, url: str) -> None:
        self._server = _connected(url)
        self._parameters = self._begun(url)
        self._busy = threading.Lock()
        self._numbers = itertools.count(1_000_000)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lent = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self._server.socket.close()

    def _begun(self, url: str) -> list[bytes]:
        named = psycopg.conninfo.conninfo_to_dict(url)
        words = ["user", str(named["user"]), "database", str(named["dbname"]), "client_encoding", "UTF8", ""]
        body = struct.pack("!I", _PROTOCOL) + b"".join(word.encode() + b"\0" for word in words)
        self._server.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        parameters = []
        while True:
            kind, body = self._server.message()
            if kind == b"S":
                parameters.append(body)
            elif kind == b"Z":
                return parameters
            elif kind == b"R" and body != b"\0\0\0\0":
                raise AssertionError("this pooler knows no password")

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(_Stream(client),), daemon=True).start()

    def _serve(self, client: _Stream) -> None:
        with client.socket, suppress(EOFError, OSError):
            self._greet(client)
            while True:
                kind, body = client.message()
                if kind == b"X":
                    return
                self._transaction(client, kind, body)

    def _greet(self, client: _Stream) -> None:
        while True:
            (length,) = struct.unpack("!I", client.exactly(4))
            (code,) = struct.unpack("!I", client.exactly(length - 4)[:4])
            if code == _PROTOCOL:
                break
            client.socket.sendall(b"N")  # neither TLS nor GSSAPI
        client.send(b"R", b"\0\0\0\0")
        for parameter in self._parameters:
            client.send(b"S", parameter)
        client.send(b"K", struct.pack("!II", next(self._numbers), 0))
        client.send(b"Z", b"I")

    def _transaction(self, client: _Stream, kind: bytes, body: bytes) -> None:
        with self._busy:
            self.lent += 1
            while True:
                self._server.send(kind, body)
                if kind in {b"Q", b"S"} and self._answer(client) == b"I":
                    return
                kind, body = client.message()

    def _answer(self, client: _Stream) -> bytes:
        while True:
            kind, body = self._server.message()
            client.send(kind, body)
            if kind == b"Z":
                return body


def _connected(url: str) -> _Stream:
    named = psycopg.conninfo.conninfo_to_dict(url)
    host, port = str(named.get("host", "localhost")), int(named.get("port") or 5432)
    if host.startswith("/"):
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(f"{host}/.s.PGSQL.{port}")
        return _Stream(connected)
    return _Stream(socket.create_connection((host, port)))


@contextmanager
def pooling(url: str) -> Iterator[tuple[Pooler, str]]:
    """A pooler before the database of this URL, and the URL through it."""
    pooler = Pooler(url)
    named = psycopg.conninfo.conninfo_to_dict(url)
    try:
        yield pooler, f"postgresql://{named['user']}@127.0.0.1:{pooler.port}/{named['dbname']}"
    finally:
        pooler.close()
