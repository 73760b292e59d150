"""Notices a state that is older than its last use: somebody restored it from a backup, or failed over to a copy.

Such a state does not know what destinations were told since. So every run leaves a note of itself in a file outside of
the state: `syncer/ID` in $XDG_STATE_HOME, else in ~/.local/state, where ID is that of the installation. Before the next
run on this machine the state has to know the run of the note. Where no file can be kept (a container without a volume),
nothing is noticed: `syncer check` says so.

    open run, committed ──▶ note ──▶ pages, committed ──▶ note: so many ──▶ … ──▶ close run, committed ──▶ note: closed

A note follows what the state has committed, so a process that is killed in between leaves one that the state knows. The
notes on the way are for a backup that was made in the middle of a run which was killed later: only what was told in
its last seconds is not noticed. To go on from a restored state is written with the run that tells everything again, in
one transaction: there is no moment at which it is accepted, and nothing is due again.
"""

import os
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import psycopg
from msgspec import Meta

from syncer import errors
from syncer.files import replace_file
from syncer.log import Logger
from syncer.state import Connection, fetch_one, fetch_value

log = Logger(__name__)

_WAY_OUT = "syncer resync --restored"


@dataclass(frozen=True, slots=True)
class _Run:
    """A run as a note has it: `settled` are its pages that have an end, `at` is the database's time."""

    run_id: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    nonce: uuid.UUID
    closed: bool
    settled: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    at: Annotated[datetime, Meta(tz=True)]


def check(connection: Connection) -> None:
    """Raises `RestoredError` if the state does not know the last run of this machine, and nobody said that it may."""
    note = _read(_file(connection))
    if note is None or _knows(connection, note):
        return
    raise errors.RestoredError(
        f"the state is older than its last use: it does not know run {note.run_id} of {note.at:%Y-%m-%d %H:%M} UTC. It"
        " was restored from a backup, and what destinations were told since is not in it; nothing was sent."
        f" `{_WAY_OUT}` goes on from here and tells everything again (see syncer/deploy/README.md)"
    )


def remember(connection: Connection, run_id: int) -> None:
    """Leaves a note of this run: before its first call leaves, and again when it is closed.

    The note of a later run stays: that of a process which took over while this one stood still.
    """
    file = _file(connection)
    last = _read(file)
    if last is not None and last.run_id > run_id and _knows(connection, last):
        return
    run = fetch_one(connection, _Run, "show_run_to_note", {"run_id": run_id})
    try:
        if file is not None:
            _write(file, msgspec.json.encode(run))
    except OSError as error:
        log.info("a restored state would not be noticed: no note of the run can be kept", why=error.strerror)


def remember_progress(connection: Connection, run_id: int) -> None:
    """The same while pages are on their way. No run ends because this failed: what it lacks, it notices by itself."""
    try:
        remember(connection, run_id)
    except (psycopg.Error, errors.StateError) as error:
        log.info("no note of the progress of the run", error=type(error).__name__)


def accept(connection: Connection) -> Mapping[str, object]:
    """Goes on from the state as it is, with the transaction that this is part of.

    The numbers of runs that it does not know of are not used again. Returns the last run that was lost, as far as this
    machine knows it: the arguments of the action `restored`, by which `check` knows that it is accepted.
    """
    note = _read(_file(connection))
    fetch_value(connection, "skip_run_ids", {"lost_run_id": 0 if note is None else note.run_id})
    return {} if note is None else {"run_id": note.run_id, "nonce": str(note.nonce)}


def caveat() -> str | None:
    """Why a restored state would not be noticed on this machine, if it would not."""
    folder = _folder()
    if folder is None:
        return "a state that was restored from a backup would not be noticed: XDG_STATE_HOME names no absolute path"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"a state that was restored from a backup would not be noticed: {folder}: {error.strerror}"


def _knows(connection: Connection, note: _Run) -> bool:
    return bool(fetch_value(connection, "knows_run", asdict(note)))


def _folder() -> Path | None:
    try:
        home = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    except RuntimeError:  # this user has no home
        return None
    return home / "syncer" if home.is_absolute() else None


def _file(connection: Connection) -> Path | None:
    folder = _folder()
    return None if folder is None else folder / str(fetch_value(connection, "show_installation"))


def _read(file: Path | None) -> _Run | None:
    """The note; None if there is none, or none that can be read."""
    if file is None:
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Run)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        log.warning("the note of the last run cannot be read and is left aside", file=str(file), error=str(error))
        return None


def _write(file: Path, note: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, note)
