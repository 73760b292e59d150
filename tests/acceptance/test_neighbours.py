"""Another account on the same machine, with a real one: what it can read, send, take or put in the way beforehand."""

import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.world import DEADLINE, until

SYNCER = Path(sys.executable).with_name("syncer")
PLAIN = ("LD_LIBRARY_PATH", "PATH")


def passes(folder: Path) -> bool:
    """Whether every account may pass through the folder."""
    return bool(folder.stat().st_mode & 0o001)


PYTHON = Path(sys.base_prefix)
CLOSED = next((folder for folder in reversed(PYTHON.parents) if not passes(folder)), None)
"""The folder that keeps other accounts from our Python, as one in root's home does."""

AS = """
set -e
uid=$1 gid=$2 python=$3 closed=$4; shift 4
if [ -n "$closed" ]; then
    kept=$(mktemp -d)
    mount --bind "$python" "$kept"
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    mkdir -p "$python"
    mount --bind "$kept" "$python"
    umount "$kept"
    rmdir "$kept"
fi
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all "$@"
"""
"""Another account, to whom our Python is shown where it is, in a mount namespace of its own."""

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0
    or not all(map(passes, SYNCER.parents))
    or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0,
    reason="needs root, and an installation that every account may pass through to (.ci/run makes one)",
)

OURS, THEIRS = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")
"""Who runs syncer, and the neighbour."""

SECRET = "correct-horse-battery"

CONFIG = """
warehouse = { url = "postgresql://reader:${SECRET}@127.0.0.1:9/gone", membership = { table = "vip" } }
destinations = [{ name = "hook", type = "webhook", url = "http://127.0.0.1:9", headers = { Token = "${file:token}" } }]
health = { listen = "" }
schedule = { every = "1h", jitter = "0s" }
"""


@pytest.fixture(scope="module")
def migrated() -> Iterator[Path]:
    """A state of ours, to be copied."""
    with tempfile.TemporaryDirectory(prefix="n-") as name:
        Path(name).chmod(0o755)
        made = Path(name, "ours")
        configured(made)
        code, said = run(OURS, made, SYNCER, "migrate")
        assert code == 0, said
        yield made / ".syncer"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder like /tmp: everybody may make files there, and nobody may touch those of others."""
    with tempfile.TemporaryDirectory(prefix="n-") as name:
        Path(name).chmod(0o1777)
        yield Path(name)


@pytest.fixture
def home(place: Path) -> Path:
    """A folder of ours that everybody may look into, with a configuration."""
    return configured(place / "ours")


@pytest.fixture
def state(home: Path, migrated: Path) -> Path:
    """Our state, where the configuration has it."""
    subprocess.run(["cp", "-a", migrated, home], check=True)
    return home / ".syncer"


def configured(folder: Path) -> Path:
    folder.mkdir(mode=0o755)
    (folder / "syncer.toml").write_text(CONFIG)
    (folder / "token").write_text(SECRET)
    (folder / "token").chmod(0o600)
    for path in (folder, *folder.iterdir()):
        os.chown(path, OURS.pw_uid, OURS.pw_gid)
    return folder


def started(account: pwd.struct_passwd, folder: Path, *command: str | Path) -> subprocess.Popen[str]:
    """A program of an account, as a session of theirs would start it."""
    plain = {name: os.environ[name] for name in PLAIN if name in os.environ}
    become = ["unshare", "--mount", "sh", "-c", AS, "sh", account.pw_uid, account.pw_gid, PYTHON, CLOSED or ""]
    return subprocess.Popen(
        [str(part) for part in (*become, *command)],
        cwd=folder,
        env=plain | {"SECRET": SECRET, "XDG_STATE_HOME": str(folder / "notes"), "TMPDIR": str(folder.parent)},
        umask=0o022,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(account: pwd.struct_passwd, folder: Path, *command: str | Path) -> tuple[int, str]:
    """The exit code, and what it said on stdout and on stderr."""
    with started(account, folder, *command) as process:
        out, err = process.communicate(timeout=DEADLINE)
    assert "Traceback" not in err, err
    return process.returncode, out + err


def planted(path: Path, content: str = "", mode: int = 0o666) -> Path:
    """A file of the neighbour's."""
    path.write_text(content)
    path.chmod(mode)
    os.chown(path, THEIRS.pw_uid, THEIRS.pw_gid)
    return path


