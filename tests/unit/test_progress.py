"""How a run shows itself where there is no terminal."""

import pytest

from syncer.cli import progress


def test_a_run_that_gets_no_answer_yet_has_no_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    lines = progress.Lines()
    lines.planned("segment", 10)

    lines.sent("segment", 0)
    lines.sent("segment", 5)

    _, nothing, half = capsys.readouterr().err.splitlines()
    assert nothing == "segment: 0 of 10, 0/s"
    assert half.startswith("segment: 5 of 10, ")
    assert half.endswith(" s left")
