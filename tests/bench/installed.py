"""A PostgreSQL whose programs are installed on this machine, such as Debian's packages, with a cluster of ours."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from syncer.embedded import address

_DEBIAN = Path("/usr/lib/postgresql")


class MissingError(Exception):
    """There is no such PostgreSQL here."""


def programs(which: str) -> Path:
    """The folder of the programs: those of a version of Debian's packages, or those in a folder."""
    folder = _DEBIAN / which / "bin" if which.isdigit() else Path(which)
    if not (folder / "initdb").exists():
        package = f"; Debian's package postgresql-{which} brings it" if which.isdigit() else ""
        raise MissingError(f"there is no PostgreSQL in {folder}{package}")
    return folder


@contextmanager
def running(folder: Path, programs: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The server's URL. Its cluster lies in the folder, and is made if it is not there yet."""
    asked = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True)
    cluster = folder / f"postgres-{asked.stdout.split()[2]}"
    folder.mkdir(parents=True, exist_ok=True)
    if not cluster.exists():
        made = ["-A", "trust", "-U", "syncer", "-E", "UTF8", "--no-locale", "--no-instructions"]
        _run(programs / "initdb", "-D", str(cluster), *made)
    sockets = Path(tempfile.mkdtemp(prefix="bench"))  # a socket's path must be short
    given = {**settings, "unix_socket_directories": str(sockets)}
    options = shlex.join(f"-c{name}={value}" for name, value in given.items())
    at = ["-D", str(cluster), "-w", "-t", "600"]
    _run(programs / "pg_ctl", *at, "-o", options, "-l", str(folder / "postgres.log"), "start")
    try:
        yield address.url(sockets, "postgres")
    finally:
        _run(programs / "pg_ctl", *at, "-m", "fast", "stop")
        shutil.rmtree(sockets, ignore_errors=True)


def _run(program: Path, *arguments: str) -> None:
    """PostgreSQL refuses root, so root runs it under another user's number. Ctrl-C is for the benchmark alone."""
    other = ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []
    subprocess.run([*other, program, *arguments], check=True, stdout=subprocess.DEVNULL, start_new_session=True)
