"""The destinations: what each points at, what limits it, how its calls ended lately, and when it last worked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncer import app
from syncer.console.views import MOST, RUNS_OF_A_CHART
from syncer.state import Connection, fetch_all, status


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
class Outcomes:
    """How the identifies of one run ended at a destination."""

    destination: str
    run_id: int
    started_at: datetime
    status: str
    succeeded: int
    failed: int
    unknown: int
    aborted: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the configuration says of a destination.

    `per_second` is its rate limit, 0 for none; up to `together` identifies of one request count as one. `only` is how
    many contacts it is limited to beside the `rollout`; None if it is about everybody.
    """

    calls: str
    per_second: float
    together: int
    page_size: int
    concurrency: int
    timeout_seconds: float
    audiences: Sequence[str] | None
    only: int | None
    rollout: float | None
    track: bool


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The last reconciliation of a destination: of how many contacts it was asked what it believes, and what of that
    was otherwise than it had accepted. `finished_at` None: it goes on, or was broken off."""

    destination: str
    reconciliation_id: int
    started_at: datetime
    finished_at: datetime | None
    contacts: int
    asked: int
    differing: int
    missing: int
    stale: int
    untold: int
    changed: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination with how it stands; `limits` is None for one that is configured no more. Runs are oldest first.

    `reconciled` is None for one that was never asked what it believes.
    """

    rates: DestinationRates
    standing: status.DestinationStatus
    limits: Limits | None
    outcomes: Sequence[Outcomes]
    reconciled: Reconciled | None


@dataclass(frozen=True, slots=True)
class Destinations:
    """All destinations, by name."""

    destinations: Sequence[Destination]


def destinations(opened: app.App, connection: Connection) -> Destinations:
    """All destinations that a run knew."""
    lately = {"runs": RUNS_OF_A_CHART}
    rates = fetch_all(connection, DestinationRates, "list_rates", lately)
    outcomes = fetch_all(connection, Outcomes, "list_outcomes", lately)
    standing = {each.name: each for each in status.destinations(connection, MOST)}
    reconciled = {each.destination: each for each in fetch_all(connection, Reconciled, "list_last_reconciled")}
    limits = {name: _limits(opened, name) for name in (each.name for each in opened.settings.destinations)}
    return Destinations(
        [
            Destination(
                rates=each,
                standing=standing[each.name],
                limits=limits.get(each.name),
                outcomes=[run for run in outcomes if run.destination == each.name],
                reconciled=reconciled.get(each.name),
            )
            for each in rates
        ]
    )


def _limits(opened: app.App, name: str) -> Limits:
    settings = next(each for each in opened.settings.destinations if each.name == name)
    built = next(each for each in opened.destinations if each.name == name)
    return Limits(
        calls=settings.calls,
        per_second=built.rate.per_second,
        together=built.rate.together,
        page_size=built.page_size,
        concurrency=built.concurrency,
        timeout_seconds=settings.timeout,
        audiences=settings.audiences,
        only=None if settings.contacts is None else len(settings.contacts),
        rollout=settings.rollout,
        track=settings.track is not None,
    )
