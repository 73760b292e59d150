"""Who may sync: one process at a time.

The row in `leader` decides, for as long as the session lives that stands in it. It is no advisory lock: anybody who may
connect to the database could take that. Beside it stands a lease, because a process can be paused, or cut off from the
database, without its session ending: the leader renews its lease every few seconds, asks before every request whether
it is still good, and stops when it is not. A process that finds the lease expired ends the session behind it and takes
over; the token of the new leader fences off the old one's claims. A lease ends before the others may take over.
"""

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg

from syncer import errors
from syncer.log import Logger
from syncer.state import Connection, State, execute, fetch_optional, fetch_values

RENEW_SECONDS = 2.0
LEASE_SECONDS = 10.0
"""Seconds after its last renewal began for which a leader may still send."""
TAKE_OVER_SECONDS = 15.0
"""Seconds after its last renewal from which another process may take over."""

log = Logger(__name__)


class Lease:
    """How long the leader may go on without another renewal. Set by one thread, asked by all."""

    def __init__(self) -> None:
        self._until = clock() + LEASE_SECONDS

    def good(self) -> bool:
        """Whether a request may leave now."""
        return clock() < self._until

    def renewed(self, since: float) -> None:
        """The renewal that began then was recorded."""
        self._until = since + LEASE_SECONDS

    def lost(self) -> None:
        """Another process leads, or the session has ended."""
        self._until = 0.0


@dataclass(frozen=True, slots=True)
class Leadership:
    """The session that leads. Claims of pages name its `token`, which fences off the leaders before it."""

    connection: Connection
    token: uuid.UUID
    lease: Lease


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads now."""

    kind: Literal["daemon", "command"]
    host: str
    pid: int
    since: datetime
    renewed_at: datetime


@dataclass(frozen=True, slots=True)
class _EndedLeader:
    """A row of `end_stale_leader`. `ended`: its session is gone."""

    host: str
    pid: int
    ended: bool


def clock() -> float:
    """Seconds that also pass while this machine sleeps, where the system knows them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@contextlib.contextmanager
def lead(state: State, connection: Connection, kind: Literal["daemon", "command"] = "command") -> Iterator[Leadership]:
    """Leads for the length of the block, and renews its lease. A session that breaks leads no more.

    Raises `SyncLockedError` if another process leads and its lease is good.
    """
    stale = fetch_optional(connection, _EndedLeader, "end_stale_leader", {"seconds": TAKE_OVER_SECONDS})
    leadership = Leadership(connection, uuid.uuid4(), Lease())
    who = {"host": socket.gethostname(), "pid": os.getpid(), "kind": kind}
    if not fetch_values(connection, "lead", {"token": leadership.token, **who}):
        raise errors.SyncLockedError(_locked_message(connection))
    if stale is not None:
        log.warning("took over from a leader that did not renew its lease", host=stale.host, pid=stale.pid)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(state, leadership, ended), name="lease", daemon=True)
    renewing.start()
    try:
        yield leadership
    finally:
        ended.set()
        renewing.join()
        _release(leadership)


def find_leader(connection: Connection) -> Leader | None:
    """Who leads, if anybody does: judged as those who stand by judge it, by the session and by the lease."""
    return fetch_optional(connection, Leader, "show_leading", {"seconds": TAKE_OVER_SECONDS})


def _release(leadership: Leadership) -> None:
    connection = leadership.connection
    if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:  # else the session is about to end
        with contextlib.suppress(psycopg.Error):  # it has ended
            execute(connection, "stop_leading", {"token": leadership.token})


def _renew(state: State, leadership: Leadership, ended: threading.Event) -> None:
    """Renews the lease until the block ends. What cannot be renewed runs out by itself."""
    while not ended.wait(RENEW_SECONDS):
        try:
            with state.connect("lease") as connection:
                while not ended.is_set():
                    _renew_once(connection, leadership)
                    ended.wait(RENEW_SECONDS)
        except errors.StateError as error:
            log.warning("the lease could not be renewed", error=str(error))


def _renew_once(connection: Connection, leadership: Leadership) -> None:
    began = clock()
    if execute(connection, "renew_lease", {"token": leadership.token}).rowcount:
        leadership.lease.renewed(began)
    else:
        leadership.lease.lost()


def _locked_message(connection: Connection) -> str:
    leader = fetch_optional(connection, Leader, "show_leader")
    if leader is None:
        return "another syncer is syncing on this state; try again when it has finished"
    since = leader.since.strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"another syncer is syncing on this state: host {leader.host}, pid {leader.pid}, since {since};"
        " try again when it has finished"
    )
