"""A file that is no TOML: where, and the line, but nothing in it that may be a secret."""

from pathlib import Path

import pytest

from syncer import errors
from syncer.config import source
from tests.unit.config.texts import MAILMODO, MINIMAL, WEBHOOK

SECRET = "hunter2"


def complaint(folder: Path, text: str) -> str | None:
    """What is said of a file with this text; None if it is TOML."""
    file = folder / "syncer.toml"
    file.write_bytes(text.encode())
    try:
        source.read(file)
    except errors.ConfigError as error:
        [problem] = error.problems
        return problem.message.removesuffix("; `syncer init` writes an example")
    return None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[schedule]\nevery = 2h30m\n", "(at line 2, column 10): `every = 2h30m`"),
        ("[schedule]\r\nevery = 2h30m\r\n", "(at line 2, column 10): `every = 2h30m`"),
        ('[schedule]\nevery "3h"', "(at line 2, column 7): `every …`"),
        ("[guard]\nmin_removed = 1 2", "(at line 2, column 17): `min_removed = 1 …`"),
        ("[log]\nlevel =", "(at line 2, column 8): `level =`"),
        ('[warehouse\nurl = "x"', "(at line 1, column 11): `[warehouse`"),
        ("[log]\n[log]", "is not TOML: cannot declare twice (at line 2, column 5): `[log]`"),
        ("[[destinations]\n", "(at line 1, column 15): `[[destinations]`"),
        ('[[destinations]]\nname = "x', "(at line 2, column 10): `name = …`"),
        ('[[destinations]]\napi_key = "hunter2', "(at line 2, column 19): `api_key = …`"),
        ("[[destinations]]\napi_key = hunter2", "(at line 2, column 11): `api_key = …`"),
        ("[[destinations]]\nheaders = { A = hunter2 }", "(at line 2, column 17): `headers = …`"),
        ("[destinations.headers]\nname = hunter2", "(at line 2, column 8): `name = …`"),
        ("[destinations.headers]\nhunter2 = hunter2", "(at line 2, column 11)"),
        ("[destinations.headers.hunter2]\nname = hunter2", "(at line 2, column 8)"),
        ("[hunter2]\n[hunter2]", "cannot declare twice (at line 2, column 9)"),
        ("[log]\nlevel = INFO # hunter2", "(at line 2, column 9): `level = INFO …`"),
        ("[alerts]\nurls = [\n  hunter2,\n]", "(at line 3, column 3)"),
        ("[guard]\nmin_removed = " + "9" * 5000, "a number of 5000 digits (at line 2, column 15): `min_removed = …`"),
        ('[state]\npassword = """\nname = hunter2 \\x"""', "(at line 3, column 18)"),
    ],
)
def test_the_place_and_what_may_be_shown_of_the_line(tmp_path: Path, text: str, said: str) -> None:
    message = complaint(tmp_path, text)
    assert message is not None
    assert message.endswith(said)
    assert SECRET not in message


def test_no_mistake_anywhere_shows_a_secret(tmp_path: Path) -> None:
    secrets = f'headers = {{ Token = "{SECRET}", name = "{SECRET}" }}\nhmac_secret = """\n{SECRET}"""\n'
    text = MINIMAL.replace("k3y", SECRET) + MAILMODO.replace("AAAAAAA-BBBBBBB", SECRET) + WEBHOOK + secrets
    text += f'[state]\npassword = "{SECRET}"\n[alerts]\nurls = [\n  "{SECRET}",\n]\n'
    said = set()
    for place in range(len(text)):
        for mistake in (text[:place] + text[place + 1 :], f"{text[:place]}={text[place:]}"):
            if SECRET in mistake:
                said.add(complaint(tmp_path, mistake) or "")
    assert len(said) > 100
    assert [each for each in said if SECRET in each] == []
