"""How everything stands now: who leads, what runs, when the next run is due, what waits at each destination."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from syncer.state import Connection, execute, fetch_one, fetch_value, leadership


@dataclass(frozen=True, slots=True)
class Due:
    """When the next run is due (None: no daemon ever ran), and when the last one began (None: there was none)."""

    next_due_at: datetime | None
    last_began_at: datetime | None


@dataclass(frozen=True, slots=True)
class CurrentStatus:
    """What `syncer status --json` prints. `leader` and `running` are None if there is none."""

    asked_at: datetime
    leader: dict[str, Any] | None
    running: dict[str, Any] | None
    next_due_at: datetime | None
    destinations: list[dict[str, Any]]
    audiences: list[dict[str, Any]]


def now(connection: Connection, schema: str) -> CurrentStatus:
    """Asks the state; needs no lock, and no daemon."""
    asked_at = fetch_value(connection, "show_now")
    leader = execute(connection, "show_leading", {"key": leadership.lock_key(schema)}).fetchone()
    running = execute(connection, "show_running").fetchone()
    leads = leader is not None and leader.kind == "daemon"
    return CurrentStatus(
        asked_at=asked_at,
        leader=None if leader is None else leader._asdict(),
        running=None if running is None or leader is None else _progress(running, asked_at),
        next_due_at=due(connection).next_due_at if leads else None,
        destinations=[_with_age(row, asked_at) for row in execute(connection, "list_standing")],
        audiences=[row._asdict() for row in execute(connection, "list_audience_standing")],
    )


def due(connection: Connection) -> Due:
    """When runs are due, as the daemons remember it."""
    return fetch_one(connection, Due, "show_schedule")


def _progress(running: Any, asked_at: datetime) -> dict[str, Any]:
    """Rate in identifies a second, time left in seconds; None while nothing was settled yet."""
    told = running._asdict()
    sent_at = told.pop("first_sent_at")
    seconds = (asked_at - sent_at).total_seconds() if sent_at else 0.0
    rate = running.settled / seconds if seconds > 0 and running.settled else None
    return {
        **told,
        "rate": None if rate is None else round(rate, 1),
        "seconds_left": None if rate is None else round((running.planned - running.settled) / rate, 1),
    }


def _with_age(row: Any, asked_at: datetime) -> dict[str, Any]:
    oldest = row.oldest_pending_at
    age = None if oldest is None else max(0.0, (asked_at - oldest) / timedelta(seconds=1))
    return {**row._asdict(), "oldest_pending_seconds": None if age is None else round(age, 1)}
