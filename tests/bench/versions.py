"""Two versions of syncer in one environment: that of this checkout, and an earlier one, out of its history."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench import measure, ours
from tests.bench.contestants import Place

ROOT = Path(__file__).parents[2]
_SHIPPED = ("syncer", "sql", "config.example.toml")


class UnknownVersionError(Exception):
    """There is no such version, or none before this one."""


@dataclass(frozen=True, slots=True)
class Version:
    """`root`: the folder in which `syncer` and `sql` lie. Each version has a state of its own, in `schema`."""

    name: str
    root: Path
    schema: str

    @property
    def _setup(self) -> ours.Setup:
        return ours.Setup(self.schema)

    def forget_everything(self, place: Place) -> None:
        """Makes its state anew, by its own migrations."""
        place.server.run(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
        self._run(place, "migrate")

    def sync(self, place: Place) -> measure.Measured:
        return self._run(place, "sync", "--json")

    def _run(self, place: Place, *arguments: str) -> measure.Measured:
        path = ours.config(place, self._setup)
        command = [sys.executable, "-m", "syncer", "--config", str(path), *arguments]
        return measure.run(place.server, command, place.folder, {"PYTHONPATH": str(self.root)})


def this(root: Path = ROOT) -> Version:
    """What lies in the checkout, committed or not."""
    return Version("this", root, "syncer_this")


def earlier(ref: str, folder: Path) -> Version:
    """That of a commit, which is taken out of the history into the folder."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", ref, *_SHIPPED], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        raise UnknownVersionError(archive.stderr.decode().strip())
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return Version(f"{ref} ({_git('rev-parse', '--short', ref)})", folder, "syncer_earlier")


def before_this() -> str:
    """The last release; without one, where this branch left `main`, or what was last committed, or the commit before.
    What is not committed makes this version another one than its commit."""
    edited = bool(_git("status", "--porcelain", "--", *_SHIPPED))
    head = _git("rev-parse", "HEAD")
    release = ("describe", "--tags", "--abbrev=0")
    for command in (release, (*release, "HEAD^"), ("merge-base", "HEAD", "origin/main")):
        ref = _git(*command)
        if ref and (edited or _git("rev-parse", f"{ref}^{{commit}}") != head):
            return ref
    return "HEAD" if edited else "HEAD^"


def _git(*arguments: str) -> str:
    """What it prints; nothing if it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()
