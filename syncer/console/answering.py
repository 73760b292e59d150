"""How the console answers: HTML from templates, JSON, CSV, files; nothing from outside, nothing inline, nothing kept.

Email addresses are masked. What others wrote is escaped.
"""

import csv
import hashlib
import io
from enum import Enum
from http import HTTPStatus
from importlib import resources

import msgspec

from syncer.console.rendering import cell, environment, link
from syncer.console.views.lists import Listing
from syncer.escaping import escaped, escaped_json
from syncer.masking import masked
from syncer.web import Answer, Page, Request

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_CSV = "text/csv; charset=utf-8"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LASTING = {**_HEADERS, "Cache-Control": "max-age=31536000, immutable"}
_FILES = {
    "console.css": "text/css; charset=utf-8",
    "htmx.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A table program takes a cell that begins so for a formula, and what is in it may be a stranger's."""


class Form(Enum):
    """In which form something is answered: what its address ends with."""

    PAGE = ""
    JSON = ".json"
    CSV = ".csv"


def form_of(path: str) -> tuple[str, Form]:
    """The address without its end, and the form that the end asks for."""
    for form in (Form.JSON, Form.CSV):
        if path.endswith(form.value):
            return path.removesuffix(form.value), form
    return path, Form.PAGE


class Answers:
    """Makes answers. A template knows the request, the page's name, and what the page says as `view`."""

    def __init__(self) -> None:
        self.files: dict[str, Page] = {}
        """The files that pages name, by path; a path says what is in it."""
        self._environment = environment({name: self._serve(name, kind) for name, kind in _FILES.items()})

    def said(self, name: str, view: object, request: Request, form: Form) -> Answer:
        """What a page says."""
        if form is Form.JSON:
            return _json(HTTPStatus.OK, view)
        if form is Form.CSV and isinstance(view, Listing):
            return _csv(view, request)
        return self._html(HTTPStatus.OK, name, request, view=view)

    def sorry(self, status: HTTPStatus, sentence: str, *, form: Form) -> Answer:
        """Why a page says nothing."""
        if form is Form.PAGE:
            return self._html(status, "sorry", Request(""), sentence=sentence)
        return _json(status, {"error": sentence})

    def _html(self, status: HTTPStatus, name: str, request: Request, **values: object) -> Answer:
        text = self._environment.get_template(f"{name}.html").render(request=request, page=name, **values)
        return Answer(status, text.encode(), _HTML, _HEADERS)

    def _serve(self, name: str, kind: str) -> str:
        """Serves a file; its path."""
        content = (resources.files("syncer.console") / "static" / name).read_bytes()
        stem, _, suffix = name.rpartition(".")
        path = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
        self.files[path] = Page(lambda _: Answer(HTTPStatus.OK, content, kind, _LASTING))
        return path


def _json(status: HTTPStatus, data: object) -> Answer:
    document = msgspec.json.encode(masked(msgspec.to_builtins(data)))
    return Answer(status, escaped_json(document.decode()).encode() + b"\n", _JSON, _HEADERS)


def _csv(listing: Listing, request: Request) -> Answer:
    """A part of a list as a table; where more follows, a header says where (RFC 8288)."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(listing.columns)
    for row in listing.rows:
        table.writerow([_plain(cell(row[name])) for name in listing.columns])
    headers = {**_HEADERS, "Content-Disposition": "attachment"}
    if listing.next is not None:
        headers["Link"] = f'<{_after(listing.next, request)}>; rel="next"'
    return Answer(HTTPStatus.OK, text.getvalue().encode(), _CSV, headers)


def _after(place: str, request: Request) -> str:
    return link(request.path, **{**request.query, "from": place})


def _plain(text: str) -> str:
    shown = escaped(str(masked(text)))
    return f"'{shown}" if text.startswith(_FORMULA) else shown
