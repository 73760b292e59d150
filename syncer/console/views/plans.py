"""What the next run would send now: the plan itself, made and thrown away, with some of its people and a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncer import app, sync
from syncer.calls import Identify
from syncer.console.errands import WAIT_SECONDS, Errand, Errands
from syncer.models import Value
from syncer.planning import forecast
from syncer.planning.changes import TargetPlan
from syncer.state import Connection, State
from syncer.state.history import RunReport
from syncer.stopping import Stop

_PLAN = "plan"
_PEOPLE = 20
_MOST_BYTES = 16_384
"""Of a request more than this is not shown."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one of the first people would be told: their properties and values."""

    contact: str
    user_id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Sending:
    """What would be sent to one destination.

    `requests` (of calls and events) and `seconds` at the rate limit (None: there is none) are estimates.
    `body` is the first request's, byte by byte, but for its times and for the ids of its calls, which are each run's
    own, and only its beginning if it is long; `body_bytes` its size.
    """

    destination: str
    calls: int
    events: int
    requests: int
    seconds: float | None
    people: Sequence[Told]
    body: str
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be sent now; `left_out` says why destinations are not in it."""

    report: RunReport
    sending: Sequence[Sending]
    left_out: Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """The plan that was asked for last: `plan` or `sorry` once it is made. `busy`: something else is being asked."""

    asked_at: datetime | None = None
    ended_at: datetime | None = None
    plan: Plan | None = None
    sorry: str | None = None
    busy: bool = False

    @property
    def in_the_making(self) -> bool:
        """Whether somebody has asked and there is no answer yet."""
        return self.asked_at is not None and self.ended_at is None


def last(errands: Errands) -> Asked:
    """The plan that was asked for last."""
    return _asked(errands.find(_PLAN))


def ask(opened: app.App, errands: Errands) -> Asked:
    """Begins to make a plan, and waits for it a little. Not while something else is asked of the warehouse."""
    errand = errands.begin(_PLAN, lambda state: make(opened, state))
    if errand is None:
        return Asked(busy=True)
    errand.done.wait(WAIT_SECONDS)
    return _asked(errand)


def _asked(errand: Errand | None) -> Asked:
    if errand is None:
        return Asked()
    plan = errand.answer if isinstance(errand.answer, Plan) else None
    return Asked(errand.began_at, errand.ended_at, plan, errand.sorry)


def make(opened: app.App, state: State) -> Plan:
    """Makes the plan of a run now, and throws it away."""
    found: list[Sending] = []

    def look(connection: Connection, target: TargetPlan) -> None:
        first = forecast.first_calls(connection, target)
        found.append(_sending(target, first, forecast.forecast(connection, target)))

    result = sync.preview(replace(opened.job(), state=state), Stop(), sync.Unwatched(), look)
    return Plan(result.report, found, [str(failure) for failure in result.failures])


def _sending(target: TargetPlan, calls: Sequence[Identify], foreseen: forecast.Forecast) -> Sending:
    destination = target.target.destination
    requests, _ = destination.requests(calls)
    body = destination.body(requests[0]) if requests else b""
    return Sending(
        destination=destination.name,
        calls=foreseen.calls,
        events=foreseen.events,
        requests=foreseen.requests,
        seconds=foreseen.seconds,
        people=[Told(call.contact, call.user_id, call.values) for call in calls[:_PEOPLE]],
        body=body[:_MOST_BYTES].decode(errors="ignore"),
        body_bytes=len(body),
    )
