"""From a request to an act, and from an act to an answer: what confirmations and the API have in common."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from syncer.console.actions import Done
from syncer.console.answering import Answers, Manner
from syncer.console.gate import Caller, Gate, TurnedAwayError
from syncer.console.routing import NoQuestionError
from syncer.console.running import Look, Outcome
from syncer.state.asking import Asker
from syncer.web import Answer, Lane, Later, Request, Work

PAGES = Lane("page", threads=2, places=8)
"""What anybody may look at."""

ACTIONS = Lane("action", threads=2, places=8, acts=True)
"""What needs the token, so that nobody else takes its threads."""

ACTION_SECONDS = 30.0
_LOOK_SECONDS = 0.2
"""Seconds between two looks at whether a run has begun."""


def admitted(
    gate: Gate, answers: Answers, request: Request, manner: Manner, begin: Callable[[Caller], Answer | Work]
) -> Answer | Work:
    """What `begin` answers whoever may come in; the others learn why they may not."""
    try:
        return begin(gate.caller(request))
    except TurnedAwayError as error:
        return answers.sorry(error.status, str(error), manner, error.headers)
    except NoQuestionError as error:
        return answers.sorry(HTTPStatus.BAD_REQUEST, str(error), manner)


def asker_of(caller: Caller) -> Asker:
    """Who asks, as the history names them: not the account of this process."""
    return Asker(f"{caller.name}@{caller.address}", None)


def awaited(done: Done | Outcome | Look, say: Callable[[Done | Outcome], Answer]) -> Answer | Later:
    """What is to be said of an act, once it is known whether its run has begun."""
    if callable(done):
        found = done()
        if found is None:
            return Later(_LOOK_SECONDS, partial(awaited, done, say))
        return say(found)
    return say(done)
