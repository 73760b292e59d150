"""What a page is: an address, a name (its template's), and the view that answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from syncer.app import App
from syncer.console.desk import Desk
from syncer.state import Connection
from syncer.web import Request


class NoQuestionError(Exception):
    """What was asked is no question to this page; the message says what would be one."""


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
    such thing, and raises `NoQuestionError`.
    """

    pattern: str
    name: str
    view: Callable[..., object | None]
    csv: bool = False

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The addresses, without `.json`."""
        return re.compile(self.pattern)
