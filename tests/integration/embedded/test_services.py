"""The embedded server under a service manager, in a container, and out of a backup."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncer import embedded
from syncer.embedded.data_dir import DataDir
from tests.integration.embedded.servers import (
    AS_ROOT,
    ON_LINUX,
    PROGRAM,
    postmaster,
    refusal,
    wait_until,
    word_in,
)


def isolated(command: list[str], *options: str) -> list[str]:
    """The same in namespaces of its own; skips the test where that is not allowed."""
    if subprocess.run(["unshare", *options, "true"], capture_output=True, check=False).returncode:
        pytest.skip("may not make namespaces")
    return ["unshare", *options, *command]


@AS_ROOT
@ON_LINUX
def test_a_command_reaches_the_server_of_a_service_with_a_temporary_folder_of_its_own(data_dir: Path) -> None:
    script = 'mount -t tmpfs none "$TMPDIR" && exec "$@"'
    command = ["sh", "-c", script, "sh", sys.executable, "-c", PROGRAM, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(isolated(command, "-m"), stdin=pipe, stdout=pipe, text=True) as service:
        assert service.stdout
        url = service.stdout.readline().strip()
        with embedded.running(data_dir) as ours:
            assert ours == url
            assert word_in(ours) == "kept"


def test_a_cluster_that_a_backup_left_open_is_closed_to_others(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    cluster.chmod(0o755)
    with embedded.running(data_dir) as url:
        assert word_in(url) == "kept"
    assert cluster.stat().st_mode & 0o777 == 0o700


def test_a_server_that_died_while_it_is_used_is_started_again_at_its_url(data_dir: Path) -> None:
    with embedded.running(data_dir) as url:
        embedded.revive(data_dir)
        first = postmaster(data_dir)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not DataDir(data_dir).is_alive())
        embedded.revive(data_dir)
        assert word_in(url) == "kept"
        assert postmaster(data_dir) != first
    assert not DataDir(data_dir).is_alive()


FIRST_PROCESS = """
import os, signal, sys, time
from pathlib import Path
from syncer import embedded
from syncer.embedded.data_dir import DataDir

here = Path(sys.argv[1])
assert os.getpid() == 1
with embedded.running(here):
    os.kill(DataDir(here).server().pid, signal.SIGKILL)
    while DataDir(here).is_alive():
        time.sleep(0.01)
    embedded.revive(here)
with embedded.running(here):
    pass
children = [each for each in Path("/proc").iterdir() if each.name.isdigit() and each.name != "1"]
sys.exit(" ".join((each / "status").read_text() for each in children) or 0)
"""


@AS_ROOT
@ON_LINUX
def test_the_first_process_of_a_container_leaves_no_zombie(data_dir: Path) -> None:
    command = [sys.executable, "-c", FIRST_PROCESS, str(data_dir)]
    done = subprocess.run(
        isolated(command, "-fp", "--mount-proc"), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    [said] = done.stderr.splitlines()
    assert "had died" in said


def test_a_cluster_of_somebody_else_is_refused_in_plain_words(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    words = refusal(data_dir)
    assert "belongs to another user" in words
    assert "chown -R" in words
