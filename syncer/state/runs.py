"""The record of runs: opens them, closes them, and settles what a vanished process left open.

States of a run: `reading` (opened) → `planned` (the plan is committed) → `closed` (with a status). Every step names
the state that it expects. At most one run is open; only the leader touches it.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import NamedTuple

from psycopg.types.json import Jsonb

import syncer
from syncer import errors, models
from syncer.models import Status
from syncer.state import (
    MAX_CONTACTS_OF_USER,
    Connection,
    analyze,
    execute,
    fetch_all,
    fetch_one,
    fetch_optional,
    fetch_value,
    fetch_values,
    retried,
    witness,
)
from syncer.state.asking import Asker, this_process

_CLOSING_STEPS = {
    "lose_sending_pages": "sending",
    "abort_unsent_pages": "unsent",
    "tally_identifies": "changes",
    "tally_changes": "changes",
    "add_told_counts": "counted",
    "end_initial_syncs": "counted",
    "clear_unanswered": "unanswered",
    "count_unanswered": "exceptions",
    "clear_refusals": "refused",
    "record_refusals": "exceptions",
    "settle_holds": "approved",
    "mark_users_elsewhere": "users_told_false",
}
"""The steps in their order, and what of a run each is about (`_Left`): PostgreSQL plans a step that finds nothing for
longer than it takes to know that there is nothing."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, as far as it knows itself.

    `interrupted`: a stop was asked for, which changes nothing for a run that had nothing left to send. `cause` is what
    kept it from a whole plan or from the state, or the guard that holds it as a whole; `by_destination` is what stopped
    a destination, or kept it from being begun.
    """

    error: str | None = None
    interrupted: bool = False
    cause: BaseException | None = None
    by_destination: Mapping[str, errors.SyncerError] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether the guard holds the whole run."""
        return isinstance(self.cause, errors.HeldError)


@dataclass(frozen=True, slots=True)
class _OpenRun:
    run_id: int
    host: str
    pid: int


class _Left(NamedTuple):
    """What there is of a run that is about to be closed, or beside it, of the kind that each of the steps is about."""

    sending: bool
    unsent: bool
    changes: bool
    exceptions: bool
    counted: bool
    unanswered: bool
    refused: bool
    approved: bool
    users_told_false: bool


@dataclass(frozen=True, slots=True)
class _Tally:
    """How a run's identifies ended at a destination; `held`: whether something waits for approval there."""

    destination_id: int
    destination: str
    failed: int
    unknown: int
    aborted: int
    held: bool


@dataclass(frozen=True, slots=True)
class _CountsTakenOver:
    """A destination that has who is in the snapshot; `much`: whether a good part of that is new."""

    destination_id: int
    much: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What an operator asked for: the command's name, its arguments, and who asked (None: this process)."""

    name: str
    arguments: Mapping[str, Sequence[str]]
    asker: Asker | None = None


@dataclass(frozen=True, slots=True)
class RunStart:
    """Why a run is made. `scheduled_at` is when the schedule wanted it, `action` what an operator asked for.

    `restored`: somebody said that it is to go on from a state that was restored from a backup. `request_id` is the
    request that it is made for.
    """

    trigger: models.Trigger
    scheduled_at: datetime | None = None
    action: Action | None = None
    restored: bool = False
    request_id: int | None = None


def settle_lost_run(connection: Connection) -> int | None:
    """The first step of a run: if a process vanished, what it was sending becomes uncertain and its run is closed.

    Returns the id of that run. Pages found `sending` may have arrived or not; pages still `planned` never left.
    """
    lost = fetch_optional(connection, _OpenRun, "find_open_run")
    if lost is None:
        return None
    error = f"the process {lost.pid} on {lost.host} ended without closing this run"
    close_run(connection, lost.run_id, RunEnd(error=error, interrupted=True))
    return lost.run_id


