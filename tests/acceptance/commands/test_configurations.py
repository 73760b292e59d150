"""What the command says of a configuration that is wrong."""

import pytest

from syncer.receivers.loopback import Answer
from tests.acceptance.commands.configurations import BAD, NAMES, changed
from tests.acceptance.worlds import WRITE_KEY
from tests.world import World


@pytest.mark.parametrize(("replacements", "expected"), BAD.values(), ids=BAD)
def test_a_bad_configuration_is_told_with_place_value_and_way_out(
    world: World, replacements: dict[str, str], expected: list[str]
) -> None:
    done = world.command("sync", "--json", "--config", changed(world, **replacements))
    assert (done.returncode, done.stdout) == (2, "")
    assert all(line.startswith("error: ") for line in done.stderr.splitlines())
    assert [words for words in expected if words not in done.stderr] == [], done.stderr
    assert world.receiver.requests == []


def test_every_problem_of_the_file_and_its_names_is_told_at_once(world: World) -> None:
    config = changed(
        world,
        table=f'table = "members"{NAMES}',
        write_key='write_key = "${NOT_SET}"',
        type='type = "segment"\ntrack = "no"\ntimeout = "soon"',
    )
    done = world.command("check", "--config", config)
    assert done.returncode == 2
    for path in ("write_key", "track", "timeout"):
        assert f"error: destinations[0].{path}: " in done.stderr
    for index in (1, 2):
        assert f"error: audiences[{index}].name: " in done.stderr, done.stderr


def test_no_output_of_a_verbose_failure_holds_a_secret(world: World) -> None:
    done = world.command("-v", "sync", "--config", changed(world, type='type = "segment"\ntimeout = "soon"'))
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    world.receiver.script = lambda _request: Answer(401, {}, f"{WRITE_KEY} is unknown".encode())
    assert world.command("-v", "sync", "--json").returncode == 7
