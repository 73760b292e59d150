"""What commands ask of the leading daemon, through the state: a run, or to let go of the lock for a moment.

    asked ──begin──▶ begun ──end──▶ ended (with the run, or with what kept it from being opened)
      └─withdraw─▶ gone     └─give up─▶ ended without an answer, by the command: who began it is gone, or stands still
                            └─────────▶ ended without an answer, by a new leader that finds it begun by the one before

What ended without an answer is done by the command itself, or asked of the next daemon. A notification wakes the
daemon; it also looks by itself, so a lost one costs half a second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

import psycopg.sql
from psycopg.types.json import Jsonb

from syncer import errors
from syncer.state import Connection, State, execute, fetch_one, fetch_optional, fetch_value, leadership
from syncer.state.asking import Asker, this_process
from syncer.state.leadership import Leadership

Kind = Literal["sync", "resync", "restored", "yield"]


@dataclass(frozen=True, slots=True)
class DaemonRequest:
    """A request that the daemon has begun."""

    request_id: int
    kind: Kind
    audiences: Sequence[str]
    destinations: Sequence[str]
    actor: str
    uid: int
    database_user: str

    @property
    def asker(self) -> Asker:
        """Who asked for it."""
        return Asker(self.actor, self.uid, self.database_user)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: the run (None: none was opened, see `problems`) and the exit code of its command."""

    run_id: int | None
    exit_code: int
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far a request is. `awaited`: somebody may still answer. Ended without an exit code, it was done by nobody."""

    run_id: int | None
    ended_at: datetime | None
    exit_code: int | None
    problems: Sequence[str]
    awaited: bool


def channel(schema: str) -> str:
    """The name of the notification channel of a state."""
    return f"syncer {schema}"[:63]


def listen(connection: Connection, schema: str) -> None:
    """From now on a request wakes this session."""
    connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel(schema))))


def begin(leading: Leadership) -> DaemonRequest | None:
    """Begins the oldest request that is not begun yet; None if there is none."""
    return fetch_optional(leading.connection, DaemonRequest, "begin_request", {"token": leading.token})


def end(leading: Leadership, request: DaemonRequest, answer: Answer) -> None:
    """Records what became of a request, for the command that waits for it."""
    named = {"request_id": request.request_id, "run_id": answer.run_id, "exit_code": answer.exit_code}
    execute(leading.connection, "end_request", {**named, "problems": Jsonb(list(answer.problems))})


def end_lost(leading: Leadership) -> None:
    """Ends what an earlier leader had begun: the first act of a new one, so that no command waits for a dead daemon."""
    execute(leading.connection, "end_lost_requests", {"token": leading.token})


def daemon_leads(state: State) -> bool:
    """Whether a daemon leads."""
    with state.connect("ask") as connection:
        leader = leadership.find_leader(connection)
        return leader is not None and leader.kind == "daemon"


def ask(
    state: State,
    kind: Kind,
    audiences: Sequence[str],
    destinations: Sequence[str],
    wait: Callable[[Connection], bool],
) -> Answer | None:
    """Asks the leading daemon, and waits for its answer. None if nobody will answer: no process leads, or not any more
    the one that had begun it.

    `wait` lets a moment pass. If it returns False, the request is taken back, or left to a daemon that has begun it:
    `StillRunningError` says which.
    """
    named = {"kind": kind, "audiences": list(audiences), "destinations": list(destinations)}
    with state.connect("ask") as connection:
        asker = asdict(this_process())
        asked = fetch_value(connection, "add_request", {**named, **asker, "channel": channel(state.schema)})
        while True:
            this = {"request_id": asked, "seconds": leadership.TAKE_OVER_SECONDS}
            found = fetch_one(connection, _Progress, "show_request", this)
            if found.ended_at is not None:
                return None if found.exit_code is None else Answer(found.run_id, found.exit_code, found.problems)
            if not found.awaited:
                if _is_ours_again(connection, this):
                    return None
            elif not wait(connection):
                if execute(connection, "withdraw_request", this).rowcount:
                    raise errors.StillRunningError("taken back; the daemon had not begun it")
                raise errors.StillRunningError("the daemon goes on with it; see `syncer status`")


def _is_ours_again(connection: Connection, this: Mapping[str, object]) -> bool:
    """Takes a request back that nobody answers. False if somebody has begun or answered it just now."""
    taken_back = execute(connection, "withdraw_request", this).rowcount
    return bool(taken_back or execute(connection, "give_up_request", this).rowcount)
