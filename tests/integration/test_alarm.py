"""What keeps a run from beginning is alerted by the command itself, as from cron: no daemon does it."""

import io
from collections.abc import Callable, Iterator

import pytest

from tests import commands
from tests.integration.test_alerts import TOKEN, Phone
from tests.world import World, members


@pytest.fixture
def phone() -> Iterator[Phone]:
    phone = Phone()
    with phone.http:
        yield phone


@pytest.fixture
def world(world: World, phone: Phone) -> World:
    world.warehouse.replace(members(3))
    world.extra = f"[alerts]\n{phone.urls}"
    return world


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def state_is_down(world: World) -> None:
    world.state_url = "postgresql://syncer@127.0.0.1:1/syncer"


def configuration_is_wrong(world: World) -> None:
    world.extra += "\n[guard]\nmax_removed = 3\n"


@pytest.mark.parametrize("command", ["sync", "resync", "retry"])
@pytest.mark.parametrize(
    ("cause", "code", "words"),
    [
        (state_is_down, 6, "the state database failed"),
        (configuration_is_wrong, 2, "guard.max_removed"),
    ],
)
def test_what_keeps_a_run_from_beginning_is_alerted(
    world: World, phone: Phone, command: str, cause: Callable[[World], None], code: int, words: str
) -> None:
    cause(world)

    done = world.command(command)

    assert done.returncode == code
    [(title, text)] = phone.heard()
    assert (title, phone.beats) == ("failed", 0)
    assert text.startswith("no run: ")
    assert words in text
    assert TOKEN not in text + done.stderr


def test_it_is_said_once_while_the_state_remembers_and_so_is_its_end(world: World, phone: Phone) -> None:
    for _ in range(2):
        assert world.command("sync", "--audience", "Nobody").returncode == 2
    assert phone.titles() == ["failed"]

    assert world.command("sync").returncode == 0
    assert phone.titles() == ["recovered"]


@pytest.mark.parametrize("cause", [state_is_down, configuration_is_wrong])
def test_somebody_at_a_terminal_sees_it_there(world: World, phone: Phone, cause: Callable[[World], None]) -> None:
    cause(world)
    done = commands.call(["--config", str(world.config), "sync"], stderr=Terminal(io.BytesIO(), encoding="utf-8"))
    assert done.returncode in (2, 6)
    assert phone.heard() == []


@pytest.mark.parametrize("command", ["plan", "verify", "status", "check"])
def test_a_question_that_has_no_answer_alerts_nobody(world: World, phone: Phone, command: str) -> None:
    state_is_down(world)
    assert world.command(command).returncode in (2, 6)
    assert phone.heard() == []


@pytest.mark.parametrize("text", ["[alerts", '[alerts]\nurls = ["json://${NOT_SET}"]\n', "[alerts]\nurls = 3\n", ""])
def test_where_nothing_says_where_to_send_it_the_command_fails_as_ever(world: World, text: str) -> None:
    path = world.config
    path.write_text(text)
    assert commands.call(["--config", str(path), "sync"]).returncode == 2
