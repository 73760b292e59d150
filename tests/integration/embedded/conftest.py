"""Folders for the embedded server."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from syncer import embedded
from tests.integration.embedded.servers import ended


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


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    with ended(tmp_path / "state") as data_dir:
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
        with ended(Path(name) / "state"):
            yield Path(name)
