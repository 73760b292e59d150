"""The console's addresses: which page is where, as HTML and, with `.json` behind it, as JSON.

A page of another site must not read these: that only names of this machine are answered keeps a name that was made to
point here from being one (DNS rebinding). Nothing is fetched from outside, nothing is inline, nothing is kept.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from http import HTTPStatus
from importlib import resources
from ipaddress import ip_address
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from syncer import app, errors
from syncer.console import charts, views
from syncer.escaping import escaped, escaped_json
from syncer.masking import masked
from syncer.state import Connection, migrations
from syncer.web import Answer, Page, Request

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUSES = ("running", "succeeded", "incomplete", "held", "failed", "interrupted")
_MOST_RUNS = 2**31 - 1

View = Callable[[Connection, Request], object | None]
"""What a page says, or None if there is no such thing. Raises `NoQuestionError`."""


class NoQuestionError(Exception):
    """What was asked is no question to this page; the message says what would be one."""


class Console:
    """The pages of what `opened` names."""

    def __init__(self, opened: app.App) -> None:
        self._opened = opened
        self._style = (resources.files("syncer.console") / "static" / "console.css").read_bytes()
        self._style_path = f"/static/console.{hashlib.sha256(self._style).hexdigest()[:16]}.css"
        self._environment = _environment(self._style_path)
        self._routes: tuple[tuple[re.Pattern[str], str, Callable[..., View]], ...] = (
            (re.compile("|/now"), "now", self._now),
            (re.compile("/runs"), "runs", lambda: _runs),
            (
                re.compile(r"/runs/(\d{1,9})"),
                "run",
                lambda number: lambda connection, _: views.run(connection, int(number)),
            ),
            (
                re.compile("/audiences/([a-z0-9_]{1,500})"),
                "audience",
                lambda name: lambda connection, _: views.audience(connection, name),
            ),
            (re.compile("/person"), "person", lambda: _person),
            (re.compile("/destinations"), "destinations", lambda: lambda connection, _: views.destinations(connection)),
        )

    def page(self, path: str) -> Page | None:
        """See `web.Pages`."""
        if path == self._style_path:
            return Page(lambda _: Answer(HTTPStatus.OK, self._style, "text/css; charset=utf-8", _LASTING))
        plain = path.removesuffix(".json")
        for pattern, name, view in self._routes:
            if found := pattern.fullmatch(plain):
                return Page(partial(self._answer, name, view(*found.groups()), plain != path), quick=False)
        return None

    def _now(self) -> View:
        return lambda connection, _: views.now(self._opened, connection)

    def _answer(self, name: str, view: View, as_json: bool, request: Request) -> Answer:  # noqa: FBT001
        if not _is_ours(request.host):
            return self._sorry(
                HTTPStatus.MISDIRECTED_REQUEST, "ask this machine by its address, or as localhost", as_json
            )
        if any("\0" in value for value in request.query.values()):
            return self._sorry(HTTPStatus.BAD_REQUEST, "no database has such a text", as_json)
        try:
            with self._opened.state.connect("console") as connection, connection.transaction():
                views.begin(connection)
                migrations.check(connection, self._opened.state.schema)
                found = view(connection, request)
        except NoQuestionError as error:
            return self._sorry(HTTPStatus.BAD_REQUEST, str(error), as_json)
        except errors.SyncerError as error:
            return self._sorry(HTTPStatus.SERVICE_UNAVAILABLE, str(error), as_json)
        if found is None:
            return self._sorry(HTTPStatus.NOT_FOUND, f"there is no such {name}", as_json)
        if as_json:
            return _json(HTTPStatus.OK, found)
        return self._html(HTTPStatus.OK, name, request, view=found)

    def _sorry(self, status: HTTPStatus, sentence: str, as_json: bool) -> Answer:  # noqa: FBT001
        if as_json:
            return _json(status, {"error": sentence})
        return self._html(status, "sorry", Request(""), sentence=sentence)

    def _html(self, status: HTTPStatus, name: str, request: Request, **values: object) -> Answer:
        text = self._environment.get_template(f"{name}.html").render(request=request, page=name, **values)
        return Answer(status, text.encode(), _HTML, _HEADERS)


_LASTING = {**_HEADERS, "Cache-Control": "max-age=31536000, immutable"}


def _is_ours(host: str | None) -> bool:
    """Whether a `Host` names this machine whatever a name server says: an address, or localhost."""
    name = re.sub(r":\d*$", "", host or "").strip("[]").rstrip(".").lower()
    try:
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False


def _json(status: HTTPStatus, data: object) -> Answer:
    document = msgspec.json.encode(masked(msgspec.to_builtins(data)))
    return Answer(status, escaped_json(document.decode()).encode() + b"\n", _JSON, _HEADERS)


def _runs(connection: Connection, request: Request) -> views.Runs:
    asked = {name: value for name, value in request.query.items() if value}
    status = asked.get("status")
    if status is not None and status not in _STATUSES:
        raise NoQuestionError(f"a run is {', '.join(_STATUSES)}")
    chosen = {
        "before": _number(asked.get("before")),
        "status": status,
        "destination": asked.get("destination"),
        "property": asked.get("audience"),
        "since": _day(asked.get("since")),
        "until": _day(asked.get("until")),
    }
    return views.runs(connection, chosen)


def _person(connection: Connection, request: Request) -> views.Person:
    return views.person(connection, request.query.get("who", "").strip())


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


def _environment(style_path: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("syncer.console"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(style=style_path, statuses=_STATUSES, chart=charts.chart)
    environment.filters.update(number=lambda number: f"{number:,}", moment=lambda at: f"{at:%Y-%m-%d %H:%M:%S}")
    return environment


def _shown(value: Any) -> Any:
    """What a page prints: addresses masked, on one line, nothing but printable characters."""
    if value is None:
        return ""
    if hasattr(value, "__html__") or isinstance(value, bool | int | float):  # markup of ours, or a number
        return value
    return escaped(str(masked(str(value))))
