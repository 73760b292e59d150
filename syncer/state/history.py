"""Questions about the past: reads the history views and tables, changes nothing, needs no lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncer import errors
from syncer.state import Connection, fetch_all, fetch_optional


@dataclass(frozen=True, slots=True)
class AudienceReport:
    """One audience in a run; counts are contacts, summed over destinations. `refreshed`: told before it expires.
    `members` are users; None: of a large first sync they are not counted yet, or it ended before."""

    name: str
    property: str | None
    members: int | None
    added: int
    removed: int
    initial: bool
    held: int
    refreshed: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class DestinationReport:
    """One destination in a run; counts are identifies of this run, `skipped` counts members by reason."""

    name: str
    status: str
    error: str | None
    planned: int
    succeeded: int
    failed: int
    unknown: int
    aborted: int
    requests: int
    retries: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What `sync --json`, `history RUN --json` and, with its forecast, `plan --json` print. `read` is what travelled
    from the warehouse. One with `rolls_back_run_id` sent nothing: it holds what takes that run back."""

    run_id: int | None
    trigger: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    error: str | None
    calls_saved: int
    deferred: int
    audiences: Sequence[AudienceReport] = ()
    destinations: Sequence[DestinationReport] = ()
    read: str | None = None
    read_because: str | None = None
    read_rows: int | None = None
    read_bytes: int | None = None
    rolls_back_run_id: int | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in a line; counts are identifies, but `memberships`, the warehouse's rows."""

    run_id: int
    trigger: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    memberships: int | None
    succeeded: int
    failed: int
    unknown: int
    aborted: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """How many properties of contacts a destination was told."""

    destination: str
    told_true: int
    told_false: int


@dataclass(frozen=True, slots=True)
class RefusedContact:
    """A contact that a destination refused in a run, in its words."""

    destination: str
    contact: str
    user_id: str
    reason: str
    http_status: int | None


@dataclass(frozen=True, slots=True)
class SkippedMember:
    """A member whose row is not sent now, why, and since when."""

    destination: str
    audience: str
    user_id: str | None
    email: str | None
    reason: str
    since: datetime


def report(connection: Connection, run_id: int) -> RunReport | None:
    """One run in the words of the JSON contract, or None if there is no such run."""
    named = {"run_id": run_id}
    run = fetch_optional(connection, RunReport, "show_run", named)
    if run is None:
        return None
    return replace(
        run,
        audiences=fetch_all(connection, AudienceReport, "list_run_audiences", named),
        destinations=fetch_all(connection, DestinationReport, "list_run_destinations", named),
    )


def named_run(connection: Connection, run_id: int) -> RunReport:
    """The run that a person names. Raises `ConfigError` if there is none."""
    found = report(connection, run_id)
    if found is None:
        raise errors.ConfigError([errors.Problem("RUN", f"there is no run {run_id}; see `syncer history`")])
    return found


def latest(connection: Connection, limit: int) -> Sequence[RunSummary]:
    """The latest runs, newest first."""
    return fetch_all(connection, RunSummary, "list_runs", {"limit": limit})


def told(connection: Connection) -> Sequence[Told]:
    """How much each destination was told."""
    return fetch_all(connection, Told, "count_all_told")


def refusals(connection: Connection, run_id: int, limit: int) -> Sequence[RefusedContact]:
    """The contacts that were refused in a run, those that sort first."""
    return fetch_all(connection, RefusedContact, "list_run_refusals", {"run_id": run_id, "limit": limit})


def skipped(connection: Connection, limit: int) -> Sequence[SkippedMember]:
    """The members that are skipped now, the latest first."""
    return fetch_all(connection, SkippedMember, "list_skipped", {"limit": limit})
