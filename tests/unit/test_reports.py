"""How a run is shown to people."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from syncer.cli import reports
from syncer.state.history import AudienceReport, RunReport

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUIET = AudienceReport("", "", 9, 0, 0, initial=False, held=0, refreshed=0, problem=None)


def run_with(*audiences: AudienceReport) -> RunReport:
    return RunReport(17, "manual", "succeeded", NOW, NOW, None, 0, 0, audiences)


def shown(capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """The first words of the lines about audiences, and what stands below."""
    lines = capsys.readouterr().out.splitlines()[2:]
    return [line.split()[0] for line in lines if line.startswith("x")], lines[-1]


def test_of_very_many_audiences_those_are_shown_that_something_is_to_be_said_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    audiences = [replace(QUIET, name=f"x{number}", added=number) for number in range(1_000)]
    audiences[3] = replace(audiences[3], problem="two names claim it")
    audiences[5] = replace(audiences[5], held=7)
    report = run_with(*audiences)

    reports.print_report(report, as_json=False)
    listed, below = shown(capsys)
    assert listed == ["x3", "x5", *(f"x{number}" for number in range(502, 1_000))]
    assert below == "and 500 audiences that changed less: `syncer history 17` lists all"

    reports.print_report(report, as_json=False, whole=True)
    listed, below = shown(capsys)
    assert listed == [audience.name for audience in audiences]
    assert below.startswith("x999")


def test_of_a_few_hundred_audiences_all_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    reports.print_report(run_with(*[replace(QUIET, name=f"x{number}") for number in range(500)]), as_json=False)
    listed, below = shown(capsys)
    assert len(listed) == 500
    assert below.startswith("x499")
