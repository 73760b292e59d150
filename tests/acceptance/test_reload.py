"""SIGHUP with a configuration that parses, and names what cannot be used: the daemon goes on with the one it had."""

import signal
import subprocess
from pathlib import Path

from tests.world import DEADLINE, World, members, truth, until


def reload(process: subprocess.Popen[str], path: Path, text: str) -> str:
    """What the daemon says about this configuration."""
    path.write_text(text)
    process.send_signal(signal.SIGHUP)
    assert process.stderr is not None
    return next(line for line in process.stderr if "onfiguration" in line)


def test_what_cannot_be_opened_is_said_and_the_old_one_kept(world: World) -> None:
    world.extra = '[health]\nlisten = ""\n[schedule]\nevery = "1s"\njitter = "0s"\n'
    good = world.config.read_text()
    path = world.folder / "syncer.toml"
    state = f'[state]\nurl = "{world.state_url}"'
    (world.folder / "file").write_text("")
    with world.start("daemon") as process:
        for count, (wrong, words) in enumerate(
            [
                (good.replace(world.warehouse.url, "mysql+nodriver://reader@db/x"), "nodriver"),
                (good.replace(state, f'[state]\ndata_dir = "{world.folder}/file"'), "is a file"),
                (good.replace(state, f'{state}\nschema = "elsewhere"'), "run `syncer migrate`"),
                (good.replace(state, '[state]\nurl = "postgresql://nobody@127.0.0.1:9/x"'), "state database"),
                (good + "\nnonsense = 1", "nonsense"),
            ],
            1,
        ):
            until(lambda: world.query("SELECT FROM leader"))
            said = reload(process, path, wrong)
            assert "the daemon goes on with the one that it had" in said
            assert words in said
            world.warehouse.replace(members(count))
            until(lambda: world.believed() == truth(members(count)))  # noqa: B023 - waited for here
        assert "read the configuration again" in reload(process, path, good)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
