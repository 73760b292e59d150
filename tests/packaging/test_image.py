"""The image's steps, taken one by one in an empty Debian, and what comes out of them, without Docker.

Needs root and `mmdebstrap`, and takes a minute or two: `pytest -m image` runs it.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from syncer import __version__
from tests.packaging.dockerfile import Container, Image, NotPlayedError, played, run, steps

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]

CHECKOUT = Path(__file__).parents[2]
FILE = CHECKOUT / "syncer" / "deploy" / "Dockerfile"

SUITES = {"3.11": "bookworm", "3.13": "trixie"}
"""The release of Debian that has the Python of the base image."""

PACKAGES = "python3,python-is-python3,python3-venv"

OUTSIDE = re.compile(r"(?:https?|no)_proxy|PIP_(?:INDEX_URL|EXTRA_INDEX_URL|PROXY|DEFAULT_TIMEOUT)", re.IGNORECASE)
"""What of our environment says how to get to the packages."""

AUTHORITIES = Path("etc/ssl/certs/ca-certificates.crt")

UNKNOWN = 23456
"""A user whom the image does not know, as some clusters choose one."""


NOTHING_ANSWERS = """
warehouse = { url = "postgresql://127.0.0.1:9/gone", membership = { table = "vip" } }
destinations = [{ name = "hook", type = "webhook", url = "http://127.0.0.1:9" }]
"""


@pytest.fixture(scope="module")
def work() -> Iterator[Path]:
    """A folder, in memory where there is enough of it: Debian's installer waits for the disk after each file."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 1024**3
    with tempfile.TemporaryDirectory(dir=memory if roomy else None) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def debian(work: Path) -> Path:
    """The root of a Debian with a Python, and with the certificate authorities that this machine trusts."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        pytest.skip("needs root and mmdebstrap")
    if subprocess.run(["unshare", "--mount", "--pid", "--net", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    (python,) = set(re.findall(r"^FROM python:(\d+\.\d+)\.\d+-slim", FILE.read_text(), re.MULTILINE))
    root = work / "debian"
    command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITES[python], str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "E: apt-get update" in done.stdout + done.stderr:
        pytest.skip("no mirror of Debian within reach")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    shutil.copy("/" / AUTHORITIES, root / AUTHORITIES)
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    return root


@pytest.fixture(scope="module")
def image(debian: Path, work: Path) -> Image:
    ways = {name: value for name, value in os.environ.items() if OUTSIDE.fullmatch(name)}
    made = played(
        FILE, CHECKOUT, debian, work, {"PIP_COMPILE": "0", **ways}
    )  # of what is installed, little is imported
    run(replace(made, user="0"), "syncer --version", {})  # and that is compiled once: nobody can later
    return made


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Container:
    return Container.of(image, tmp_path, UNKNOWN, 0)


def test_an_instruction_that_is_not_played_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ONBUILD RUN true\n")
    with pytest.raises(NotPlayedError):
        played(tmp_path / "Dockerfile", tmp_path, tmp_path, tmp_path, {})
    assert list(steps("A b \\\n# no\n    c\n\nD e")) == [("A", "b c"), ("D", "e")]


def test_only_what_runs_is_in_the_image(image: Image) -> None:
    programs = {path.name for path in (image.root / "opt/syncer/bin").iterdir()}
    assert {"syncer", "python"} <= programs
    assert [name for name in programs if name.startswith("pip")] == []
    assert not (image.root / "src").exists()
    assert re.search(rf"^syncer:x:{image.user}:0:", (image.root / "etc/passwd").read_text(), re.MULTILINE)


def test_the_whole_demo_runs_read_only_without_home_as_a_user_whom_nobody_knows(container: Container) -> None:
    assert "HOME" not in container.image.environment

    version, demo = container.run("--version"), container.run("demo")

    assert __version__ in version.stdout, version.stderr
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "both receivers believed exactly what the" in demo.stdout
    owners = {path.stat().st_uid for path in container.data.rglob("syncer-demo/*")}
    assert owners == {UNKNOWN}


def test_the_daemon_is_healthy_as_the_image_asks_and_ends_as_it_is_told(container: Container) -> None:
    settings = container.image.environment["SYNCER_CONFIG"]
    (container.data / settings.lstrip("/")).write_text(NOTHING_ANSWERS)
    with container.start() as process:
        assert process.stderr
        assert any('"event": "answering"' in line for line in process.stderr), "it ended"
        healthy = container.is_healthy(process)
        container.stop(process)
        _, log = process.communicate(timeout=60)
    assert (healthy, process.returncode) == (True, 0), log


def test_a_volume_of_a_group_is_enough(image: Image, tmp_path: Path) -> None:
    """As Kubernetes gives it: user and group are unknown, and the volume is the group's."""
    container = Container.of(image, tmp_path, UNKNOWN, UNKNOWN)
    for volume in image.volumes:
        os.chown(tmp_path / volume.lstrip("/"), 0, UNKNOWN)
    done = container.run("init")
    assert done.returncode == 0, done.stderr
