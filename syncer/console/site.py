"""The console's addresses: finds what is at a path, and has it answered from the state at one moment.

A page of another site must not read these: that only names of this machine are answered keeps a name that was made to
point here from being one (DNS rebinding).
"""

import re
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address

from syncer import app, errors
from syncer.console import pages, views
from syncer.console.answering import Answers, Form, form_of
from syncer.console.desk import Desk
from syncer.console.errands import Errands
from syncer.console.places import Places
from syncer.console.routing import Look, NoQuestionError, Route
from syncer.state import migrations
from syncer.web import Answer, Page, Request


class Console:
    """The pages of what `opened` names."""

    def __init__(self, opened: app.App) -> None:
        self._opened = opened
        self._answers = Answers()
        self._desk = Desk(Places(), Errands(opened.state))

    def page(self, path: str) -> Page | None:
        """See `web.Pages`."""
        if path in self._answers.files:
            return self._answers.files[path]
        plain, form = form_of(path)
        for route in pages.ROUTES:
            if (found := route.expression.fullmatch(plain)) and (form is not Form.CSV or route.csv):
                return Page(partial(self._look, route, found.groups(), form), quick=False)
        return None

    def _look(self, route: Route, parts: Sequence[str], form: Form, request: Request) -> Answer:
        sorry = partial(self._answers.sorry, form=form)
        if not _is_ours(request.host):
            return sorry(HTTPStatus.MISDIRECTED_REQUEST, "ask this machine by its address, or as localhost")
        if any("\0" in value for value in request.query.values()):
            return sorry(HTTPStatus.BAD_REQUEST, "no database has such a text")
        try:
            with self._opened.state.connect("console") as connection, connection.transaction():
                views.begin(connection)
                migrations.check(connection, self._opened.state.schema)
                found = route.view(Look(self._opened, self._desk, connection, request, form is Form.CSV), *parts)
        except NoQuestionError as error:
            return sorry(HTTPStatus.BAD_REQUEST, str(error))
        except errors.SyncerError as error:
            return sorry(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if found is None:
            return sorry(HTTPStatus.NOT_FOUND, f"there is no such {route.name}")
        return self._answers.said(route.name, found, request, form)


def _is_ours(host: str | None) -> bool:
    """Whether a `Host` names this machine whatever a name server says: an address, or localhost."""
    name = re.sub(r":\d*$", "", host or "").strip("[]").rstrip(".").lower()
    try:
        return name == "localhost" or bool(ip_address(name))
    except ValueError:
        return False
