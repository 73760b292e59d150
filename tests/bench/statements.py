"""How long PostgreSQL works for whoever asks it: from its own log, so that no statement is missed."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.bench.server import Server

_DURATION = re.compile(r"duration: ([\d.]+) ms  (?:parse|bind|execute|statement)[^:]*: (.*)")
_NAME = re.compile(r"/\* syncer:(\S+)")

# What the warehouse does, and what waits for it: no matter of the state.
_WAREHOUSE = re.compile(r"warehouse_|stage_members")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question cost: milliseconds of all statements at the state, and of each by its name; and how long the
    warehouse was asked."""

    what: str
    milliseconds: float
    warehouse: float = 0.0
    statements: dict[str, float] = field(default_factory=dict)

    @property
    def slowest(self) -> tuple[str, float]:
        return max(self.statements.items(), key=lambda each: each[1], default=("", 0.0))


class Log:
    """The log of a server that writes each statement of the measured database with its duration."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __enter__(self) -> "Log":
        self._set("SET log_min_duration_statement = 0")
        return self

    def __exit__(self, *_: object) -> None:
        self._set("RESET log_min_duration_statement")

    def _set(self, change: str) -> None:
        name = self._server.run("SELECT current_database()")[0][0]
        self._server.run(f'ALTER DATABASE "{name}" {change}')

    def time(self, what: str, ask: Callable[[], object]) -> Asked:
        """Asks, and adds up what the log says since then. Nobody else may ask meanwhile."""
        _, statements = self.during(ask)
        own = {name: spent for name, spent in statements.items() if not _WAREHOUSE.match(name)}
        return Asked(what, sum(own.values()), sum(statements.values()) - sum(own.values()), own)

    def during(self, act: Callable[[], Answer]) -> tuple[Answer, dict[str, float]]:
        """What it returns, and the milliseconds of each statement meanwhile: by its name, or by its text."""
        before = self._server.log.stat().st_size
        answer = act()
        with self._server.log.open("rb") as file:
            file.seek(before)
            lines = file.read().decode(errors="replace").splitlines()
        statements: dict[str, float] = {}
        for milliseconds, text in (match.groups() for match in map(_DURATION.search, lines) if match):
            named = _NAME.search(text)
            name = named[1] if named else " ".join(text.split())[:40]
            statements[name] = statements.get(name, 0.0) + float(milliseconds)
        return answer, statements
