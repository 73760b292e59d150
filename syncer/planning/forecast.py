"""What a plan would send to one destination: how much, in which bytes, and to whom.

Asked while the private tables of the plan hold it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from syncer import models
from syncer.calls import Call, Destination, Identify, Track
from syncer.planning import digests
from syncer.planning.changes import TargetPlan
from syncer.state import Connection, events, fetch_all, fetch_each, fetch_value

_FIRST_PAGE = 1


@dataclass(frozen=True, slots=True)
class Forecast:
    """`events`: what is owed from earlier runs, and what the calls bring about once they are accepted. `strangers`:
    contacts about whom the destination was never told anything; some receivers bill those.

    `requests` (of calls and events) and `seconds` are estimates: requests are as full as those of the fullest page of
    their urgency, and `seconds` is what the rate limit alone takes (None: there is no limit).
    """

    destination: str
    calls: int
    events: int
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
    urgency: int
    calls: int
    pages: int
    page: int


class _Cost(NamedTuple):
    """What calls or events take: requests, and turns as the rate limit counts them."""

    requests: int = 0
    turns: int = 0

    def plus(self, other: "_Cost", times: int = 1) -> "_Cost":
        return _Cost(self.requests + other.requests * times, self.turns + other.turns * times)


def forecast(connection: Connection, planned: TargetPlan) -> Forecast:
    """How much a plan would send."""
    destination = planned.target.destination
    fullest: dict[int, list[Identify]] = {}
    cost = _Cost()
    for size in fetch_all(connection, _Pages, "count_pages"):
        if size.urgency not in fullest:
            fullest[size.urgency] = _calls(connection, planned, page=size.page)
        cost = cost.plus(_cost(destination, fullest[size.urgency], size.calls), size.pages)
    calls = [call for page in fullest.values() for call in page]
    told, cost_of_events = _events(connection, planned, calls)
    cost = cost.plus(cost_of_events)
    return Forecast(
        destination=destination.name,
        calls=planned.identifies,
        events=told,
        requests=cost.requests,
        seconds=cost.turns / destination.rate.per_second if destination.rate.per_second else None,
        strangers=fetch_value(connection, "count_strangers", {"destination_id": planned.target.destination_id}),
    )


def _cost(destination: Destination, some: Sequence[Call], count: int) -> _Cost:
    """What so many calls take that are like some."""
    if not some:
        return _Cost()
    requests, _ = destination.requests(some)
    turns = sum(destination.rate.count(len(request.identifies)) for request in requests)
    return _Cost(-(-count * len(requests) // len(some)), -(-count * turns // len(some)))


def _events(connection: Connection, planned: TargetPlan, calls: Sequence[Identify]) -> tuple[int, _Cost]:
    """How many events a run would send after these calls, and what they take."""
    target, names = planned.target, planned.target.mode.events
    if names is None:
        return 0, _Cost()
    destination = target.destination
    asked = {"destination_id": target.destination_id, "initial_events": names.initial}
    count = digests.owed_events(connection, target).events + int(fetch_value(connection, "count_events", asked))
    page = destination.page_size if destination.recognises_events else 1
    owed = [each.track for each in events.owed(connection, target.destination_id, names, page)]
    some = [*owed, *_brought_about(calls, names)][: min(page, count)]
    full, rest = divmod(count, page)
    return count, _cost(destination, some, rest).plus(_cost(destination, some, page), full)


def _brought_about(calls: Sequence[Identify], names: models.Events) -> Iterator[Track]:
    """Events such as these calls bring about."""
    at = datetime.now(UTC)
    for call in calls:
        for name, value in call.values.items():
            if isinstance(value, bool):
                event = names.entered if value else names.exited
                user = (call.user_id, call.email, call.message_id)
                yield Track(call.contact, 0, *user, event, name, value, at, call.name or name)


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
