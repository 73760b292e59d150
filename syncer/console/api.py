"""What programs ask: a run, and whether it has ended; the actions; the document that says all of that.

    POST /api/runs            begins a run: 201 with its number, or 409 with who syncs
    GET  /api/runs/N?wait=S   the run, once it has ended, or as it is after so many seconds
    POST /api/ACTION          approve, pause, resume, retire, retry, resync

Everything needs the token but a look at a run without waiting. `/openapi.json` has the details.
"""

import re
import time
from functools import partial
from http import HTTPStatus
from importlib import resources

from syncer.app import App
from syncer.console import views
from syncer.console.actions import KINDS, Actions, Done, MovedError
from syncer.console.answering import Answers, Form, Manner
from syncer.console.asked import Asked, of_json
from syncer.console.doing import ACTION_SECONDS, ACTIONS, PAGES, admitted, asker_of, awaited
from syncer.console.gate import Caller, Gate
from syncer.console.routing import NoQuestionError, said_once
from syncer.console.running import Begun, Busy, NotBegun, Outcome
from syncer.console.views import runs
from syncer.state import Connection, fetch_values, migrations
from syncer.state.asking import Asker
from syncer.web import Answer, Lane, Later, Page, Request, Work

_LOOKS = Lane("look", threads=1, places=16)
LONGEST_WAIT = 60
_WAIT_SECONDS = 1.0
"""Seconds between two looks at whether a run has ended."""

_RUN = re.compile("/api/runs/([0-9]{1,9})")
_SECONDS = re.compile("[0-9]{1,9}")
_ACTION = re.compile(r"/api/([a-z]+)")


class Api:
    """The API over the actions."""

    def __init__(self, opened: App, gate: Gate, answers: Answers, actions: Actions) -> None:
        self._opened = opened
        self._gate = gate
        self._answers = answers
        self._actions = actions
        self._document = (resources.files("syncer.console") / "openapi.json").read_bytes()

    def page(self, path: str) -> Page | None:
        """See `web.Pages`."""
        if path == "/openapi.json":
            return Page(self._describe)
        if path == "/api/runs":
            return Page(partial(self._act, "sync"), methods=("POST",))
        if found := _RUN.fullmatch(path):
            return Page(partial(self._look, int(found[1])))
        if (found := _ACTION.fullmatch(path)) and found[1] in KINDS and found[1] != "sync":
            return Page(partial(self._act, found[1]), methods=("POST",))
        return None

    def _describe(self, request: Request) -> Answer | Work:
        manner = Manner(Form.JSON)
        described = Answer(HTTPStatus.OK, self._document, "application/json", {"Cache-Control": "no-store"})
        return admitted(self._gate, self._answers, request, manner, lambda _: described)

    def _act(self, name: str, request: Request) -> Answer | Work:
        def begin(caller: Caller) -> Work:
            self._gate.insist(caller)
            manner = Manner(Form.JSON, shows=True)
            make = partial(self._done, name, request, asker_of(caller), manner)
            return Work(ACTIONS, partial(self._answers.tried, make, manner), ACTION_SECONDS)

        return admitted(self._gate, self._answers, request, Manner(Form.JSON), begin)

    def _done(self, name: str, request: Request, asker: Asker, manner: Manner) -> Answer | Later:
        if request.media_type not in (None, "application/json"):
            raise NoQuestionError("the body is not what is asked for: it has to be application/json")
        asked: Asked = of_json(request.body, KINDS[name].takes)
        try:
            done = self._actions.act(name, asked, asker)
        except MovedError as error:
            moved = {"error": str(error), "review": error.review}
            return self._answers.json(HTTPStatus.CONFLICT, moved, manner)
        return awaited(done, lambda ended: self._ended(ended, manner))

    def _ended(self, done: Done | Outcome, manner: Manner) -> Answer:
        match done:
            case Done():
                return self._answers.json(HTTPStatus.OK, done, manner)
            case Begun(run_id=None):
                return self._answers.json(HTTPStatus.ACCEPTED, done, manner)
            case Begun():
                return self._answers.json(HTTPStatus.CREATED, done, manner, {"Location": f"/api/runs/{done.run_id}"})
            case Busy():
                return self._answers.json(HTTPStatus.CONFLICT, done, manner)
            case NotBegun():
                status = HTTPStatus.UNPROCESSABLE_ENTITY if done.is_wrong else HTTPStatus.SERVICE_UNAVAILABLE
                return self._answers.sorry(status, "\n".join(done.problems), manner)

    def _look(self, run_id: int, request: Request) -> Answer | Work:
        def begin(caller: Caller) -> Work:
            seconds = _seconds(said_once(request).get("wait", "0"))
            if seconds:
                self._gate.insist(caller)
            manner = Manner(Form.JSON, caller.holds_token)
            make = partial(self._looked, run_id, time.monotonic() + seconds, manner)
            return Work(_LOOKS if seconds else PAGES, partial(self._answers.tried, make, manner))

        return admitted(self._gate, self._answers, request, Manner(Form.JSON), begin)

    def _looked(self, run_id: int, until: float, manner: Manner) -> Answer | Later:
        left = until - time.monotonic()
        with self._opened.state.connect("console") as connection, connection.transaction():
            views.begin(connection)
            migrations.check(connection, self._opened.state.schema)
            if left > 0 and fetch_values(connection, "is_run_open", {"run_id": run_id}) == [True]:
                return Later(min(_WAIT_SECONDS, left), partial(self._looked, run_id, until, manner))
            return self._run(connection, run_id, manner)

    def _run(self, connection: Connection, run_id: int, manner: Manner) -> Answer:
        found = runs.run(connection, run_id)
        if found is None:
            return self._answers.sorry(HTTPStatus.NOT_FOUND, f"there is no run {run_id}", manner)
        return self._answers.json(HTTPStatus.OK, found, manner)


def _seconds(text: str) -> int:
    if not (_SECONDS.fullmatch(text) and int(text) <= LONGEST_WAIT):
        raise NoQuestionError(f"wait is a number of seconds, at most {LONGEST_WAIT}")
    return int(text)
