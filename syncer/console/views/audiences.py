"""An audience: how it stands at each destination, how large it was, who comes and goes, what the guard lets pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from syncer import app, models, naming, overview
from syncer.console.views import RUNS_OF_A_CHART
from syncer.state import Connection, fetch_all, fetch_one, freshness, status
from syncer.state.freshness import Freshness

_LOOKED_UP = 100
_READ_OF_A_RUN = 5000
_FLAPPING = 20


@dataclass(frozen=True, slots=True)
class Size:
    """An audience in one run: its members, and the contacts that entered and left (accepted, over all destinations)."""

    run_id: int
    started_at: datetime
    members: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Flapping:
    """A contact that entered and left again and again in the latest runs; `changes` counts both."""

    contact: str
    destination: str
    changes: int
    last_run_id: int
    is_in: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What of an audience passes the guard without approval: fractions of those told, and from how many contacts on."""

    max_removed_fraction: float
    min_removed: int
    max_added_fraction: float
    min_added: int
    hold_initial: bool


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Who is held out of an audience: the configured `share`, and `people` by the last run, since the first of them."""

    share: float
    people: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Precedence:
    """The priority that an audience stands in: what comes `before` it, and who is in that is not in it; and `after`."""

    priority: str
    before: Sequence[str]
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience: how it stands at each destination, and its sizes, the oldest first.

    `flapping` are those of the contacts that changed last who changed most. `held_out` and `precedence`: None if there
    is no holdout, and no priority. `freshness`: None if nothing is promised, or its first sync has not ended.
    """

    audience: str
    property: str
    standings: Sequence[status.AudienceStatus]
    limits: Limits
    sizes: Sequence[Size]
    flapping: Sequence[Flapping]
    held_out: HeldOut | None
    precedence: Precedence | None
    freshness: Freshness | None


class _HeldOut(NamedTuple):
    people: int
    since: datetime | None


def audience(opened: app.App, connection: Connection, property_: str) -> Audience | None:
    """One audience, or None if no run ever planned it."""
    standings = [each for each in status.audiences(connection) if each.property == property_]
    if not standings:
        return None
    name = standings[0].audience
    promised = freshness.judge(connection, overview.promises(opened.settings))
    return Audience(
        audience=name,
        property=property_,
        standings=standings,
        limits=_limits(opened, name, property_),
        sizes=fetch_all(connection, Size, "list_sizes", {"property": property_, "runs": RUNS_OF_A_CHART}),
        flapping=_flapping(connection, property_),
        held_out=_held_out(opened, connection, name, property_),
        precedence=_precedence(opened, name, property_),
        freshness=next((each for each in promised if each.property == property_), None),
    )


def _configured(opened: app.App, name: str, property_: str) -> models.ConfiguredAudience | None:
    configured = opened.settings.configured_audiences
    return next((each for each in configured if each.name == name or each.property == property_), None)


def _held_out(opened: app.App, connection: Connection, name: str, property_: str) -> HeldOut | None:
    own = _configured(opened, name, property_)
    share = 0.0 if own is None else own.holdout
    found = fetch_one(connection, _HeldOut, "count_held_out", {"property": property_})
    return HeldOut(share, found.people, found.since) if share or found.people else None


def _precedence(opened: app.App, name: str, property_: str) -> Precedence | None:
    for priority in opened.settings.priorities:
        for place, entry in enumerate(priority.audiences):
            if entry in (name, property_) or naming.property_of(entry) == property_:
                return Precedence(priority.name, priority.audiences[:place], priority.audiences[place + 1 :])
    return None


def _limits(opened: app.App, name: str, property_: str) -> Limits:
    guard, own = opened.settings.guard, _configured(opened, name, property_)
    removed = None if own is None else own.max_removed_fraction
    added = None if own is None else own.max_added_fraction
    return Limits(
        max_removed_fraction=guard.max_removed_fraction if removed is None else removed,
        min_removed=guard.min_removed,
        max_added_fraction=guard.max_added_fraction if added is None else added,
        min_added=guard.min_added,
        hold_initial=guard.hold_initial,
    )


def _flapping(connection: Connection, property_: str) -> Sequence[Flapping]:
    asked = {
        "property": property_,
        "runs": RUNS_OF_A_CHART,
        "contacts": _LOOKED_UP,
        "most": _READ_OF_A_RUN,
        "limit": _FLAPPING,
    }
    return fetch_all(connection, Flapping, "list_flapping", asked)
