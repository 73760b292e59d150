"""Which views there are, at which addresses, and how the filters in an address are read."""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date

from syncer.console.routing import Look, NoQuestionError, Route, said_once
from syncer.console.views import audiences, destinations, lists, now, people, plans, runs

STATUSES = ("running", "succeeded", "incomplete", "held", "failed", "interrupted")
_MOST_RUNS = 2**31 - 1
_DIGITS = re.compile("[0-9]{1,10}")
_DAY_FORM = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _now(look: Look) -> now.Now:
    return now.now(look.opened, look.connection)


def _runs(look: Look) -> runs.Runs:
    asked = _asked(look, _FILTERS_OF_RUNS)
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
    return runs.runs(look.connection, chosen)


def _run(look: Look, number: str) -> runs.Run | None:
    return runs.run(look.connection, int(number))


def _audience(look: Look, name: str) -> audiences.Audience | None:
    return audiences.audience(look.opened, look.connection, name)


def _person(look: Look) -> people.Person:
    return people.person(look.connection, look.desk.errands, _who(look))


def _ask_about_person(look: Look) -> people.Person:
    return people.ask(look.opened, look.connection, look.desk.errands, _who(look))


def _who(look: Look) -> str:
    return said_once(look.request).get("who", "").strip()


def _plan(look: Look) -> plans.Asked:
    return plans.last(look.desk.errands)


def _ask_for_plan(look: Look) -> plans.Asked:
    return plans.ask(look.opened, look.desk.errands)


def _destinations(look: Look) -> destinations.Destinations:
    return destinations.destinations(look.opened, look.connection)


def _standing(look: Look, word: str) -> lists.Listing:
    return _list(look, lists.STANDING[word], {})


def _of_run(look: Look, number: str, word: str) -> lists.Listing:
    return _list(look, lists.OF_RUN[word], {"run_id": int(number)})


def _list(look: Look, kind: lists.Kind, about: Mapping[str, object]) -> lists.Listing:
    asked = _asked(look, (*_OF_EVERY_LIST, *kind.filters))
    if "destination" not in asked:
        raise NoQuestionError("say of which destination: ?destination=NAME")
    place = asked.get("from")
    begin = None if place is None else look.desk.places.find(place)
    if place is not None and (begin is None or len(begin) != len(kind.key)):
        raise NoQuestionError("where the list was left is not known any more; begin at its beginning")
    filters: dict[str, object] = {kind.filters[name]: value for name, value in asked.items() if name in kind.filters}
    if "before_run" in filters:
        filters["before_run"] = _number(asked["told_before"])
    rows = lists.ROWS_OF_A_FILE if look.as_csv else lists.ROWS_OF_A_PAGE
    chosen = {**about, **filters, "destination": asked["destination"]}
    return lists.listing(look.connection, kind, chosen, begin, look.desk.places, rows)


_OF_EVERY_LIST = ("destination", "from")
_TEXT: Mapping[str, object] = {"type": "string"}
_NUMBER: Mapping[str, object] = {"type": "integer", "minimum": 0, "maximum": _MOST_RUNS}
_DAY: Mapping[str, object] = {"type": "string", "format": "date"}
_FILTERS_OF_RUNS: Mapping[str, Mapping[str, object]] = {
    "before": _NUMBER,
    "status": {"enum": list(STATUSES)},
    "destination": _TEXT,
    "audience": _TEXT,
    "since": _DAY,
    "until": _DAY,
}


def _filters_of(kinds: Mapping[str, lists.Kind]) -> Mapping[str, Mapping[str, object]]:
    names = sorted({name for kind in kinds.values() for name in kind.filters} - {"told_before"})
    return {"destination": _TEXT, "from": _TEXT, "told_before": _NUMBER, **dict.fromkeys(names, _TEXT)}


ROUTES: Sequence[Route] = (
    Route("|/now", "now", _now),
    Route("/runs", "runs", _runs, _FILTERS_OF_RUNS),
    Route("/runs/(?P<run>[0-9]{1,9})", "run", _run),
    Route(
        rf"/runs/(?P<run>[0-9]{{1,9}})/(?P<what>{'|'.join(lists.OF_RUN)})",
        "list",
        _of_run,
        _filters_of(lists.OF_RUN),
        csv=True,
    ),
    Route(f"/lists/(?P<what>{'|'.join(lists.STANDING)})", "list", _standing, _filters_of(lists.STANDING), csv=True),
    Route("/audiences/(?P<property>[a-z0-9_]{1,500})", "audience", _audience),
    Route("/person", "person", _person, {"who": _TEXT}, click=_ask_about_person),
    Route("/plan", "plan", _plan, click=_ask_for_plan),
    Route("/destinations", "destinations", _destinations),
)


def _asked(look: Look, names: Collection[str]) -> Mapping[str, str]:
    """What an address says behind the path, without what it leaves open. What would not be heeded is refused: the page
    would answer another question than the one that stands above it."""
    asked = said_once(look.request)
    unknown = sorted(asked.keys() - names)
    if unknown:
        raise NoQuestionError(f"nothing here goes by {', '.join(unknown)}; there is {', '.join(names)}")
    return asked


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (_DIGITS.fullmatch(text) and int(text) <= _MOST_RUNS):
        raise NoQuestionError("a run has a number")
    return int(text)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    with suppress(ValueError):
        if _DAY_FORM.fullmatch(text):  # Python reads more forms than this one
            return date.fromisoformat(text)
    raise NoQuestionError("write a day as 2026-01-31")
