"""Into how many groups of users two tables at a warehouse are cut before they are compared."""

import pytest
import sqlalchemy

from syncer.warehouses import mirror

pytestmark = pytest.mark.quick

MANY = 32 * 1_000


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ({}, 1),
        ({"A": 5}, 1),
        ({"A": MANY}, 1_000),
        ({"A": MANY * 3 // 2}, 1_500),
        ({"A": MANY, "B": MANY // 10}, 550),
        ({f"A{number}": MANY for number in range(100)}, 1_000),
        ({f"A{number}": 10 for number in range(10_000)}, 1),
    ],
    ids=["nobody", "a few", "one audience", "a larger one", "two", "a hundred", "many small ones"],
)
def test_a_group_has_about_so_many_rows(rows: dict[str | None, int], groups: int) -> None:
    assert mirror.groups(rows) == groups


SIZES: list[dict[str | None, int]] = [
    {"large": 5_000_000, None: 7, **{f"small {number}": 50_000 for number in range(100)}},
    {f"A{number}": 1_000_000 for number in range(100)},
    {"A": 10**10},
]


@pytest.mark.parametrize("rows", SIZES, ids=["uneven", "a hundred million", "ten billion"])
def test_sums_fit_into_memory_whatever_the_sizes(rows: dict[str | None, int]) -> None:
    groups = mirror.groups(rows)
    passes = mirror.passes(rows, groups)
    assert sum(min(count, groups) for count in rows.values()) <= sum(rows.values()) / 32
    assert all(sum(min(count, len(some)) for count in rows.values()) <= mirror.GROUPS_A_PASS * 1.01 for some in passes)
    assert [number for some in passes for number in some] == list(range(groups))
    assert len(passes) <= mirror.MOST_PASSES


@pytest.mark.parametrize(("groups", "fitting"), [(1, 1), (7, 3), (6, 3), (5, 100), (100, 1)])
def test_each_group_is_in_one_part(groups: int, fitting: int) -> None:
    parts = mirror.parts(groups, groups, fitting)
    assert [number for some in parts for number in some] == list(range(groups))
    assert max(map(len, parts)) <= fitting


@pytest.mark.parametrize(("groups", "fitting"), [(1, 1), (7, 3), (6, 3), (5, 100), (20, 1)])
def test_each_group_is_compared_with_its_part(groups: int, fitting: int) -> None:
    parts = mirror.parts(groups, groups, fitting)
    with sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.NullPool).connect() as connection:
        numbered = sqlalchemy.table("numbered", sqlalchemy.column("number"))
        connection.exec_driver_sql("CREATE TABLE numbered (number integer)")
        connection.execute(numbered.insert(), [{"number": number} for number in range(groups)])
        for some in parts:
            chosen = sqlalchemy.select(numbered.c.number).where(*mirror.among(numbered.c.number, some, groups))
            assert list(connection.scalars(chosen)) == list(some)


def test_nothing_is_asked_of_a_group_where_that_says_nothing() -> None:
    group: sqlalchemy.ColumnElement[int] = sqlalchemy.column("number", sqlalchemy.Integer)
    assert mirror.among(group, range(7), 7) == []
    assert [len(mirror.among(group, some, 9)) for some in mirror.parts(9, 9, 3)] == [1, 2, 1]
