"""What a page is: an address, a name (its template's), and the view that answers it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from syncer.app import App
from syncer.console.desk import Desk
from syncer.state import Connection
from syncer.web import Request


class NoQuestionError(Exception):
    """What was asked is no question to this page; the message says what would be one."""


def refuse_repeated(said: Mapping[str, Sequence[str]]) -> None:
    """What is said twice is no question: one of the two would not be heeded."""
    twice = sorted(name for name, values in said.items() if len(values) > 1)
    if twice:
        raise NoQuestionError(f"say once: {', '.join(twice)}")


def said_once(request: Request) -> Mapping[str, str]:
    """What an address says behind the path, without what it leaves open. Refuses what it repeats."""
    asked = {name: [value for value in values if value] for name, values in request.every.items()}
    refuse_repeated(asked)
    return {name: values[0] for name, values in asked.items() if values}


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looks at a page: `connection` reads the state at one moment, in a transaction that changes nothing.

    `as_csv`: they want a file.
    """

    opened: App
    desk: Desk
    connection: Connection
    request: Request
    as_csv: bool = False


@dataclass(frozen=True)
class Route:
    """A page, and with `.json` behind its address the same as JSON; a list (`csv`), with `.csv`, as a table.

    `view` gets the look and what the groups of `pattern` found. It returns what the page says, or None if there is no
    such thing, and raises `NoQuestionError`. `filters` are what may stand in the query, by name, as JSON schemas.
    A page may be posted by whoever gives the token with it, to see addresses; one with a `click` by everybody who may
    see it: that is what is done then, and what it says.
    """

    pattern: str
    name: str
    view: Callable[..., object | None]
    filters: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    csv: bool = False
    click: Callable[..., object | None] | None = None

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The addresses, without `.json`."""
        return re.compile(self.pattern)
