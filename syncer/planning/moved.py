"""Which groups of users moved, as a comparison is told: see `checksums`."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

_LITTLE = 0.25
"""Of all groups. Where more moved in some audience, asking each row for its group once more saves nothing."""


class Moved(NamedTuple):
    """Which groups of an audience have to be compared, of how many."""

    audience_id: int
    groups: int
    moved: Sequence[int]

    @property
    def bits(self) -> bytes:
        """A bit for each group, as `get_bit` counts them."""
        return _bits(self.groups, self.moved)


class Anywhere(NamedTuple):
    """Which groups moved in any audience, of as many as the audience of most has; no `bits`: that leaves out little."""

    groups: int = 1
    bits: bytes | None = None

    @classmethod
    def of(cls, parts: Sequence[Moved | None]) -> Self:
        """These parts of audiences; None: all of one. A group of fewer is several groups of more."""
        some = [part for part in parts if part is not None]
        groups = max((part.groups for part in some), default=1)
        moved = {place for part in some for first in part.moved for place in range(first, groups, part.groups)}
        if len(some) < len(parts) or len(moved) > _LITTLE * groups:
            return cls()
        return cls(groups, _bits(groups, moved))


def _bits(groups: int, moved: Iterable[int]) -> bytes:
    bits = bytearray((groups + 7) // 8)
    for place in moved:
        bits[place // 8] |= 1 << place % 8
    return bytes(bits)
