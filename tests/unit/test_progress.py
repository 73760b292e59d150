"""How a run shows itself: by lines, or by bars on a terminal."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

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


def test_what_is_counted_later_changes_the_total_and_not_what_was_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    lines = progress.Lines()
    lines.planned("segment", 10)
    lines.sent("segment", 5)
    lines.planned("segment", 40)

    lines.sent("segment", 5)

    *_, some, more, later = capsys.readouterr().err.splitlines()
    assert some.startswith("segment: 5 of 10, ")
    assert more == "segment: 40 contacts to tell"
    assert later.startswith("segment: 10 of 40, ")


def test_a_destination_has_one_bar_however_often_it_is_counted() -> None:
    with Progress(console=Console(file=io.StringIO())) as shown:
        bars = progress.Bars(shown)
        bars.planned("segment", 10)
        bars.sent("segment", 5)
        bars.planned("segment", 40)
        bars.sent("segment", 5)

        _, bar = shown.tasks
    assert (bar.completed, bar.total) == (10, 40)
