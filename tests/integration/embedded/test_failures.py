"""What goes wrong is named, with what helps."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from syncer import embedded, errors
from syncer.embedded.data_dir import DataDir
from tests.integration.embedded.servers import AS_ROOT, PROGRAM, postmaster, refusal, wait_until


def test_stops_when_the_user_fails(data_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded.running(data_dir):
        raise ZeroDivisionError
    assert not DataDir(data_dir).is_alive()


@contextmanager
def _frozen(data_dir: Path) -> Iterator[int]:
    pid = postmaster(data_dir)
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
    wait_until(lambda: not DataDir(data_dir).is_alive())


def test_failing_stop_does_not_hide_the_first_error(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP", 0.1)
    frozen = ExitStack()
    try:
        with pytest.raises(ZeroDivisionError) as caught, embedded.running(data_dir):
            raise ZeroDivisionError(frozen.enter_context(_frozen(data_dir)))
    finally:
        frozen.close()
    assert "cannot be stopped" in caught.value.__notes__[0]
    wait_until(lambda: not DataDir(data_dir).is_alive())


def test_refuses_a_file_as_data_dir(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert refusal(tmp_path / "state") == f"state.data_dir {tmp_path / 'state'} is a file; name a folder"
    assert f"Not a directory ({tmp_path / 'state' / 'deeper'})" in refusal(tmp_path / "state" / "deeper")


def test_names_the_last_lines_of_the_log_when_the_server_does_not_start(data_dir: Path) -> None:
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    message = refusal(data_dir)
    assert f"the embedded PostgreSQL in {data_dir} does not start; " in message
    assert "state.url" in message
    assert "pg_control" in message
    assert not DataDir(data_dir).is_alive()


def test_refuses_the_cluster_of_another_version(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    assert "was written by PostgreSQL 16, and this syncer brings PostgreSQL 18" in refusal(data_dir)


def test_refuses_to_overwrite_what_is_no_cluster(fresh: Path) -> None:
    (fresh / "postgres").mkdir(parents=True)
    (fresh / "postgres" / "precious").write_text("")
    assert str(fresh / "postgres") in refusal(fresh)
    assert (fresh / "postgres" / "precious").exists()


def test_refuses_a_socket_folder_that_others_may_enter(data_dir: Path) -> None:
    with embedded.running(data_dir):
        server = DataDir(data_dir).server()
        assert server
    server.socket_folder.mkdir()
    server.socket_folder.chmod(0o755)
    try:
        assert f"{server.socket_folder}, which is to hold PostgreSQL's socket" in refusal(data_dir)
    finally:
        server.socket_folder.rmdir()


@AS_ROOT
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs a file system of its own")
def test_names_the_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=8m none "$1" && exec "$2" -c "$3" "$1/state"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable, PROGRAM]
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if "mount:" in ended.stderr or "unshare:" in ended.stderr:
        pytest.skip("may not mount")
    assert f"StateError: the embedded PostgreSQL in {tmp_path}/state cannot be created" in ended.stderr
    assert "MB are free on its disk" in ended.stderr
    assert "No space left on device" in ended.stderr


def test_the_log_quotes_no_value(fresh: Path) -> None:
    with embedded.running(fresh) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE once (contact text PRIMARY KEY)")
        connection.execute("INSERT INTO once VALUES ('ada@x.io')")
        with pytest.raises(psycopg.errors.UniqueViolation, match=r"ada@x\.io"):
            connection.execute("INSERT INTO once VALUES ('ada@x.io')")

    log = (fresh / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "ada@x.io" not in log