def open_run(
    connection: Connection,
    start: RunStart,
    destination_ids: Sequence[int],
    resync: Mapping[int, Sequence[int] | None],
) -> int:
    """Opens a run for these destinations; an operator's action is recorded with it, or not at all.

    `resync` makes due again what was told before: by destination the audiences, or None for all of them.
    """
    with connection.transaction():
        lost = witness.accept(connection) if start.restored else None
        run_id = int(
            fetch_value(
                connection,
                "open_run",
                {
                    "trigger": start.trigger,
                    "scheduled_at": start.scheduled_at,
                    "syncer_version": syncer.__version__,
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                },
            )
        )
        for destination_id in destination_ids:
            execute(connection, "add_run_destination", {"run_id": run_id, "destination_id": destination_id})
        for destination_id, audience_ids in resync.items():
            asked = None if audience_ids is None else list(audience_ids)
            here = {"run_id": run_id, "destination_id": destination_id, "audience_ids": asked}
            execute(connection, "ask_resync", here)
        if start.request_id is not None:
            execute(connection, "answer_request", {"request_id": start.request_id, "run_id": run_id})
        asker = start.action.asker if start.action else None
        if lost is not None:
            record_action(connection, "restored", lost, run_id, asker)
        if start.action is not None:
            record_action(connection, start.action.name, start.action.arguments, run_id, asker)
        return run_id


def record_action(
    connection: Connection,
    action: str,
    arguments: Mapping[str, object],
    run_id: int | None,
    asker: Asker | None = None,
) -> None:
    """Records what an operator asked for. `asker` is somebody else for whom this process does it."""
    named = {"action": action, "arguments": Jsonb(dict(arguments)), "run_id": run_id}
    execute(connection, "record_action", {**named, **asdict(asker or this_process())})


def close_run(connection: Connection, run_id: int, ending: RunEnd) -> None:
    """Tallies a run and closes it with its status: the first that applies, in the order of `models.Status`."""
    retried(lambda: _close(connection, run_id, ending))


def _close(connection: Connection, run_id: int, ending: RunEnd) -> None:
    with connection.transaction():
        _tally_and_close(connection, run_id, ending)


def _tally_and_close(connection: Connection, run_id: int, ending: RunEnd) -> None:
    named = {"run_id": run_id, "max_contacts": MAX_CONTACTS_OF_USER}
    left = fetch_one(connection, _Left, "show_what_is_left", named)
    for step, needed in _CLOSING_STEPS.items():
        if getattr(left, needed):
            execute(connection, step, named)
    _keep_counts(connection, run_id, changed=left.changes)
    statuses = [Status.HELD if ending.held else Status.FAILED] if ending.cause else []
    if ending.interrupted and ending.error:
        statuses.append(Status.INTERRUPTED)
    if fetch_value(connection, "count_problems", named):
        statuses.append(Status.INCOMPLETE)
    for tally in fetch_all(connection, _Tally, "list_tallies", named):
        error = ending.by_destination.get(tally.destination)
        status = _destination_status(tally, ending, error)
        statuses.append(status)
        execute(
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
    fetch_value(connection, "close_run", {"run_id": run_id, "status": status, "error": ending.error})


def _keep_counts(connection: Connection, run_id: int, *, changed: bool) -> None:
    """Keeps `contact_count` and `user_count` exact: the plan looks up there how many a destination has."""
    named = {"run_id": run_id}
    taken = fetch_all(connection, _CountsTakenOver, "take_over_counts", named)
    if changed:
        followed = {**named, "taken": [each.destination_id for each in taken]}
        execute(connection, "drop_stale_counts", followed)
        execute(connection, "adjust_counts", followed)
    uncounted = fetch_values(connection, "list_uncounted", named)
    if uncounted:
        execute(connection, "begin_counts", {"destination_ids": uncounted})
    for destination_id in [each.destination_id for each in taken if each.much] + uncounted:
        # Much is new there, or all of it: the next plan has to know, and autovacuum may come too late.
        analyze(connection, f"synced_member_{destination_id}")


def _destination_status(tally: _Tally, ending: RunEnd, error: errors.SyncerError | None) -> Status:
    if ending.interrupted and (ending.error or tally.aborted):
        return Status.INTERRUPTED
    if (ending.cause and not ending.held) or isinstance(error, errors.ConfigError) or (error and tally.aborted):
        return Status.FAILED
    if tally.aborted:
        return Status.INTERRUPTED  # by a pause
    if ending.held or tally.held:
        return Status.HELD
    if tally.failed or tally.unknown or error:
        return Status.INCOMPLETE
    return Status.SUCCEEDED
