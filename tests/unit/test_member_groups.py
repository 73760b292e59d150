"""In how many groups the users of an audience are added up."""

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
