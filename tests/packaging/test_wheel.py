"""What people install: the wheel in a new environment, the source archive, an editable install.

Slow, because it builds and installs every dependency: `pytest -m packaging` runs it.
"""

import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from syncer import __version__

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(900)]

CHECKOUT = Path(__file__).resolve().parents[2]
SQL = {file.relative_to(CHECKOUT / "sql").as_posix() for file in (CHECKOUT / "sql").rglob("*") if file.is_file()}
LIST_SQL = """
from syncer import sql
def files(folder, path=""):
    for entry in folder.iterdir():
        yield from files(entry, f"{path}{entry.name}/") if entry.is_dir() else [path + entry.name]
print("\\n".join(files(sql.packaged("_sql", "sql"))))
"""


def run(folder: Path, *command: str | Path) -> str:
    """What a program prints, started in a folder from which the checkout cannot be imported."""
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    run(folder, sys.executable, "-m", "build", *isolation, "--outdir", folder, CHECKOUT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    run(folder, folder / "bin" / "pip", "install", "-q", wheel)
    return folder / "bin"


def test_the_wheel_has_what_it_needs_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.removeprefix("syncer/_sql/") for name in names if name.startswith("syncer/_sql/")} == SQL
    console = CHECKOUT / "syncer" / "console"
    pages = {f"syncer/console/{file.relative_to(console)}" for file in console.rglob("*.*") if file.suffix != ".pyc"}
    assert pages <= set(names)
    recipes = {f"syncer/deploy/recipes/{file.name}" for file in (CHECKOUT / "syncer/deploy/recipes").iterdir()}
    assert len(recipes) > 9
    assert recipes <= set(names)
    dbt = {
        f"syncer/deploy/dbt/{name}" for name in ("dbt_project.yml", "macros/property_of.sql", "example/profiles.yml")
    }
    assert dbt <= set(names)
    assert {"syncer/py.typed", "syncer/_config.example.toml"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names} == {"syncer", f"engage_syncer-{__version__}.dist-info"}


def test_the_source_archive_has_the_tests_and_no_environment(dist: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"LICENSE", "README.md", "config.example.toml", "tests/conftest.py"} <= names
    assert {name.removeprefix("sql/") for name in names if name.startswith("sql/") and "." in name} == SQL
    assert not [name for name in names if "site-packages" in name or name.startswith((".venv", ".git/"))]


def test_the_installed_wheel_works(installed: Path, tmp_path: Path) -> None:
    assert __version__ in run(tmp_path, installed / "syncer", "--version")
    run(tmp_path, installed / "syncer", "init")
    assert (tmp_path / "syncer.toml").read_text() == (CHECKOUT / "config.example.toml").read_text()
    assert "Any SQLAlchemy URL" in run(tmp_path, installed / "syncer", "schema")
    assert set(run(tmp_path, installed / "python", "-c", LIST_SQL).split()) == SQL


def test_an_editable_install_finds_the_checkout(installed: Path, tmp_path: Path) -> None:
    """Comes last: it takes the place of the wheel."""
    run(tmp_path, installed / "pip", "install", "-q", "--no-deps", "-e", CHECKOUT)
    where = run(tmp_path, installed / "python", "-c", 'from syncer import sql; print(sql.packaged("_sql", "sql"))')
    assert Path(where.strip()) == CHECKOUT / "sql"
    assert set(run(tmp_path, installed / "python", "-c", LIST_SQL).split()) == SQL
    assert __version__ in run(tmp_path, installed / "syncer", "--version")
