"""Which earlier version the benchmark compares with, unless it is told."""

import subprocess
from pathlib import Path

import pytest

from tests.bench import versions


class Repository:
    """One with a commit, which has a `sql/statement.sql`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "sql").mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit("first")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def edit(self, text: str) -> None:
        (self.folder / "sql" / "statement.sql").write_text(text)

    def commit(self, text: str) -> str:
        self.edit(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", text)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    return Repository(tmp_path)


def test_it_is_the_last_release_and_at_a_release_the_one_before(repository: Repository) -> None:
    repository.git("tag", "v1")
    repository.commit("second")
    assert versions.before_this() == "v1"
    repository.git("tag", "v2")
    assert versions.before_this() == "v1"
    repository.edit("not committed")
    assert versions.before_this() == "v2"


def test_without_a_release_it_is_where_the_branch_left_main(repository: Repository) -> None:
    left = repository.commit("second")
    repository.git("update-ref", "refs/remotes/origin/main", left)
    repository.commit("third")
    repository.commit("fourth")
    assert versions.before_this() == left


def test_on_main_it_is_what_was_last_committed_or_the_commit_before(repository: Repository) -> None:
    repository.commit("second")
    assert versions.before_this() == "HEAD^"
    repository.edit("not committed")
    assert versions.before_this() == "HEAD"


def test_what_the_history_does_not_know_is_refused(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(versions.UnknownVersionError, match="v9"):
        versions.earlier("v9", tmp_path / "earlier")
