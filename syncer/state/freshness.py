"""How old what the destinations know of an audience is, against what is promised (`fresh_within`).

A run delivers an audience to a destination if nothing that can be told is left of it when the run ends: nothing was
deferred, or not sent, or without an answer, neither in this run nor in one before it since when the destination has not
taken everything. From then on the destination knows what the warehouse said in the run's snapshot, and that gets older
until another run has delivered, whether or not anything changed meanwhile: nobody has looked. So hours in which no
process ran count as well. What waits for people (held, refused, skipped) is listed elsewhere, and breaks no promise,
nor does a true that waits for another audience of its priority: that may be held, and else goes with the next run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from syncer.state import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class Promise:
    """What is configured: an audience, by name or property, and the destinations that it is told to."""

    name: str
    property: str
    seconds: float
    destinations: Sequence[str]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a promise stands, by the destination where it stands worst.

    `age_seconds`: of what that destination knows; 60 days stand for all that is older. `kept_share`: of the last 30
    days, as far as there are runs, the fraction (0 to 1) in which a destination knew nothing older than promised, where
    that is least; the time of pauses counts as well. A promise that is `paused` is not broken now.
    """

    audience: str
    property: str
    destination: str
    fresh_within_seconds: float
    age_seconds: float
    paused: bool
    is_broken: bool
    kept_share: float


def judge(connection: Connection, promises: Sequence[Promise]) -> Sequence[Freshness]:
    """How each promise stands, once the first sync of its audience has ended somewhere."""
    if not promises:
        return []
    flat = [
        (promise.name, promise.property, promise.seconds, destination)
        for promise in promises
        for destination in promise.destinations
    ]
    names, properties, seconds, destinations = zip(*flat, strict=True) if flat else ((), (), (), ())
    given = {"names": [*names], "properties": [*properties], "seconds": [*seconds], "destinations": [*destinations]}
    return fetch_all(connection, Freshness, "list_freshness", given)
