"""In how many groups the users of an audience are added up."""

from types import SimpleNamespace
from typing import Any

import pytest

from syncer.planning import checksums


@pytest.mark.parametrize(
    ("rows", "changes", "groups"),
    [
        (63, 9, 1),
        (64, 0, 1),
        (64, 1, 8),
        (10_000_000, 100, 4096),
        (10_000_000, 1_000, 16_384),
        (10_000_000, 100_000, 1_048_576),
        (3_000_000_000, 300_000_000, 1_048_576),
    ],
)
def test_there_are_as_many_groups_as_changes_ask_for_and_no_more_than_fit(rows: int, changes: int, groups: int) -> None:
    nothing: Any = None
    sums = checksums.Sums(nothing, nothing, key=0, kept={}, rows={"A": rows})
    assert sums.groups_of("A", changes) == groups


def test_an_audience_is_added_up_in_as_many_groups_as_any_destination_has() -> None:
    kept = [checksums.Kept(destination, 1, "A", "", None, groups) for destination, groups in ((1, 8), (2, 32), (3, 16))]
    assert checksums.Checksums(kept, {}, key=0).groups == {"A": 32}


@pytest.mark.parametrize(
    ("version", "changed", "left"),
    [(15_00_00, 300, True), (15_00_00, 400, False), (16_00_00, 30, True), (16_00_00, 60, False)],
)
def test_a_server_that_joins_in_parallel_is_left_groups_only_where_hardly_any_changed(
    version: int, changed: int, left: bool
) -> None:
    """Of a thousand groups."""
    connection: Any = SimpleNamespace(info=SimpleNamespace(server_version=version))
    nothing: Any = None
    sums = checksums.Sums(connection, nothing, key=0, kept={}, rows={"A": 10_000})
    divided = checksums.Memory(sums, 1, {})._to_divide({1: "A"}, {1: changed}, {1: 1 - changed / 1000})
    assert divided == ({1: "A"} if left else {})
