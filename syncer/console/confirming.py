"""The pages that confirm an action: GET shows its review, POST does what was reviewed, or shows what moved."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

import msgspec

from syncer.console.actions import KINDS, Actions, Done, MovedError, Review
from syncer.console.answering import Answers, Form, Manner, elsewhere
from syncer.console.asked import Asked, of_fields
from syncer.console.doing import ACTION_SECONDS, ACTIONS, PAGES, admitted, asker_of, awaited
from syncer.console.gate import Caller, Gate, form
from syncer.console.routing import NoQuestionError
from syncer.console.running import Begun, Busy, NotBegun, Outcome
from syncer.state.asking import Asker
from syncer.web import Answer, Later, Page, Request, Work

_PATH = re.compile(r"/actions/([a-z]+)(\.json)?")
_SEEN_BYTES = 16_384
"""How much of what was reviewed a form carries, to show it beside what has become of it."""

_ROWS = msgspec.json.Decoder(list[dict[str, str | int | float | bool | None]])


class Confirmations:
    """The pages of the actions."""

    def __init__(self, gate: Gate, answers: Answers, actions: Actions) -> None:
        self._gate = gate
        self._answers = answers
        self._actions = actions

    def page(self, path: str) -> Page | None:
        """See `web.Pages`."""
        found = _PATH.fullmatch(path)
        if found is None or found[1] not in KINDS:
            return None
        if found[2]:
            return Page(partial(self._review, found[1], Manner(Form.JSON)))
        return Page(partial(self._answer, found[1]), methods=("GET", "POST"))

    def _answer(self, name: str, request: Request) -> Answer | Work:
        return self._act(name, request) if request.method == "POST" else self._review(name, Manner(), request)

    def _review(self, name: str, manner: Manner, request: Request) -> Answer | Work:
        def begin(caller: Caller) -> Work:
            here = replace(manner, shows=caller.holds_token)
            asked = of_fields(request.every, KINDS[name].takes)
            make = partial(self._reviewed, asked, name, request, here)
            return Work(PAGES, partial(self._answers.tried, make, here))

        return admitted(self._gate, self._answers, request, manner, begin)

    def _reviewed(self, asked: Asked, name: str, request: Request, manner: Manner) -> Answer:
        review = self._actions.review(name, asked)
        if manner.form is Form.JSON:
            return self._answers.json(HTTPStatus.OK, review, manner)
        return self._confirm(HTTPStatus.OK, review, request, manner)

    def _confirm(
        self,
        status: HTTPStatus,
        review: Review,
        request: Request,
        manner: Manner,
        before: Sequence[Mapping[str, object]] | None = None,
        moved: str | None = None,
    ) -> Answer:
        rows = msgspec.json.encode(review.rows).decode()
        seen = rows if len(rows) <= _SEEN_BYTES else ""
        return self._answers.html(
            status, "confirm", request, manner, review=review, seen=seen, before=before, moved=moved
        )

    def _act(self, name: str, request: Request) -> Answer | Work:
        def begin(caller: Caller) -> Work:
            self._gate.insist(caller)
            fields = form(request)
            if not fields.get("digest"):
                raise NoQuestionError("this form carries no digest of what was reviewed; open the page again")
            asked = of_fields({**request.every, "digest": fields["digest"]}, KINDS[name].takes)
            manner = Manner(shows=True)
            make = partial(self._done, name, asked, asker_of(caller), request, manner)
            return Work(ACTIONS, partial(self._answers.tried, make, manner), ACTION_SECONDS)

        return admitted(self._gate, self._answers, request, Manner(), begin)

    def _done(self, name: str, asked: Asked, asker: Asker, request: Request, manner: Manner) -> Answer | Later:
        try:
            done = self._actions.act(name, asked, asker)
        except MovedError as error:
            before = _rows(form(request))
            return self._confirm(HTTPStatus.CONFLICT, error.review, request, manner, before, str(error))
        return awaited(done, lambda ended: self._ended(ended, request, manner))

    def _ended(self, done: Done | Outcome, request: Request, manner: Manner) -> Answer:
        match done:
            case Done():
                return self._answers.html(HTTPStatus.OK, "done", request, manner, done=done)
            case Begun():
                return elsewhere("/" if done.run_id is None else f"/runs/{done.run_id}")
            case Busy():
                return self._answers.sorry(HTTPStatus.CONFLICT, done.error, manner)
            case NotBegun():
                status = HTTPStatus.UNPROCESSABLE_ENTITY if done.is_wrong else HTTPStatus.SERVICE_UNAVAILABLE
                return self._answers.sorry(status, "\n".join(done.problems), manner)


def _rows(fields: Mapping[str, Sequence[str]]) -> Sequence[Mapping[str, object]] | None:
    """What the form says that was reviewed; None if it is too much to carry, or nothing of ours."""
    try:
        return _ROWS.decode(fields.get("seen", [""])[0])
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None
