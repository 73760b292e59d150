"""How the console answers: HTML from templates, JSON, files; nothing from outside, nothing inline, nothing kept.

Email addresses are masked. What others wrote is escaped.
"""

import hashlib
from http import HTTPStatus
from importlib import resources
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from syncer.console import charts
from syncer.console.pages import STATUSES
from syncer.escaping import escaped, escaped_json
from syncer.masking import masked
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
_LASTING = {**_HEADERS, "Cache-Control": "max-age=31536000, immutable"}


class Answers:
    """Makes answers. A template knows the request, the page's name, and what the page says as `view`."""

    def __init__(self) -> None:
        style = (resources.files("syncer.console") / "static" / "console.css").read_bytes()
        style_path = f"/static/console.{hashlib.sha256(style).hexdigest()[:16]}.css"
        self._environment = _environment(style_path)
        self.files = {
            style_path: Page(lambda _: Answer(HTTPStatus.OK, style, "text/css; charset=utf-8", _LASTING)),
        }
        """The files that pages name, by path; a path says what is in it."""

    def said(self, name: str, view: object, request: Request, *, as_json: bool) -> Answer:
        """What a page says."""
        return _json(HTTPStatus.OK, view) if as_json else self._html(HTTPStatus.OK, name, request, view=view)

    def sorry(self, status: HTTPStatus, sentence: str, *, as_json: bool) -> Answer:
        """Why a page says nothing."""
        if as_json:
            return _json(status, {"error": sentence})
        return self._html(status, "sorry", Request(""), sentence=sentence)

    def _html(self, status: HTTPStatus, name: str, request: Request, **values: object) -> Answer:
        text = self._environment.get_template(f"{name}.html").render(request=request, page=name, **values)
        return Answer(status, text.encode(), _HTML, _HEADERS)


def _json(status: HTTPStatus, data: object) -> Answer:
    document = msgspec.json.encode(masked(msgspec.to_builtins(data)))
    return Answer(status, escaped_json(document.decode()).encode() + b"\n", _JSON, _HEADERS)


def _environment(style_path: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("syncer.console"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(style=style_path, statuses=STATUSES, chart=charts.chart)
    environment.filters.update(number=lambda number: f"{number:,}", moment=lambda at: f"{at:%Y-%m-%d %H:%M:%S}")
    return environment


def _shown(value: Any) -> Any:
    """What a page prints: addresses masked, on one line, nothing but printable characters."""
    if value is None:
        return ""
    if hasattr(value, "__html__") or isinstance(value, bool | int | float):  # markup of ours, or a number
        return value
    return escaped(str(masked(str(value))))
