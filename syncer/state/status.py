"""How everything stands now: who leads, what runs, when the next run is due, what waits at each destination."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncer.state import Connection, fetch_all, fetch_one, fetch_optional, fetch_value, leadership
from syncer.state.freshness import Freshness


@dataclass(frozen=True, slots=True)
class Due:
    """When the next run is due (None: no daemon ever ran), and when the last one began that was not broken off (None:
    there was none)."""

    next_due_at: datetime | None
    last_began_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is that is open now. Counts are identifies.

    `rate` is in identifies a second, `seconds_left` follows from it; both are None while nothing was settled yet.
    """

    run_id: int
    trigger: str
    phase: str
    started_at: datetime
    planned: int
    settled: int
    rate: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class DestinationStatus:
    """How a destination stands; without `oldest_pending_at` nothing is pending there.

    `uncertain` is told by the next run, `left_uncertain` by none, because there is nothing to be told. `error` is why
    the last run stopped there, or None.
    """

    name: str
    last_success_at: datetime | None
    oldest_pending_at: datetime | None
    held: int
    refused: int
    parked: int
    uncertain: int
    left_uncertain: int
    skipped: int
    error: str | None = None
    oldest_pending_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AudienceStatus:
    """How an audience stands at a destination: `standing` is retired, paused, initial or synced.

    `members` are those of the last snapshot; None if there was none, or they are not counted yet.
    """

    audience: str
    property: str
    destination: str
    standing: str
    members: int | None


@dataclass(frozen=True, slots=True)
class CurrentStatus:
    """What `syncer status --json` prints. `leader` and `running` are None if there is none.

    `late`: why syncing stands still, or None. The schedule of the configuration decides, so whoever knows it says so.
    `freshness`: how the promises of the configuration stand (`fresh_within`).
    `full`: that the disk of an embedded state fills up, or None.
    `postgresql` is the version of the state's server; whether that is `embedded` says who opened it.
    """

    asked_at: datetime
    leader: leadership.Leader | None
    running: Progress | None
    next_due_at: datetime | None
    destinations: Sequence[DestinationStatus]
    audiences: Sequence[AudienceStatus]
    postgresql: str
    embedded: bool = False
    late: str | None = None
    full: str | None = None
    freshness: Sequence[Freshness] = ()


@dataclass(frozen=True, slots=True)
class _OpenRun:
    run_id: int
    trigger: str
    phase: str
    started_at: datetime
    planned: int
    settled: int
    first_sent_at: datetime | None


def now(connection: Connection, most: int | None = None) -> CurrentStatus:
    """Asks the state; needs no lock, and no daemon. For `most` see `destinations`."""
    asked_at = fetch_value(connection, "show_now")
    leader = leadership.find_leader(connection)
    running = _open_run(connection, leader)
    leads = leader is not None and leader.kind == "daemon"
    return CurrentStatus(
        asked_at=asked_at,
        leader=leader,
        running=None if running is None else _progress(running, asked_at),
        next_due_at=due(connection).next_due_at if leads else None,
        destinations=[_with_age(each, asked_at) for each in destinations(connection, most)],
        audiences=audiences(connection),
        postgresql=version(connection),
    )


def running(connection: Connection, leader: leadership.Leader | None) -> int | None:
    """The run that whoever leads has in progress."""
    found = _open_run(connection, leader)
    return None if found is None else found.run_id


def version(connection: Connection) -> str:
    """The version of the state's server, such as 18.4."""
    return (connection.info.parameter_status("server_version") or "").split(" ")[0]


def destinations(connection: Connection, most: int | None = None) -> Sequence[DestinationStatus]:
    """Every destination, without the age of what is pending. None of its counts is larger than `most`."""
    return fetch_all(connection, DestinationStatus, "list_destination_status", {"most": most})


def audiences(connection: Connection) -> Sequence[AudienceStatus]:
    """Every audience at every destination."""
    return fetch_all(connection, AudienceStatus, "list_audience_status")


def due(connection: Connection) -> Due:
    """When runs are due, as the daemons remember it."""
    return fetch_one(connection, Due, "show_schedule")


def _open_run(connection: Connection, leader: leadership.Leader | None) -> _OpenRun | None:
    """What a leader before this one left open is in progress no more: this one's first run settles it."""
    found = fetch_optional(connection, _OpenRun, "show_running") if leader is not None else None
    return found if found is not None and leader is not None and found.started_at >= leader.since else None


def _progress(run: _OpenRun, asked_at: datetime) -> Progress:
    seconds = (asked_at - run.first_sent_at).total_seconds() if run.first_sent_at else 0.0
    rate = run.settled / seconds if seconds > 0 and run.settled else None
    return Progress(
        run_id=run.run_id,
        trigger=run.trigger,
        phase=run.phase,
        started_at=run.started_at,
        planned=run.planned,
        settled=run.settled,
        rate=None if rate is None else round(rate, 1),
        seconds_left=None if rate is None else round((run.planned - run.settled) / rate, 1),
    )


def _with_age(destination: DestinationStatus, asked_at: datetime) -> DestinationStatus:
    if destination.oldest_pending_at is None:
        return destination
    age = max(0.0, (asked_at - destination.oldest_pending_at) / timedelta(seconds=1))
    return replace(destination, oldest_pending_seconds=round(age, 1))
