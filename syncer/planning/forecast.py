"""What a plan would send to one destination: how much, in which bytes, and to whom.

Asked while the private tables of the plan hold it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from syncer import models
from syncer.calls import Call, Destination, Identify
from syncer.planning.changes import TargetPlan
from syncer.state import Connection, fetch_all, fetch_each, fetch_value

_FIRST_PAGE = 1


@dataclass(frozen=True, slots=True)
class Forecast:
    """`strangers`: contacts about whom the destination was never told anything; some receivers bill those.

    `requests` and `seconds` are estimates: requests are as full as those of the fullest page, and `seconds` is what the
    rate limit alone takes (None: there is no limit).
    """

    destination: str
    calls: int
    requests: int
    seconds: float | None
    strangers: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one contact would be told about one audience, or why that waits; `value` as JSON text.

    `why` is None where it is plain: the user entered or left. See `list_people`.
    """

    destination: str
    audience: str
    property: str
    op: str
    contact: str
    user_id: str
    value: str
    waits: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A request: its head line by line, and what it carries; or why there is none. It holds no secret."""

    head: Sequence[str]
    body: bytes
    refused: str | None = None

    @property
    def told(self) -> dict[str, object]:
        """It in JSON: the body as it is, if that is JSON itself."""
        if self.refused is not None:
            return {"refused": self.refused}
        try:
            return {"head": self.head, "request": msgspec.json.decode(self.body)}
        except msgspec.DecodeError:
            return {"head": self.head, "request": self.body.decode()}


@dataclass(frozen=True, slots=True)
class _Call:
    contact: str
    part: int
    user_id: str
    email: str
    traits: str | None
    about: models.Computation | None
    name: str | None
    message_id: str
    properties: Sequence[str]
    values: str


class _Pages(NamedTuple):
    calls: int
    pages: int
    page: int


def forecast(connection: Connection, planned: TargetPlan) -> Forecast:
    """How much a plan would send."""
    destination = planned.target.destination
    sizes = fetch_all(connection, _Pages, "count_pages")
    fullest = _calls(connection, planned, page=sizes[0].page) if sizes else []
    requests, _ = destination.requests(fullest)
    per_request = len(fullest) / len(requests) if requests else 1
    count = sum(size.pages * math.ceil(size.calls / per_request) for size in sizes)
    return Forecast(
        destination=destination.name,
        calls=planned.identifies,
        requests=count,
        seconds=_seconds(destination, planned.identifies, count),
        strangers=fetch_value(connection, "count_strangers", {"destination_id": planned.target.destination_id}),
    )


def people(connection: Connection, planned: TargetPlan, limit: int | None) -> Iterator[Told]:
    """Of each audience and op the first `limit` contacts, or all of them (None), as they are read."""
    target = planned.target
    asked = {"destination_id": target.destination_id, "destination": target.name, "limit": limit}
    return fetch_each(connection, Told, "list_people", asked)


def first_calls(connection: Connection, planned: TargetPlan) -> list[Identify]:
    """The calls that would be sent first; no more than a page."""
    return _calls(connection, planned)


def letters_to(connection: Connection, planned: TargetPlan, who: str) -> list[Letter]:
    """The requests that would tell this contact and nobody else, byte by byte but for times and ids of calls."""
    return letters(planned.target.destination, _calls(connection, planned, who=who))


def letters(destination: Destination, calls: Sequence[Call]) -> list[Letter]:
    """The requests that these calls would be, and why there is none of what no request can carry."""
    requests, refusals = destination.requests(calls)
    written = [Letter(destination.head(request), destination.body(request)) for request in requests]
    return [*written, *(Letter((), b"", refusal.reason) for refusal in refusals)]


def _calls(
    connection: Connection, planned: TargetPlan, *, page: int = _FIRST_PAGE, who: str | None = None
) -> list[Identify]:
    target = planned.target
    asked = {
        "destination_id": target.destination_id,
        "per_audience": target.mode.per_audience,
        "page": page,
        "who": who,
        "by_email": target.mode.identity == "email",
        "limit": target.destination.page_size,
    }
    return [
        Identify(
            contact=row.contact,
            part=row.part,
            user_id=row.user_id,
            email=row.email,
            message_id=row.message_id,
            values=dict(zip(row.properties, msgspec.json.decode(row.values), strict=True)),
            traits={} if row.traits is None else msgspec.json.decode(row.traits),
            about=row.about,
            name=row.name or "",
        )
        for row in fetch_all(connection, _Call, "list_calls", asked)
    ]


def _seconds(destination: Destination, calls: int, requests: int) -> float | None:
    """Requests that are not full count as one each, where that is what the account counts."""
    rate = destination.rate
    if not rate.per_second:
        return None
    return max(rate.count(calls), requests) / rate.per_second
