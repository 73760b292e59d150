"""Undo: plans what brings everybody whom a run told something back to what they were told before it, and holds that.

The plan is made from the history of that run and the state alone, with the lock, so that nothing moves meanwhile. It is
kept as held changes of a run of its own, which are reviewed and approved like any other. Until then the plans go on as
if it were not there, and one that tells a contact anything about the audience drops it from the rollback: what moved
since is left alone. Once it is approved, the next plan tells it in the place of what the warehouse says
(`planning/rollbacks`), as it tells everything: what is refused, unanswered or beyond reach has the rules of any call.
"""

import os
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import syncer
from syncer import control, errors
from syncer.state import (
    Connection,
    State,
    accounts,
    blocks,
    execute,
    fetch_all,
    fetch_one,
    fetch_value,
    history,
    leadership,
    retried,
    runs,
    witness,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a property of some contacts at a destination. `op`: added and removed bring them back to true and
    false, reasserted tells true once more; None: they are left alone, for this `reason`, which may be a later run."""

    destination: str
    audience: str
    property: str
    op: str | None
    reason: str | None
    moved_run_id: int | None
    contacts: int


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A contact that was told something, and is not brought back."""

    destination: str
    audience: str
    contact: str
    reason: str
    moved_run_id: int | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a rollback holds, as the run `run_id`: None if there is nothing to bring back. `people` are left
    alone; empty if nobody asked for them."""

    run_id: int | None
    changes: Sequence[Change]
    people: Sequence[LeftAlone] = ()

    @property
    def contacts(self) -> int:
        """How many properties of contacts it would change."""
        return sum(change.contacts for change in self.changes if change.op is not None)


@dataclass(frozen=True, slots=True)
class _Kept:
    kept: bool
    first_run_id: int | None


def propose(
    state: State,
    connection: Connection,
    run_id: int,
    audiences: Collection[str] = (),
    destinations: Collection[str] = (),
    *,
    pauses: bool = False,
    people: bool = False,
) -> Proposal:
    """Holds what takes a run back, until it is approved. `pauses` the audiences that this is about, where it is.

    Raises `ConfigError` if there is no such run, or its history is not kept any more.
    """
    with leadership.lead(state, connection) as leader:
        witness.check(connection)
        runs.settle_lost_run(connection)
        history.named_run(connection, run_id)
        _refuse_dropped(connection, run_id)
        here = {"run_id": run_id, **_scope(connection, audiences, destinations)}
        proposal = retried(lambda: _propose(connection, here, pauses=pauses, people=people))
        if proposal.run_id is not None:
            witness.remember(leader.connection, proposal.run_id)
        return proposal


def cancel(state: State, connection: Connection, run_id: int) -> int:
    """Gives up what a rollback has not taken back yet, approved or not; returns how many changes that were. `run_id` is
    the rollback's, or that of the run that it takes back."""
    with leadership.lead(state, connection):
        witness.check(connection)
        runs.settle_lost_run(connection)
        history.named_run(connection, run_id)

        def act() -> int:
            with connection.transaction():
                given_up = execute(connection, "cancel_rollback", {"run_id": run_id}).rowcount
                runs.record_action(connection, "rollback", {"cancel": True, "changes": given_up}, run_id)
            return given_up

        return retried(act)


def _propose(connection: Connection, here: dict[str, object], *, pauses: bool, people: bool) -> Proposal:
    rolls_back = {"rolls_back_run_id": here["run_id"]}
    with connection.transaction():
        execute(connection, "create_rolled_back", here)
        changes = fetch_all(connection, Change, "count_rolled_back")
        left_alone = fetch_all(connection, LeftAlone, "list_left_alone") if people else ()
        if all(change.op is None for change in changes):
            return Proposal(None, changes, left_alone)
        who = {"host": socket.gethostname(), "pid": os.getpid(), "syncer_version": syncer.__version__}
        held_by = int(fetch_value(connection, "open_rollback", {**rolls_back, **who}))
        blocks.make(connection, blocks.of_run(connection, held_by))
        execute(connection, "hold_rolled_back", {**rolls_back, "run_id": held_by})
        if pauses:
            execute(connection, "pause_rolled_back")
        proposal = Proposal(held_by, changes, left_alone)
        arguments = {"run": here["run_id"], "changes": proposal.contacts, "pause": pauses}
        runs.record_action(connection, "rollback", arguments, held_by)
    return proposal


def _refuse_dropped(connection: Connection, run_id: int) -> None:
    found = fetch_one(connection, _Kept, "what_is_kept", {"run_id": run_id})
    if not found.kept:
        kept = "nothing is kept" if found.first_run_id is None else f"it begins with run {found.first_run_id}"
        problem = f"the history of run {run_id} is not kept any more (`[history] keep`): {kept}"
        raise errors.ConfigError([errors.Problem("RUN", problem)])


def _scope(connection: Connection, audiences: Collection[str], destinations: Collection[str]) -> dict[str, object]:
    ids = accounts.known(connection)
    accounts.refuse_unknown(destinations, ids)
    return {
        "audience_ids": [control.known_audience(connection, name).audience_id for name in audiences] or None,
        "destination_ids": [ids[name] for name in destinations] or None,
    }
