"""What statements are given, and what they give, where we do it otherwise than the driver does."""

from dataclasses import dataclass
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.array import ListDumper

from syncer import sql
from syncer.state import State, fetch_one

SPECIAL = ('"', "\\", '\\"', "{", "}", ",", "NULL", "null", "", " ", "\n", "\t", "\x01", "🙂", "%s", "'", "{}", '","')
TEXTS = st.sampled_from(SPECIAL) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ARRAYS = st.sampled_from(
    [
        ("text", TEXTS),
        ("text", TEXTS | st.none()),
        ("bigint", NUMBERS),
        ("bigint", NUMBERS | st.none()),
        ("boolean", st.booleans()),
        ("boolean", st.booleans() | st.none()),
    ]
).flatmap(lambda kind: st.tuples(st.just(kind[0]), st.lists(kind[1])))


class Pair(NamedTuple):
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class PairOfOurs:
    first: int
    second: int
    third: int = 3


def test_an_array_arrives_as_it_is(state: State) -> None:
    with state.connect("test") as connection:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(ARRAYS)
        def arrives(array: tuple[str, list[object]]) -> None:
            kind, values = array
            assert connection.execute(f"SELECT %s::{kind}[]", [values]).fetchone() == (values,)

        arrives()


def test_arrays_are_written_in_one_go(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ListDumper, "dump", None)  # the driver's way
    with state.connect("test") as connection:
        for kind, values in (("text", ["a"]), ("bigint", [1]), ("boolean", [True, False])):
            assert connection.execute(f"SELECT %s::{kind}[]", [values]).fetchone() == (values,)


@pytest.mark.parametrize("values", [["a\0b"], ["a", "\0"], ["\ud800"]])
def test_a_text_that_postgresql_cannot_hold_is_refused_in_an_array_too(state: State, values: list[str]) -> None:
    with state.connect("test") as connection, pytest.raises((psycopg.DataError, UnicodeEncodeError)):
        connection.execute("SELECT %s::text[]", [values])


@pytest.mark.parametrize("kind", [Pair, PairOfOurs])
@pytest.mark.parametrize("columns", ["1 AS first, 2 AS second", "2 AS second, 1 AS first"])
def test_a_row_is_made_by_the_names_of_its_columns(
    state: State, columns: str, kind: type[Pair | PairOfOurs], monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.connect("test") as connection:
        monkeypatch.setattr(sql, "query", lambda _name: f"SELECT {columns}")
        assert fetch_one(connection, kind, "any") == kind(first=1, second=2)


@pytest.mark.parametrize("columns", ["1 AS first", "1 AS first, 2 AS other"])
def test_a_row_with_other_columns_is_an_error(state: State, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with state.connect("test") as connection:
        monkeypatch.setattr(sql, "query", lambda _name: f"SELECT {columns}")
        with pytest.raises(TypeError):
            fetch_one(connection, Pair, "any")
