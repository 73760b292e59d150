"""How the console answers: HTML from templates, JSON, CSV, files; nothing from outside, nothing inline, nothing kept.

Email addresses are masked, unless whoever asks gave the token. What others wrote is escaped.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from http import HTTPStatus
from importlib import resources

import msgspec

from syncer import errors
from syncer.console.errands import NO_STATE
from syncer.console.rendering import cell, environment, link
from syncer.console.routing import NoQuestionError
from syncer.console.views.lists import Listing
from syncer.escaping import escaped_cell, escaped_json
from syncer.log import Logger
from syncer.masking import masked
from syncer.web import Answer, Later, Page, Request

log = Logger(__name__)

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"
_CSV = "text/csv; charset=utf-8"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # without any, a browser does not say of a form of ours that it is ours
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LASTING = {**_HEADERS, "Cache-Control": "max-age=31536000, immutable"}
_FILES = {
    "console.css": "text/css; charset=utf-8",
    "htmx.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


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


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody is answered: in which form, and with addresses or without."""

    form: Form = Form.PAGE
    shows: bool = False


class Answers:
    """Makes answers. A template knows the request, the page's name, whether addresses are shown, what the page says as
    `view`, and in `acts` whether there is a token."""

    def __init__(self, *, acts: bool) -> None:
        self.files: dict[str, Page] = {}
        """The files that pages name, by path; a path says what is in it."""
        files = {name: self._serve(name, kind) for name, kind in _FILES.items()}
        self._environments = {shows: environment(files, acts=acts, shows=shows) for shows in (False, True)}

    def said(self, name: str, view: object, request: Request, manner: Manner) -> Answer:
        """What a page says."""
        if manner.form is Form.JSON:
            return self.json(HTTPStatus.OK, view, manner)
        if manner.form is Form.CSV and isinstance(view, Listing):
            return _csv(view, request, manner)
        return self.html(HTTPStatus.OK, name, request, manner, view=view)

    def sorry(
        self, status: HTTPStatus, sentence: str, manner: Manner, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Why nothing is said, or done."""
        if manner.form is Form.PAGE:
            return self.html(status, "sorry", Request(""), manner, headers, sentence=sentence)
        return self.json(status, {"error": sentence}, manner, headers)

    def tried(self, make: Callable[[], Answer | Later], manner: Manner) -> Answer | Later:
        """What is made, also later; or why not."""
        try:
            made = make()
        except NoQuestionError as error:
            return self.sorry(HTTPStatus.BAD_REQUEST, str(error), manner)
        except errors.ConfigError as error:
            return self.sorry(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), manner)
        except errors.StateError as error:
            log.warning("the state cannot be used for the console", error=str(error))
            sentence = str(error) if manner.shows else NO_STATE
            return self.sorry(HTTPStatus.SERVICE_UNAVAILABLE, sentence, manner)
        except errors.SyncerError as error:
            return self.sorry(HTTPStatus.SERVICE_UNAVAILABLE, str(error), manner)
        return Later(made.seconds, partial(self.tried, made.again, manner)) if isinstance(made, Later) else made

    def html(
        self,
        status: HTTPStatus,
        name: str,
        request: Request,
        manner: Manner,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> Answer:
        """A page."""
        template = self._environments[manner.shows].get_template(f"{name}.html")
        text = template.render(request=request, page=name, shows=manner.shows, **values)
        return Answer(status, text.encode(), _HTML, {**_HEADERS, **(headers or {})})

    def json(
        self, status: HTTPStatus, data: object, manner: Manner, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A document."""
        plain = msgspec.to_builtins(data)
        document = msgspec.json.encode(plain if manner.shows else masked(plain))
        body = escaped_json(document.decode()).encode() + b"\n"
        return Answer(status, body, _JSON, {**_HEADERS, **(headers or {})})

    def _serve(self, name: str, kind: str) -> str:
        """Serves a file; its path."""
        content = (resources.files("syncer.console") / "static" / name).read_bytes()
        stem, _, suffix = name.rpartition(".")
        path = f"/static/{stem}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
        self.files[path] = Page(lambda _: Answer(HTTPStatus.OK, content, kind, _LASTING))
        return path


def elsewhere(path: str) -> Answer:
    """Sends a browser to another page, once it has posted something."""
    return Answer(HTTPStatus.SEE_OTHER, b"", headers={**_HEADERS, "Location": path})


def _csv(listing: Listing, request: Request, manner: Manner) -> Answer:
    """A part of a list as a table; where more follows, a header says where (RFC 8288)."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(listing.columns)
    for row in listing.rows:
        table.writerow([_plain(cell(row[name]), manner) for name in listing.columns])
    headers = {**_HEADERS, "Content-Disposition": "attachment"}
    if listing.next is not None:
        headers["Link"] = f'<{_after(listing.next, request)}>; rel="next"'
    return Answer(HTTPStatus.OK, text.getvalue().encode(), _CSV, headers)


def _after(place: str, request: Request) -> str:
    return link(request.path, **{**request.query, "from": place})


def _plain(text: str, manner: Manner) -> str:
    return escaped_cell(text if manner.shows else str(masked(text)))
