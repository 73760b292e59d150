"""What commands ask of the leading daemon, through the state: a run, or to let go of the lock for a moment.

    asked ──begin──▶ begun ──end──▶ ended (with the run, or with what kept it from being opened)
      └─withdraw─▶ gone     └─give up─▶ ended without an answer, by the command: who began it is gone, or stands still
                            └─────────▶ ended without an answer, by a new leader that finds it begun by the one before

A run that is made for a request says so as soon as it is open. What ended without an answer is done by the command
itself, or asked of the next daemon. A notification wakes the daemon; it also looks by itself, so a lost one costs half
a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    uid: int | None
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
class Progress:
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
    with state.connect("ask") as connection:
        asked = put(connection, state.schema, kind, audiences, destinations, this_process())
        while True:
            found = look(connection, asked)
            if found.ended_at is not None:
                return None if found.exit_code is None else Answer(found.run_id, found.exit_code, found.problems)
            if not found.awaited:
                if take_back(connection, asked):
                    return None
            elif not wait(connection):
                if withdraw(connection, asked):
                    raise errors.StillRunningError("taken back; the daemon had not begun it")
                raise errors.StillRunningError("the daemon goes on with it; see `syncer status`")


def put(
    connection: Connection,
    schema: str,
    kind: Kind,
    audiences: Sequence[str],
    destinations: Sequence[str],
    asker: Asker,
) -> int:
    """Asks the leading daemon, and waits for nothing. Returns the number of the request."""
    named = {"kind": kind, "audiences": list(audiences), "destinations": list(destinations)}
    who = {"actor": asker.actor, "uid": asker.uid}
    return int(fetch_value(connection, "add_request", {**named, **who, "channel": channel(schema)}))


def look(connection: Connection, request_id: int) -> Progress:
    """How far a request is."""
    return fetch_one(connection, Progress, "show_request", _this(request_id))


def withdraw(connection: Connection, request_id: int) -> bool:
    """Takes a request back. False if somebody has begun it."""
    return execute(connection, "withdraw_request", _this(request_id)).rowcount > 0


def take_back(connection: Connection, request_id: int) -> bool:
    """Takes a request back that nobody answers. False if somebody has begun or answered it just now."""
    given_up = withdraw(connection, request_id) or execute(connection, "give_up_request", _this(request_id)).rowcount
    return bool(given_up)


def _this(request_id: int) -> dict[str, object]:
    return {"request_id": request_id, "seconds": leadership.TAKE_OVER_SECONDS}