def planted_folder(path: Path) -> Path:
    path.mkdir()
    path.chmod(0o777)
    os.chown(path, THEIRS.pw_uid, THEIRS.pw_gid)
    return path


# --- while it runs ---------------------------------------------------------------------------------------------------

TRIES = """
import fcntl, json, os, socket, sys
state, notes, daemon, server = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

def connect():
    with socket.socket(socket.AF_UNIX) as opened:
        opened.connect(state + "/socket/.s.PGSQL.5432")

def lock():
    fcntl.flock(os.open(state + "/server.lock", os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)

tries = {
    "list the state": lambda: os.listdir(state),
    "read the log": lambda: open(state + "/postgres.log").read(),
    "read the cluster": lambda: open(state + "/postgres/PG_VERSION").read(),
    "put a file into it": lambda: open(state + "/new", "w"),
    "take it away": lambda: os.rename(state, state + "-gone"),
    "connect": connect,
    "take the lock": lock,
    "read the notes": lambda: os.listdir(notes),
    "read the token": lambda: open(os.path.dirname(state) + "/token").read(),
    **{
        f"{what} of {pid}": lambda pid=pid, do=do: do(pid)
        for pid in (daemon, server)
        for what, do in (
            ("environment", lambda pid: open(f"/proc/{pid}/environ").read()),
            ("memory", lambda pid: open(f"/proc/{pid}/mem").read()),
            ("files", lambda pid: os.listdir(f"/proc/{pid}/fd")),
            ("end", lambda pid: os.kill(pid, 15)),
        )
    },
}
succeeded = []
for name, attempt in tries.items():
    try:
        attempt()
    except PermissionError:
        continue
    succeeded.append(name)
print(json.dumps(succeeded))
"""


