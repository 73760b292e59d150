"""Questions about the past: reads the history views and tables, changes nothing, needs no lock."""

from collections.abc import Sequence
from typing import Any

from syncer import models
from syncer.state import Connection, execute


def report(connection: Connection, run_id: int) -> models.RunReport | None:
    """One run in the words of the JSON contract, or None if there is no such run."""
    row = execute(connection, "show_run", {"run_id": run_id}).fetchone()
    if row is None:
        return None
    return models.RunReport(
        **row._asdict(),
        audiences=[
            models.AudienceReport(**audience._asdict())
            for audience in execute(connection, "list_run_audiences", {"run_id": run_id})
        ],
        destinations=[
            models.DestinationReport(**destination._asdict())
            for destination in execute(connection, "list_run_destinations", {"run_id": run_id})
        ],
    )


def latest(connection: Connection, limit: int) -> Sequence[Any]:
    """The latest runs, newest first: see `list_runs`."""
    return execute(connection, "list_runs", {"limit": limit}).fetchall()


def told(connection: Connection) -> Sequence[Any]:
    """How much each destination was told: see `count_all_told`."""
    return execute(connection, "count_all_told").fetchall()


def refusals(connection: Connection, run_id: int, limit: int) -> Sequence[Any]:
    """The contacts that were refused in a run: see `list_run_refusals`."""
    return execute(connection, "list_run_refusals", {"run_id": run_id, "limit": limit}).fetchall()


def skipped(connection: Connection, limit: int) -> Sequence[Any]:
    """The members that cannot be sent now: see `list_skipped`."""
    return execute(connection, "list_skipped", {"limit": limit}).fetchall()
