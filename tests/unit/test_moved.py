"""Which groups of users moved in any audience: whoever is in one of those of their audience is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.planning import moved
from syncer.planning.moved import Anywhere, Moved

pytestmark = pytest.mark.quick


def parts(number: int) -> st.SearchStrategy[Moved]:
    return st.builds(Moved, st.just(1), st.just(number), st.sets(st.integers(0, number - 1)).map(sorted))


PARTS = st.lists(st.sampled_from([1, 2, 8, 16, 64]).flatmap(parts), max_size=4)


def is_in(bits: bytes, groups: int, hashed: int) -> bool:
    """As `member_group` and `get_bit` tell."""
    place = hashed & (groups - 1)
    return bool(bits[place // 8] >> place % 8 & 1)


@given(PARTS, st.integers(-(2**63), 2**63 - 1))
def test_nobody_who_moved_in_an_audience_is_left_out(some: list[Moved], hashed: int) -> None:
    anywhere = Anywhere.of(some)
    asked = anywhere.bits is None or is_in(anywhere.bits, anywhere.groups, hashed)
    assert asked or not any(is_in(part.bits, part.groups, hashed) for part in some)


def test_others_are_left_out() -> None:
    anywhere = Anywhere.of([Moved(1, 16, [3]), Moved(2, 8, [1])])
    assert (anywhere.groups, anywhere.bits) == (16, bytes([0b1010, 0b10]))


@pytest.mark.parametrize("some", [[Moved(1, 16, [3]), None], [Moved(1, 16, range(5))]], ids=["whole", "many"])
def test_nobody_is_where_that_would_leave_out_little(some: list[Moved | None]) -> None:
    assert Anywhere.of(some) == (1, None)


def test_a_quarter_is_little_enough() -> None:
    assert Anywhere.of([Moved(1, 16, range(int(moved._LITTLE * 16)))]).bits == bytes([0b1111, 0])
