"""Blocks of runs: about a hundred of them, however often runs are made, and none that lasts for years."""

from collections.abc import Iterator

import pytest

from syncer.state import Connection, State, blocks

KEEP = 36_000.0
"""Seconds: a block is to last 360, which are 36 runs every ten seconds."""


@pytest.fixture
def history(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(blocks, "RUNS", 4)
    with state.connect("test") as connection:
        yield connection


def make_run(history: Connection, *, seconds: float = 10) -> int:
    """A run that begins so many seconds after the one before, and its end, when retention sees to the blocks."""
    history.execute("UPDATE run SET started_at = started_at - make_interval(secs => %s)", [seconds])
    (run_id,) = history.execute(
        "INSERT INTO run (trigger, phase, status, finished_at, syncer_version, host, pid)"
        " VALUES ('schedule', 'closed', 'succeeded', now(), '0', 'h', 1) RETURNING run_id"
    ).fetchall()[0]
    blocks.of_run(history, run_id)
    blocks.keep_even(history, KEEP)
    return int(run_id)


def sizes(history: Connection) -> list[int]:
    return [size for (size,) in history.execute("SELECT end_run - first_run FROM history_block ORDER BY first_run")]


def test_a_block_is_of_as_many_runs_as_begin_in_its_time(history: Connection) -> None:
    for _ in range(150):
        make_run(history)
    first, *grown, last = sizes(history)
    assert (first, grown[:4]) == (4, [4, 8, 16, 32])
    assert set(grown[4:]) == {36}
    assert last == 36


def test_a_block_of_rare_runs_is_of_the_fewest(history: Connection) -> None:
    for _ in range(9):
        make_run(history, seconds=7200)
    assert sizes(history) == [4, 4, 4]


def test_a_block_ends_early_once_runs_are_rare(history: Connection) -> None:
    for _ in range(64):
        make_run(history)
    assert sizes(history) == [4, 4, 8, 16, 32, 36]
    numbers = [make_run(history, seconds=7200) for _ in range(6)]
    assert numbers == [65, 66, 67, 68, 101, 102]
    assert sizes(history) == [4, 4, 8, 16, 32, 36, 4]


def test_numbers_of_runs_that_were_left_out_begin_a_block_of_their_own(history: Connection) -> None:
    """As in a state that was restored."""
    make_run(history)
    history.execute("SELECT setval('run_run_id_seq', 1000)")
    make_run(history)
    assert history.execute("SELECT first_run, end_run FROM history_block ORDER BY 1").fetchall() == [
        (1, 5),
        (1001, 1005),
    ]
