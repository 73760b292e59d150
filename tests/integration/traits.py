"""Worlds whose members have a value, in any warehouse: as a trait that goes along, and as a computed trait."""

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from tests.world import VIP, World, calls

DIALECTS = ("postgres", "in one database", "sqlite", "duckdb", "duckdb without arrow")

ALONG = 'traits = { value = "description" }\n'
COMPUTED = '[[computed_traits]]\nname = "Score"\nquery = "SELECT user_id, email, value FROM members"\n'


@dataclass
class Valued:
    """A world with a table `members` that has a column `value`. `run` writes to its warehouse, from outside."""

    world: World
    run: Callable[[str], object]

    def make(self, kind: str, **values: str) -> None:
        """Makes the table, of a member for each of these values, which are SQL."""
        self.run("DROP TABLE IF EXISTS members")
        self.run(f"CREATE TABLE members (audience_name text, user_id text, email text, value {kind})")
        for user, value in values.items():
            self.run(f"INSERT INTO members VALUES ('{VIP}', '{user}', '{user}@x.io', {value})")

    def told(self) -> dict[str, dict[str, Any]]:
        """Syncs: what was told of each user, without the address."""
        since = len(self.world.receiver.events)
        result = self.world.sync()
        assert result.report.status == "succeeded", result
        found: dict[str, dict[str, Any]] = {}
        for user, traits in calls(self.world, since):
            found.setdefault(user, {}).update({name: traits[name] for name in traits if name != "email"})
        return found

    def skipped(self) -> list[tuple[str, str, str]]:
        """(audience, user id, reason) of what is listed as skipped."""
        return self.world.query("SELECT audience, user_id, reason FROM skipped_members ORDER BY 1, 2, 3")


def valued(world: World, dialect: str, monkeypatch: pytest.MonkeyPatch) -> Valued:
    """The world, with a warehouse of this dialect."""
    world.receiver.allowed_traits = frozenset({"description"})
    if dialect in ("postgres", "in one database"):
        return Valued(world, world.warehouse.run)
    file = world.folder / "warehouse.db"
    if dialect == "duckdb without arrow":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    connect: Callable[[], Any] = lambda: sqlite3.connect(file, isolation_level=None)  # noqa: E731
    if dialect != "sqlite":
        connect = lambda: duckdb.connect(str(file))  # noqa: E731
    world.warehouse.url = f"{dialect.split()[0]}:///{file}"

    def run(statement: str) -> object:
        with closing(connect()) as connection:
            return connection.execute(statement)

    return Valued(world, run)