@contextmanager
def running(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A daemon of ours that leads, and has begun to work."""
    with started(OURS, home, SYNCER, "daemon") as process:
        assert process.stderr
        try:
            assert any("leading" in line for line in process.stderr), "it ended"
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE)


def test_nothing_of_a_running_daemon_is_theirs(home: Path, state: Path) -> None:
    with running(home) as daemon:
        until((home / "notes" / "syncer").exists)
        server = int((state / "postgres" / "postmaster.pid").read_text().split()[0])
        commands = b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if of_ours(path))
        arguments = [str(each) for each in (state, home / "notes" / "syncer", daemon.pid, server)]
        code, said = run(THEIRS, home, sys.executable, "-c", TRIES, *arguments)
    assert (code, said) == (0, "[]\n")
    assert b"daemon" in commands
    assert SECRET.encode() not in commands


def of_ours(path: Path) -> bool:
    return path.stat().st_uid == OURS.pw_uid


# --- before it runs --------------------------------------------------------------------------------------------------


def test_a_state_folder_of_theirs_is_refused_and_their_links_are_not_followed(home: Path) -> None:
    precious = home / "token"
    theirs = planted_folder(home / ".syncer")
    for name in ("postgres.log", "postgres.log.1", "server.lock", "users.lock", "socket", "postgres"):
        (theirs / name).symlink_to(precious)
    code, said = run(OURS, home, SYNCER, "migrate")
    assert code == 6
    assert f"belongs to {THEIRS.pw_name}" in said
    assert precious.read_text() == SECRET


def test_a_link_of_theirs_to_a_state_folder_of_ours_is_refused(home: Path) -> None:
    other = home / "other"
    other.mkdir(mode=0o700)
    os.chown(other, OURS.pw_uid, OURS.pw_gid)
    (home / ".syncer").symlink_to(other)
    os.chown(home / ".syncer", THEIRS.pw_uid, THEIRS.pw_gid, follow_symlinks=False)
    code, said = run(OURS, home, SYNCER, "migrate")
    assert code == 6
    assert f"belongs to {THEIRS.pw_name}" in said
    assert list(other.iterdir()) == []


def test_a_folder_of_ours_into_which_everybody_may_write_is_closed(home: Path, state: Path) -> None:
    state.chmod(0o777)
    code, said = run(OURS, home, SYNCER, "migrate")
    assert code == 0, said
    assert "everybody could write to the state's folder" in said
    assert state.stat().st_mode & 0o777 == 0o775


def test_who_takes_the_name_of_our_socket_folder_keeps_nobody_from_a_socket(
    place: Path, home: Path, state: Path
) -> None:
    """The path of the state is too long for a socket, so that it is in the temporary folder."""
    long = state.rename(home / ("d" * 100))
    (home / "syncer.toml").write_text(f"{CONFIG}state = {{ data_dir = '{long.name}' }}")
    with running(home):
        (ours,) = place.glob("syncer-*")
    taken = planted_folder(ours)

    code, said = run(OURS, home, SYNCER, "migrate")

    assert code == 0, said
    assert list(taken.iterdir()) == []


@pytest.mark.parametrize("command", ["check", "sync", "status"])
def test_a_configuration_of_theirs_is_not_taken_because_it_lies_here(place: Path, home: Path, command: str) -> None:
    """It would send them any file of ours."""
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        theirs.setblocking(False)
        url = f"http://127.0.0.1:{theirs.getsockname()[1]}"
        wanted = f"'${{file:{home}/token}}'"
        alerts = f"[alerts]\nheartbeat_url = '{url}'\nurls = ['json://127.0.0.1:{url.rpartition(':')[2]}']\n"
        hostile = CONFIG.replace('"http://127.0.0.1:9"', f"'{url}'").replace('"${file:token}"', wanted) + alerts
        planted(place / "syncer.toml", hostile)
        code, said = run(OURS, place, SYNCER, command)
        with pytest.raises(BlockingIOError):
            theirs.accept()
    assert code == 2
    assert f"belongs to {THEIRS.pw_name}" in said
    assert "--config syncer.toml" in said
    assert SECRET not in said


def test_a_configuration_of_ours_that_they_may_change_is_not_taken_because_it_lies_here(home: Path) -> None:
    (home / "syncer.toml").chmod(0o666)
    code, said = run(OURS, home, SYNCER, "status")
    assert code == 2
    assert "may be changed by everybody" in said


def test_what_they_could_read_or_change_is_said(home: Path) -> None:
    elsewhere = 'state = { url = "postgresql://127.0.0.1:9/gone" }'
    (home / "syncer.toml").write_text(CONFIG.replace("${SECRET}", SECRET) + elsewhere)
    (home / "syncer.toml").chmod(0o646)
    _, said = run(OURS, home, SYNCER, "--config", "syncer.toml", "check")
    assert "note: syncer.toml: every account of this machine may change it" in said
    assert "note: syncer.toml: every account of this machine may read it, with the secret that it holds" in said
    assert SECRET not in said


def test_their_modules_where_we_stand_are_not_ours(place: Path) -> None:
    for name in ("structlog", "click", "sitecustomize", "syncer"):
        planted(place / f"{name}.py", "raise SystemExit('theirs')")
    assert run(OURS, place, SYNCER, "--version")[0] == 0


def test_a_demo_in_a_folder_of_theirs_is_refused(place: Path) -> None:
    theirs = planted_folder(place / "syncer-demo")
    planted(theirs / "syncer.toml", "# Written by `syncer demo`\n")
    code, said = run(OURS, place, SYNCER, "demo")
    assert code == 2
    assert f"belongs to {THEIRS.pw_name}" in said
