"""How far from what is usual a number is unusual."""

import pytest

from syncer.daemon.baseline import Number


def number(value: int, usual: float, spread: float) -> Number:
    return Number("members", "VIP Buyers", "", value, usual, spread)


@pytest.mark.parametrize(
    ("usual", "spread", "least", "most"),
    [
        (1000, 100, 500, 1500),  # five times the spread
        (1000, 0, 750, 1250),  # which is 5 % at least
        (20, 0, 0, 70),  # and ten people
        (0, 0, 0, 50),
        (0.5, 0.5, 0, 50),
    ],
)
def test_it_is_unusual_beyond_so_many_spreads(usual: float, spread: float, least: int, most: int) -> None:
    assert not number(least, usual, spread).is_unusual(5)
    assert not number(most, usual, spread).is_unusual(5)
    assert number(most + 1, usual, spread).is_unusual(5)
    if least:
        assert number(least - 1, usual, spread).is_unusual(5)
