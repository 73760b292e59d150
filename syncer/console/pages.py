"""Which views there are, at which addresses, and how the filters in an address are read."""

from collections.abc import Sequence
from datetime import date

from syncer.console import views
from syncer.console.routing import Look, NoQuestionError, Route

STATUSES = ("running", "succeeded", "incomplete", "held", "failed", "interrupted")
_MOST_RUNS = 2**31 - 1


def _now(look: Look) -> views.Now:
    return views.now(look.opened, look.connection)


def _runs(look: Look) -> views.Runs:
    asked = {name: value for name, value in look.request.query.items() if value}
    status = asked.get("status")
    if status is not None and status not in STATUSES:
        raise NoQuestionError(f"a run is {', '.join(STATUSES)}")
    chosen = {
        "before": _number(asked.get("before")),
        "status": status,
        "destination": asked.get("destination"),
        "property": asked.get("audience"),
        "since": _day(asked.get("since")),
        "until": _day(asked.get("until")),
    }
    return views.runs(look.connection, chosen)


def _run(look: Look, number: str) -> views.Run | None:
    return views.run(look.connection, int(number))


def _audience(look: Look, name: str) -> views.Audience | None:
    return views.audience(look.connection, name)


def _person(look: Look) -> views.Person:
    return views.person(look.connection, look.request.query.get("who", "").strip())


def _destinations(look: Look) -> views.Destinations:
    return views.destinations(look.connection)


ROUTES: Sequence[Route] = (
    Route("|/now", "now", _now),
    Route("/runs", "runs", _runs),
    Route(r"/runs/(\d{1,9})", "run", _run),
    Route("/audiences/([a-z0-9_]{1,500})", "audience", _audience),
    Route("/person", "person", _person),
    Route("/destinations", "destinations", _destinations),
)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:11]) <= _MOST_RUNS):
        raise NoQuestionError("a run has a number")
    return int(text)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise NoQuestionError("write a day as 2026-01-31") from None
