"""The note of the last run is a file of this machine, which anything may have written to."""

import re
from pathlib import Path

import pytest

from syncer.state import witness
from tests.world import World, members


def unreadable(note: str) -> list[str]:
    """What may stand there in place of this note."""
    numbers = ("1e999", "9" * 30, "9" * 5000, "-1")
    return [
        *("", "[]", '{"run_id": "x"}', "\udcff", "[" * 100_000),
        *(note.replace('"run_id":1,', f'"run_id":{number},') for number in numbers),
        note.replace('"closed":true', '"closed":"yes"'),
        re.sub(r'"at":"[^"]*"', '"at":"2026-01-31T00:00:00"', note),
    ]


def test_a_note_that_cannot_be_read_is_left_aside(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "notes"))
    world.warehouse.replace(members(1))
    world.sync()
    (note,) = (tmp_path / "notes" / "syncer").iterdir()
    texts = unreadable(note.read_text())
    assert note.read_text() not in texts
    for run_id, text in enumerate(texts, 2):
        note.write_bytes(text.encode("utf-8", "surrogateescape"))

        done = world.command("sync")

        assert done.returncode == 0, text[:100]
        assert "the note of the last run cannot be read and is left aside" in done.stderr, text[:100]
        with world.state() as connection:
            witness.check(connection)
        assert f'"run_id":{run_id},' in note.read_text(), text[:100]
