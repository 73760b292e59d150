"""Into how many groups of users two tables at a warehouse are cut before they are compared."""

import pytest

from syncer.warehouses import mirror

pytestmark = pytest.mark.quick

MANY = 32 * 1_000


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ({}, 1),
        ({"A": 5}, 1),
        ({"A": MANY}, 1_000),
        ({f"A{number}": MANY for number in range(100)}, 1_000),
        ({f"A{number}": 10 for number in range(10_000)}, 1),
    ],
    ids=["nobody", "a few", "one audience", "a hundred", "many small ones"],
)
def test_a_group_has_about_so_many_rows(rows: dict[str | None, int], groups: int) -> None:
    assert groups / 2 <= mirror.groups(rows) <= groups


def test_sums_fit_into_memory_whatever_the_sizes() -> None:
    rows: dict[str | None, int] = {"large": 5_000_000, None: 7, **{f"small {number}": 50_000 for number in range(100)}}
    found = mirror.groups(rows)
    assert sum(min(count, found) for count in rows.values()) <= sum(rows.values()) / 32
    assert mirror.groups({"A": 10**10}) <= 1_000_000
