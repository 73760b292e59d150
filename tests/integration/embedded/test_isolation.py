"""What the server gets from the process that starts it, and what that one gets from it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from syncer import embedded
from syncer.embedded.data_dir import DataDir
from tests.integration.embedded.servers import ON_LINUX, PROGRAM, postmaster, word_in


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
        pid = postmaster(data_dir)
        theirs, ours = _open_files(pid), _open_files(os.getpid())
        assert theirs["0"] == "/dev/null"
        assert theirs["1"] == theirs["2"] == str(data_dir / "postgres.log")
        assert str(data_dir / "users.lock") in ours.values()
        assert set(theirs.values()) & set(ours.values()) <= {"/dev/null"}
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getsid(pid) != os.getsid(0)


def test_pipe_ends_with_the_command_though_the_server_lives_on(data_dir: Path) -> None:
    killed = PROGRAM.replace("sys.stdin.read()", "import os; os.kill(os.getpid(), 9)")
    read = subprocess.run([sys.executable, "-c", killed, str(data_dir)], capture_output=True, timeout=60, check=False)
    assert read.stdout.startswith(b"postgresql://syncer@/syncer?host=")
    assert read.stderr == b""
    assert DataDir(data_dir).is_alive()


def test_ctrl_c_reaches_the_command_and_not_the_server(data_dir: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(data_dir)]
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
        assert word_in(url) == "kept"
