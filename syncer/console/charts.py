"""The drawing of an audience: a line of its size, and under it bars of who entered and who left, as numbers for SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from syncer.console.views import Size

WIDTH = 720
_LINE_HEIGHT = 140
_BARS_HEIGHT = 80
_GAP = 16
HEIGHT = _LINE_HEIGHT + _GAP + _BARS_HEIGHT


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from `y` down, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`line` are the points of the size; `entered` stand on `zero`, `left` hang from it. `most` is the largest size."""

    line: str
    entered: Sequence[Bar]
    left: Sequence[Bar]
    zero: float
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def chart(sizes: Sequence[Size]) -> Chart:
    """One place a run, from left to right."""
    most, step = max((size.members for size in sizes), default=0), WIDTH / max(len(sizes), 1)
    points = [
        f"{step * (place + 0.5):.1f},{_LINE_HEIGHT * (1 - size.members / max(most, 1)):.1f}"
        for place, size in enumerate(sizes)
    ]
    zero, width = _LINE_HEIGHT + _GAP + _BARS_HEIGHT / 2, round(step * 0.7, 2)
    scale = _BARS_HEIGHT / 2 / max((max(size.added, size.removed, 1) for size in sizes), default=1)
    entered = [
        Bar(round(step * (place + 0.15), 2), round(zero - size.added * scale, 2), width, round(size.added * scale, 2))
        for place, size in enumerate(sizes)
        if size.added
    ]
    left = [
        Bar(round(step * (place + 0.15), 2), zero, width, round(size.removed * scale, 2))
        for place, size in enumerate(sizes)
        if size.removed
    ]
    return Chart(" ".join(points), entered, left, zero, most)
