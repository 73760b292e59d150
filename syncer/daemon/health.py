"""Health for machines: is the daemon alive, is it ready, and its numbers for Prometheus.

    GET /healthz   200 while something happens; 503 if nothing did for `stall_timeout`
    GET /readyz    200 if it leads or stands by, the schema is right, and no run is late (see `lateness`)
    GET /metrics   read from the state at every scrape, so that all its daemons answer the same; names no person

Counters are sums over all runs that there ever were: runs and their counts are never dropped. Only the process that
sent requests knows how long they took.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from syncer import errors, sync
from syncer.daemon.lateness import Lookout
from syncer.delivery.timing import REQUEST_SECONDS
from syncer.log import Logger
from syncer.reconciling.judging import KINDS
from syncer.state import Connection, State, fetch_all, freshness, migrations, status
from syncer.state.freshness import Freshness, Promise
from syncer.web import Answer, Lane, Page, Pages, WebServer, Work

_SCRAPE_SECONDS = 8.0
SCRAPES = Lane("scrape", threads=2, places=2)

log = Logger(__name__)


class Health:
    """Knows whether the daemon is alive and ready; a `serve.Watcher`. Safe to ask from several threads."""

    def __init__(self, stall_timeout: float, lookout: Lookout) -> None:
        self._stall_timeout = stall_timeout
        self._lookout = lookout
        self._beaten = time.monotonic()
        self._knows_its_place = False
        self._no_room: str | None = None

    def beat(self) -> None:
        """See `serve.Watcher`."""
        self._beaten = time.monotonic()

    def leads(self, leading: bool) -> None:  # noqa: ARG002, FBT001
        """See `serve.Watcher`."""
        self._knows_its_place, self._no_room = True, None

    def lost(self, error: errors.SyncerError) -> None:
        """See `serve.Watcher`."""
        self._knows_its_place = False
        self._no_room = error.unquoted if isinstance(error, errors.NoRoomError) else None

    def ran(self, result: sync.Result) -> None:  # noqa: ARG002
        """See `serve.Watcher`."""
        self.beat()

    def could_not_run(self, error: errors.SyncerError) -> None:  # noqa: ARG002
        """See `serve.Watcher`."""
        self.beat()

    def room(self) -> int | None:
        """Bytes left on the disk of an embedded state; None if there is none of ours."""
        return self._lookout.room()

    def why_not_alive(self) -> str | None:
        """Why the daemon counts as stalled, or None."""
        quiet = time.monotonic() - self._beaten
        return f"nothing happened for {quiet:.0f} seconds" if quiet > self._stall_timeout else None

    def why_not_ready(self) -> str | None:
        """Why nothing would be synced now, or None."""
        place = None if self._knows_its_place else "it neither leads nor stands by yet"
        return self._no_room or self._lookout.why_not_ready() or place


@contextmanager
def serving(
    listen: str,
    state: State,
    health: Health,
    more: Pages = lambda _: None,
    *,
    promises: Sequence[Promise] = (),
) -> Iterator[WebServer]:
    """Answers at `listen` (host:port) for the block, as soon as no other process listens there; at other paths, what
    `more` finds there.

    Daemons on one machine may share a configuration: the second one answers when the first is gone.
    """
    registry = CollectorRegistry()
    registry.register(_Metrics(state, health.room, promises))
    registry.register(REQUEST_SECONDS)
    pages = {
        "/healthz": Page(lambda _: _said(health.why_not_alive())),
        "/readyz": Page(lambda _: _said(health.why_not_ready())),
        "/metrics": Page(lambda _: Work(SCRAPES, partial(_scraped, registry))),
    }
    server = WebServer(listen, lambda path: pages.get(path) or more(path))
    server.open()
    thread = threading.Thread(target=server.keep, name="health", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(_SCRAPE_SECONDS)


def _said(why_not: str | None) -> Answer:
    status = HTTPStatus.OK if why_not is None else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, f"{why_not or 'ok'}\n".encode())


def _scraped(registry: CollectorRegistry) -> Answer:
    """All numbers; or why there are none, in words for anybody."""
    try:
        return Answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
    except errors.SchemaVersionError as error:
        return _said(str(error))
    except errors.StateError as error:
        log.warning("the state cannot be used for /metrics", error=str(error))
        return _said("the state cannot be used; the log says more")


@dataclass(frozen=True, slots=True)
class _Runs:
    status: str
    runs: int


@dataclass(frozen=True, slots=True)
class _Read:
    """What all runs read that read everything, or what changed."""

    read: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class _Delivered:
    """How all identifies ever sent to a destination ended."""

    name: str
    succeeded: int
    failed: int
    unknown: int
    aborted: int
    requests: int
    retries: int


@dataclass(frozen=True, slots=True)
class _Changes:
    """How all changes of an audience ever sent to a destination ended, in contacts."""

    destination: str
    property: str
    succeeded_add: int
    succeeded_remove: int
    failed_add: int
    failed_remove: int


@dataclass(frozen=True, slots=True)
class _Skipped:
    """How many members are skipped at a destination now, for one reason."""

    name: str
    reason: str
    members: int


@dataclass(frozen=True, slots=True)
class _Reconciled:
    """What the last reconciliation of a destination found."""

    name: str
    missing: int
    stale: int
    untold: int
    changed: int


class _Metrics(Collector):
    """Everything that is scraped. Labels are names of destinations, properties, statuses and reasons; never people."""

    def __init__(
        self, state: State, room: Callable[[], int | None] = lambda: None, promises: Sequence[Promise] = ()
    ) -> None:
        self._state = state
        self._room = room
        self._promises = promises

    def describe(self) -> list[Metric]:
        """Empty, so that the state is not asked before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The state at one moment."""
        with self._state.connect("metrics") as connection, connection.transaction():
            limit = f"{_SCRAPE_SECONDS:g}s"
            connection.execute(psycopg.sql.SQL("SET LOCAL statement_timeout = {}").format(limit))
            migrations.check(connection, self._state.schema)
            yield from _runs(connection)
            yield from _delivered(connection)
            yield from _changes(connection)
            yield from _current(connection)
            yield from _promised(freshness.judge(connection, self._promises))
        room = self._room()
        if room is not None:
            yield _gauge("syncer_disk_free_bytes", "Room left on the disk of an embedded state", room)


def _runs(connection: Connection) -> Iterator[Metric]:
    runs = CounterMetricFamily("syncer_runs", "Runs by status", labels=["status"])
    for row in fetch_all(connection, _Runs, "count_runs"):
        runs.add_metric([row.status], row.runs)
    yield runs
    rows = CounterMetricFamily("syncer_read_rows", "Rows that came from the warehouse", labels=["read"])
    size = CounterMetricFamily("syncer_read_bytes", "Bytes of rows that came from the warehouse", labels=["read"])
    for read in fetch_all(connection, _Read, "count_read"):
        rows.add_metric([read.read], read.rows)
        size.add_metric([read.read], read.size)
    yield from (rows, size)


def _delivered(connection: Connection) -> Iterator[Metric]:
    identifies = CounterMetricFamily("syncer_identifies", "Identifies by outcome", labels=["destination", "outcome"])
    requests = CounterMetricFamily("syncer_requests", "HTTP requests, retries included", labels=["destination"])
    retries = CounterMetricFamily("syncer_retries", "Requests that were tried again", labels=["destination"])
    for row in fetch_all(connection, _Delivered, "count_delivered"):
        for outcome in ("succeeded", "failed", "unknown", "aborted"):
            identifies.add_metric([row.name, outcome], getattr(row, outcome))
        requests.add_metric([row.name], row.requests)
        retries.add_metric([row.name], row.retries)
    yield from (identifies, requests, retries)


def _changes(connection: Connection) -> Iterator[Metric]:
    changes = CounterMetricFamily(
        "syncer_changes", "Contacts told true or false", labels=["destination", "property", "op", "outcome"]
    )
    for row in fetch_all(connection, _Changes, "count_told_changes"):
        here = (row.destination, row.property)
        changes.add_metric([*here, "added", "succeeded"], row.succeeded_add)
        changes.add_metric([*here, "added", "failed"], row.failed_add)
        changes.add_metric([*here, "removed", "succeeded"], row.succeeded_remove)
        changes.add_metric([*here, "removed", "failed"], row.failed_remove)
    yield changes


def _current(connection: Connection) -> Iterator[Metric]:
    now = status.now(connection)
    yield from _by_destination(now)
    members = GaugeMetricFamily("syncer_members", "Members in the last snapshot", labels=["destination", "property"])
    for each in now.audiences:
        if each.members is not None:
            members.add_metric([each.destination, each.property], each.members)
    yield members
    skipped = GaugeMetricFamily("syncer_skipped", "Members whose rows are not sent", labels=["destination", "reason"])
    for row in fetch_all(connection, _Skipped, "count_skipped_by_reason"):
        skipped.add_metric([row.name, row.reason], row.members)
    yield skipped
    reconciled = GaugeMetricFamily(
        "syncer_reconciled_differences",
        "Properties that the last finished reconciliation found to be otherwise",
        labels=["destination", "kind"],
    )
    for found in fetch_all(connection, _Reconciled, "count_reconciled"):
        for kind in KINDS:
            reconciled.add_metric([found.name, kind], getattr(found, kind))
    yield reconciled
    left, seconds = (now.running.planned - now.running.settled, now.running.seconds_left) if now.running else (0, None)
    yield _gauge("syncer_queue", "Identifies of the run in progress that are not settled yet", left)
    yield _gauge("syncer_forecast_seconds", "Time left for the run in progress", seconds or 0)
    if now.next_due_at is not None:
        yield _gauge("syncer_next_due_timestamp_seconds", "When the next run is due", now.next_due_at.timestamp())


def _by_destination(now: status.CurrentStatus) -> Iterator[Metric]:
    oldest = GaugeMetricFamily(
        "syncer_oldest_pending_seconds",
        "Age of the oldest change that is not delivered yet; 0 if there is none",
        labels=["destination"],
    )
    success = GaugeMetricFamily(
        "syncer_last_success_timestamp_seconds", "When a run last ended well there", labels=["destination"]
    )
    waiting = {
        name: GaugeMetricFamily(f"syncer_{name}", help_text, labels=["destination"])
        for name, help_text in (
            ("held", "Changes that wait for approval"),
            ("refused", "Contacts that the destination refused"),
            ("parked", "Refused contacts that are tried no more"),
            ("uncertain", "Properties whose last call has no answer, and that the next run tells"),
            ("left_uncertain", "Properties whose last call has no answer, and of which there is nothing to be told"),
        )
    }
    for each in now.destinations:
        oldest.add_metric([each.name], each.oldest_pending_seconds or 0)
        if each.last_success_at is not None:
            success.add_metric([each.name], each.last_success_at.timestamp())
        for name, family in waiting.items():
            family.add_metric([each.name], getattr(each, name))
    yield from (oldest, success, *waiting.values())


def _promised(found: Sequence[Freshness]) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "syncer_freshness_seconds", "Age of what the destination that is behind most knows", labels=["property"]
    )
    within = GaugeMetricFamily("syncer_fresh_within_seconds", "How old that may be", labels=["property"])
    share = GaugeMetricFamily(
        "syncer_fresh_share", "Fraction of the last 30 days in which it was not older", labels=["property"]
    )
    for each in found:
        age.add_metric([each.property], each.age_seconds)
        within.add_metric([each.property], each.fresh_within_seconds)
        share.add_metric([each.property], each.kept_share)
    yield from (age, within, share)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)
