"""The console's addresses: finds what is at a path, and has it answered from the state at one moment."""

from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus

from syncer import app
from syncer.console import pages, views
from syncer.console.actions import Actions
from syncer.console.answering import Answers, Form, Manner, form_of
from syncer.console.api import Api
from syncer.console.confirming import Confirmations
from syncer.console.desk import Desk
from syncer.console.doing import PAGES, admitted
from syncer.console.errands import Errands
from syncer.console.gate import Caller, Gate
from syncer.console.gate import form as form_fields
from syncer.console.places import Places
from syncer.console.routing import Look, Route
from syncer.console.running import Runner
from syncer.state import migrations
from syncer.web import Answer, Page, Request, Work


class Console:
    """The pages of what `opened` names, what people do there, and the API. `alone`: no daemon serves it."""

    def __init__(self, opened: app.App, *, alone: bool = False) -> None:
        self._opened = opened
        self._gate = Gate(opened.settings.console)
        self._answers = Answers(acts=self._gate.opens)
        self._desk = Desk(Places(), Errands(opened.state))
        self._runner = Runner(opened, alone=alone)
        actions = Actions(opened, self._runner)
        self._confirmations = Confirmations(self._gate, self._answers, actions)
        self._api = Api(opened, self._gate, self._answers, actions)

    def close(self) -> None:
        """Lets a run that it makes itself land."""
        self._runner.close()

    def page(self, path: str) -> Page | None:
        """See `web.Pages`."""
        file = self._answers.files.get(path)
        return file or self._confirmations.page(path) or self._api.page(path) or self._shown(path)

    def _shown(self, path: str) -> Page | None:
        plain, form = form_of(path)
        for route in pages.ROUTES:
            if (found := route.expression.fullmatch(plain)) and (form is not Form.CSV or route.csv):
                methods = ("GET",) if form is Form.JSON else ("GET", "POST")
                return Page(partial(self._answer, route, found.groups(), form), methods)
        return None

    def _answer(self, route: Route, parts: Sequence[str], form: Form, request: Request) -> Answer | Work:
        def begin(caller: Caller) -> Work:
            view = route.view
            if request.method == "POST" and (route.click is None or "token" in form_fields(request)):
                self._gate.insist(caller)  # to see addresses
            elif request.method == "POST" and route.click is not None:
                view = route.click
            manner = Manner(form, caller.holds_token)
            make = partial(self._look, route.name, lambda look: view(look, *parts), request, manner)
            return Work(PAGES, partial(self._answers.tried, make, manner))

        return admitted(self._gate, self._answers, request, Manner(form), begin)

    def _look(self, name: str, view: Callable[[Look], object | None], request: Request, manner: Manner) -> Answer:
        with self._opened.state.connect("console") as connection, connection.transaction():
            views.begin(connection)
            migrations.check(connection, self._opened.state.schema)
            found = view(Look(self._opened, self._desk, connection, request, manner.form is Form.CSV))
        if found is None:
            return self._answers.sorry(HTTPStatus.NOT_FOUND, f"there is no such {name}", manner)
        return self._answers.said(name, found, request, manner)
