"""Sessions with PostgreSQL over a network notice that nobody is at the other end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from syncer import addresses
from syncer.state import State
from syncer.warehouses import open_warehouse

ASKED = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 30_000}


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def over_tcp(state: State) -> Iterator[str]:
    """The URL of the test's database through a relay: its server listens on a Unix socket only."""
    named = psycopg.conninfo.conninfo_to_dict(state.url)
    listener = socket.create_server(("127.0.0.1", 0))
    opened = [listener]

    def relay() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                if str(named["host"]).startswith("/"):
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(f"{named['host']}/.s.PGSQL.{named['port']}")
                else:
                    server = socket.create_connection((str(named["host"]), int(str(named["port"]))))
                opened.extend((client, server))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=relay, daemon=True).start()
    yield f"postgresql://{named['user']}@127.0.0.1:{listener.getsockname()[1]}/{named['dbname']}"
    for each in opened:
        each.close()


def options(connection: psycopg.Connection[object]) -> dict[int, int]:
    opened = socket.socket(fileno=connection.fileno())
    found = {each: opened.getsockopt(socket.IPPROTO_TCP, each) for each in ASKED}
    opened.detach()
    return found


@pytest.mark.fresh_sessions
def test_the_states_sessions_do(over_tcp: str) -> None:
    with State(over_tcp, "syncer").connect("test") as connection:
        assert options(connection) == ASKED
    with State(f"{over_tcp}?keepalives_idle=99", "syncer").connect("test") as connection:
        assert options(connection) == {**ASKED, socket.TCP_KEEPIDLE: 99}, "the URL knows better"


@pytest.mark.fresh_sessions
def test_the_warehouses_sessions_do(over_tcp: str) -> None:
    warehouse = open_warehouse(addresses.of_postgresql(addresses.parse(over_tcp)), {})
    with warehouse._connect() as connection:  # type: ignore[attr-defined]
        assert options(connection) == ASKED
