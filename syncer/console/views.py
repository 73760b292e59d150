"""What each page says: from the state at one moment, as plain values. A page and its JSON are the same view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncer import app, audit
from syncer.state import Connection, execute, fetch_all, history, status

RUNS_OF_A_PAGE = 50
_RUNS_OF_A_CHART = 90
_SAMPLES = 10
_HISTORY = 100


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What became of the members in the last run that planned for a destination.

    `memberships` are rows of the warehouse, `skipped` those that cannot be told, by reason; `planned` and what follows
    are identifies; `deferred` are contacts that the next run tells.
    """

    destination: str
    run_id: int
    memberships: int
    skipped: Mapping[str, int]
    planned: int
    succeeded: int
    failed: int
    unknown: int
    aborted: int
    deferred: int

    @property
    def skipped_rows(self) -> int:
        """The members that cannot be told."""
        return sum(self.skipped.values())


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands now; `pipelines` are in the order of the destinations."""

    standing: status.CurrentStatus
    pipelines: Sequence[Pipeline]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a line; counts are contacts over all destinations: accepted, and planned but not accepted."""

    run_id: int
    trigger: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    memberships: int | None
    added: int
    not_added: int
    removed: int
    not_removed: int


@dataclass(frozen=True, slots=True)
class Runs:
    """A page of runs, newest first. `older` is the number before which the next page begins; None at the end."""

    runs: Sequence[RunLine]
    older: int | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why contacts were refused, in the destination's words; `examples` are some of them."""

    destination: str
    reason: str
    http_status: int | None
    contacts: int
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Held:
    """What a run held and still waits: what `syncer approve` of it would let pass, in contacts."""

    destination: str
    audience: str
    property: str
    op: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run with everything that people ask of it."""

    report: history.RunReport
    refusals: Sequence[Refusals]
    held: Sequence[Held]


@dataclass(frozen=True, slots=True)
class Size:
    """An audience in one run: its members, and the contacts that entered and left (accepted, over all destinations)."""

    run_id: int
    started_at: datetime
    members: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience: how it stands at each destination, and its sizes, the oldest first."""

    audience: str
    property: str
    standings: Sequence[status.AudienceStatus]
    sizes: Sequence[Size]


@dataclass(frozen=True, slots=True)
class Person:
    """What the state knows of a user id or an email; `story` is None until somebody is asked for."""

    who: str
    story: audit.Story | None


@dataclass(frozen=True, slots=True)
class DestinationRates:
    """What a destination points at, and how the identifies of the latest runs ended there."""

    name: str
    type: str | None
    endpoint: str | None
    identity: str | None
    runs: int
    planned: int
    succeeded: int
    failed: int
    unknown: int
    aborted: int
    requests: int
    retries: int


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination with how it stands."""

    rates: DestinationRates
    standing: status.DestinationStatus


@dataclass(frozen=True, slots=True)
class Destinations:
    """All destinations, by name."""

    destinations: Sequence[Destination]


def now(opened: app.App, connection: Connection) -> Now:
    """How it stands now."""
    standing = app.standing(opened.settings, opened.state, connection)
    return Now(standing, fetch_all(connection, Pipeline, "list_pipelines"))


def runs(connection: Connection, chosen: Mapping[str, Any]) -> Runs:
    """A page of the runs that are `chosen`: see `list_page_of_runs`."""
    found = fetch_all(connection, RunLine, "list_page_of_runs", {**chosen, "limit": RUNS_OF_A_PAGE + 1})
    page = found[:RUNS_OF_A_PAGE]
    return Runs(page, page[-1].run_id if len(found) > len(page) else None)


def run(connection: Connection, run_id: int) -> Run | None:
    """One run, or None if there is none."""
    report = history.report(connection, run_id)
    if report is None:
        return None
    refusals = fetch_all(connection, Refusals, "list_refusals_by_reason", {"run_id": run_id, "samples": _SAMPLES})
    return Run(report, refusals, fetch_all(connection, Held, "list_held_by_audience", {"run_id": run_id}))


def audience(connection: Connection, property_: str) -> Audience | None:
    """One audience, or None if no run ever planned it."""
    standings = [each for each in status.audiences(connection) if each.property == property_]
    if not standings:
        return None
    sizes = fetch_all(connection, Size, "list_sizes", {"property": property_, "runs": _RUNS_OF_A_CHART})
    return Audience(standings[0].audience, property_, standings, sizes)


def person(connection: Connection, who: str) -> Person:
    """What the state knows of somebody: what was told, what waits and why. The warehouse is not asked."""
    return Person(who, audit.remembered(connection, who, _HISTORY) if who else None)


def destinations(connection: Connection) -> Destinations:
    """All destinations."""
    rates = fetch_all(connection, DestinationRates, "list_rates", {"runs": _RUNS_OF_A_CHART})
    standing = {each.name: each for each in status.destinations(connection)}
    return Destinations([Destination(each, standing[each.name]) for each in rates])


def begin(connection: Connection) -> None:
    """Begins to look at one moment, inside of a transaction that is the page's own."""
    execute(connection, "limit_page")
