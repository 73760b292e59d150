"""How close a delivery comes to its limits: to a configured rate, and to the round trips of a slow receiver.

    .venv/bin/python -m tests.bench.pace --work FOLDER

The receiver takes the times, from the first request that comes in to the last.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tests.bench import ours, server, sink, warehouse
from tests.bench.contestants import Place

LATENCY_MS = 45
RATE = 1000
MAILMODO_CONTACTS = 100
"""The most that Mailmodo takes in one call; it takes one call at a time."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The requests in the order in which they came in: when, in seconds, and with how many contacts."""

    times: Sequence[float]
    contacts: Sequence[int]

    @property
    def seconds(self) -> float:
        return self.times[-1] - self.times[0]

    @property
    def per_second(self) -> float:
        """Contacts a second. Those of the last request do not count: the clock stops when it comes in."""
        return sum(self.contacts[:-1]) / self.seconds

    def most_within(self, seconds: float) -> int:
        """The most contacts that came within any stretch of this many seconds."""
        most, first, within = 0, 0, 0
        for at, contacts in zip(self.times, self.contacts, strict=True):
            within += contacts
            while self.times[first] <= at - seconds:
                within -= self.contacts[first]
                first += 1
            most = max(most, within)
        return most


def _arrivals(spool: Path) -> Arrivals:
    came: list[tuple[float, int]] = []
    for at, body in sink.received(spool):
        said = json.loads(body) if body else {}
        contacts = said.get("batch") or said.get("values") or []
        if contacts:
            came.append((at, len(contacts)))
    return Arrivals([at for at, _ in came], [contacts for _, contacts in came])


_SEGMENT = """
[[destinations]]
name = "paced"
type = "segment"
write_key = "bench"
endpoint = "{endpoint}"
max_events_per_second = {rate}
"""
_MAILMODO = """
[[destinations]]
name = "paced"
type = "mailmodo"
api_key = "bench"
list_name = "Audiences"
endpoint = "{endpoint}/api/v1"
max_requests_per_second = 0
"""


def _initial_sync(running: server.Server, folder: Path, destination: str, latency_ms: int) -> Arrivals:
    """Runs an initial sync, and returns what came in."""
    place = Place(running, folder)
    ours.forget_everything(place)
    spool = folder / "spool"
    with sink.receiving(spool, latency_ms) as receiving:
        table, _, _ = ours.config(place).read_text().partition("[[destinations]]")
        path = folder / "paced.toml"
        path.write_text(table + destination.format(endpoint=f"http://127.0.0.1:{receiving.port}", rate=RATE))
        syncer = Path(sys.executable).with_name("syncer")
        subprocess.run([str(syncer), "--config", str(path), "sync"], check=True, capture_output=True)
    return _arrivals(spool)


@click.command(help=__doc__)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Keeps the server here.")
def main(work: Path) -> None:
    logging.disable()
    with server.running(work / "data") as running:
        warehouse.generate(running, 250_000)
        there = _initial_sync(running, work, _SEGMENT, LATENCY_MS)
        most = there.most_within(10)
        print(
            f"segment, {RATE} events a second, {LATENCY_MS} ms: {100 * there.per_second / RATE:.1f} % of the rate over"
            f" {there.seconds:.1f} s; the largest request {max(there.contacts)}, the most in 10 s {most}"
        )
        there = _initial_sync(running, work, _MAILMODO, LATENCY_MS)
        possible = MAILMODO_CONTACTS * 1000 / LATENCY_MS
        print(
            f"mailmodo, no limit, {LATENCY_MS} ms: {there.per_second:,.0f} contacts a second,"
            f" {100 * there.per_second / possible:.1f} % of {MAILMODO_CONTACTS} a round trip ({possible:,.0f})"
        )


if __name__ == "__main__":
    main()
