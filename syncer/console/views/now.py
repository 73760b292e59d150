"""How it stands now: what runs, what waits, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from syncer import app, overview
from syncer.console.views import MOST, pipelines
from syncer.state import Connection, fetch_all, status


@dataclass(frozen=True, slots=True)
class HeldRun:
    """The last run that held something of an audience that still waits: `syncer approve` of it lets that pass.

    `contacts` is how many that run held.
    """

    run_id: int
    destination: str
    audience: str
    property: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Now:
    """How it stands now. `held` is what waits for approval; `pipelines` are in the order of the destinations."""

    standing: status.CurrentStatus
    held: Sequence[HeldRun]
    pipelines: Sequence[pipelines.Pipeline]


def now(opened: app.App, connection: Connection) -> Now:
    """How it stands now."""
    standing = overview.standing(opened.settings, opened.state, connection, MOST)
    held = fetch_all(connection, HeldRun, "list_held_runs")
    return Now(standing, held, pipelines.latest(connection))
