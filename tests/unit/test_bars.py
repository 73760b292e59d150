"""What the benchmark's bars say of medians."""

from dataclasses import replace

from tests.bench import bars, ours, theirs
from tests.bench.contestants import CHANGED, FEW, INITIAL, UNCHANGED
from tests.bench.report import Result, Row

MILLION = 1_000_000


def _row(scenario: str, contestant: str, wall: float, runs: int = 3) -> Row:
    return Row(Result(scenario, contestant, compares=False, wall=wall), runs)


def _words(rows: list[Row], memberships: int, largest: int = MILLION) -> dict[str, str]:
    shapes = {row.result.shape: largest for row in rows}
    return {verdict.what: verdict.word for verdict in bars.judge(rows, memberships, shapes)}


def test_a_bar_is_reached_or_missed_and_small_data_are_called_small() -> None:
    rows = [
        *(_row(CHANGED, name, wall) for name, wall in ((ours.NAME, 4.9), (theirs.SCRIPT, 4.9))),
        *(_row(UNCHANGED, name, wall) for name, wall in ((ours.NAME, 1.6), (theirs.SCRIPT, 2.6))),
    ]
    said = {
        "whole command, 1 % changed: times the script with the full join": "reached",
        "whole command, nothing changed: times that script": "missed",
    }
    assert _words(rows, MILLION) == said
    assert _words(rows, MILLION // 10) == {what: f"{word}, too small" for what, word in said.items()}


def test_the_bar_of_few_changes_asks_for_a_large_audience_and_not_for_many_rows() -> None:
    rows = [_row(FEW, ours.NAME, 1.3), _row(UNCHANGED, ours.NAME, 1.0)]
    what = "100 changes in the largest audience: times no changes"
    assert _words(rows, MILLION)[what] == "reached"
    assert _words(rows, MILLION, largest=MILLION // 100)[what] == "reached, too small"


def test_many_audiences_are_compared_with_a_hundred_of_the_same_run() -> None:
    even = _row(CHANGED, ours.NAME, 2.0)
    many = replace(even, result=replace(even.result, shape="many", wall=2.7))
    what = "5,000 audiences, 1 % changed: times a hundred audiences"
    assert _words([even, many], MILLION) == {what: "missed"}
    assert _words([many], MILLION) == {}


def test_what_failed_or_was_not_measured_has_no_bar() -> None:
    assert _words([_row(CHANGED, ours.NAME, 1.0, runs=0), _row(CHANGED, theirs.SCRIPT, 1.0)], MILLION) == {}
    assert _words([_row(INITIAL, ours.NAME, 1.0)], MILLION) == {}
