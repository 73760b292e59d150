"""The record of runs: opens them, closes them, and settles what a vanished process left open.

States of a run: `reading` (opened) → `planned` (the plan is committed) → `closed` (with a status). Every step names
the state that it expects. At most one run is open; only the leader touches it.
"""

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg.sql
from psycopg.types.json import Jsonb

import syncer
from syncer import errors, models, pages
from syncer.models import Status
from syncer.state import Connection, one, run


@dataclass(frozen=True, slots=True)
class Ending:
    """What a run knows about its own end.

    `interrupted`: somebody asked to stop; a run that had nothing left to send is none the worse for it.
    `cause` is what kept it from a whole plan or from the state; `by_destination` what stopped a destination.
    """

    error: str | None = None
    interrupted: bool = False
    cause: BaseException | None = None
    by_destination: Mapping[str, errors.DestinationError] = field(default_factory=dict)


def settle_lost_run(connection: Connection) -> int | None:
    """The first step of a run: if a process vanished, what it was sending becomes uncertain and its run is closed.

    Returns the id of that run. Pages found `sending` may have arrived or not; pages still `planned` never left.
    """
    open_run = run(connection, "find_open_run").fetchone()
    if open_run is None:
        return None
    with connection.transaction():
        error = f"the process {open_run.pid} on {open_run.host} ended without closing this run"
        _close(connection, open_run.run_id, Ending(error=error, interrupted=True))
    return int(open_run.run_id)


def open_run(connection: Connection, trigger: models.Trigger, destination_ids: Sequence[int]) -> int:
    """Opens a run for these destinations and makes room for its history."""
    with connection.transaction():
        opened = one(
            connection,
            "open_run",
            {
                "trigger": trigger,
                "syncer_version": syncer.__version__,
                "host": socket.gethostname(),
                "pid": os.getpid(),
            },
        )
        first = opened.run_id - opened.run_id % pages.RUNS_PER_PARTITION
        run(
            connection,
            "create_change_partition",
            partition=pages.change_partition(opened.run_id),
            first_run=psycopg.sql.Literal(first),
            end_run=psycopg.sql.Literal(first + pages.RUNS_PER_PARTITION),
        )
        for destination_id in destination_ids:
            run(connection, "add_run_destination", {"run_id": opened.run_id, "destination_id": destination_id})
        return int(opened.run_id)


def register_destinations(connection: Connection, destinations: Sequence[models.Destination]) -> dict[str, int]:
    """The key of each destination by name; a new one gets its key and its partitions."""
    known = known_destinations(connection)
    for destination in destinations:
        if destination.name not in known:
            with connection.transaction():
                known[destination.name] = _add_destination(connection, destination)
    return known


def known_destinations(connection: Connection) -> dict[str, int]:
    """The key of each destination that the state knows, by name."""
    return {row.name: row.destination_id for row in run(connection, "list_destinations")}


def record_action(connection: Connection, action: str, arguments: Mapping[str, Any], run_id: int | None) -> None:
    """Writes down what a person told us to do."""
    actor = f"{getpass.getuser()}@{socket.gethostname()}"
    run(
        connection,
        "record_action",
        {"actor": actor, "action": action, "arguments": Jsonb(dict(arguments)), "run_id": run_id},
    )


def close_run(connection: Connection, run_id: int, ending: Ending) -> None:
    """Tallies a run and closes it with its status: the first that applies, in the order of `models.Status`."""
    with connection.transaction():
        _close(connection, run_id, ending)


def _add_destination(connection: Connection, destination: models.Destination) -> int:
    account = Jsonb(dict(destination.account()))
    added = one(connection, "add_destination", {"name": destination.name, "account": account})
    for parent in ("synced_member", "told_false"):
        run(
            connection,
            "create_destination_partition",
            partition=psycopg.sql.Identifier(f"{parent}_{added.destination_id}"),
            parent=psycopg.sql.Identifier(parent),
            destination_id=psycopg.sql.Literal(added.destination_id),
        )
    return int(added.destination_id)


def _close(connection: Connection, run_id: int, ending: Ending) -> None:
    named = {"run_id": run_id}
    for step in ("lose_sending_pages", "abort_unsent_pages", "tally_identifies", "tally_changes", "end_initial_syncs"):
        run(connection, step, named)
    statuses = [Status.FAILED] if ending.cause else []
    if ending.interrupted and ending.error:
        statuses.append(Status.INTERRUPTED)
    if one(connection, "count_problems", named).problems:
        statuses.append(Status.INCOMPLETE)
    for tally in run(connection, "list_tallies", named).fetchall():
        error = ending.by_destination.get(tally.destination)
        status = _destination_status(tally, ending, error)
        statuses.append(status)
        run(
            connection,
            "close_destination",
            {
                "run_id": run_id,
                "destination_id": tally.destination_id,
                "status": status,
                "error": str(error) if error else None,
            },
        )
    status = next((status for status in Status if status in statuses), Status.SUCCEEDED)
    one(connection, "close_run", {"run_id": run_id, "status": status, "error": ending.error})


def _destination_status(tally: Any, ending: Ending, error: errors.DestinationError | None) -> Status:
    if ending.interrupted and (ending.error or tally.aborted):
        return Status.INTERRUPTED
    if ending.cause or (error and tally.aborted):
        return Status.FAILED
    if tally.failed or tally.unknown or error:
        return Status.INCOMPLETE
    return Status.SUCCEEDED
