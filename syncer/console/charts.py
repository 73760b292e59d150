"""Drawings as numbers for SVG: how large an audience was and who came and went, and how calls ended, run by run."""

from collections.abc import Sequence
from dataclasses import dataclass

from syncer.console.views.audiences import Size
from syncer.console.views.destinations import Outcomes

WIDTH = 720
_MARGIN = 64
"""Room for the numbers at the left."""

_LINE_HEIGHT = 150
_GAP = 24
_BARS_HEIGHT = 90
_OUTCOMES_HEIGHT = 56
_BAR_SHARE = 0.7
_WIDEST_BAR = 24.0
_LEAST_BAR = 1.0
"""Whoever came, however few, is seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from `y` down, in the units of the drawing; `title` says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A number at the left, and the line through the drawing at which it stands."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class SizeChart:
    """`line` and `area` are the size; `entered` stand on `zero`, `left` hang from it. Runs go from left to right."""

    line: str
    area: str
    dots: Sequence[tuple[float, float, str]]
    marks: Sequence[Mark]
    entered: Sequence[Bar]
    left: Sequence[Bar]
    zero: float
    first: int
    last: int
    width: int = WIDTH
    margin: int = _MARGIN
    height: int = _LINE_HEIGHT + _GAP + _BARS_HEIGHT


@dataclass(frozen=True, slots=True)
class OutcomeChart:
    """Each run's calls as a bar of the same height: what was accepted below, what was not on top."""

    accepted: Sequence[Bar]
    not_accepted: Sequence[Bar]
    width: int = WIDTH
    height: int = _OUTCOMES_HEIGHT


def size_chart(sizes: Sequence[Size]) -> SizeChart:
    """One place a run."""
    most = max((size.members for size in sizes), default=0)
    step = (WIDTH - _MARGIN) / max(len(sizes), 1)
    places = [_MARGIN + step * (place + 0.5) for place in range(len(sizes))]
    heights = [_LINE_HEIGHT * (1 - size.members / max(most, 1)) for size in sizes]
    points = [f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True)]
    moved = _most_moved(sizes)
    zero, half = _LINE_HEIGHT + _GAP + _BARS_HEIGHT / 2, _BARS_HEIGHT / 2
    width = round(min(step * _BAR_SHARE, _WIDEST_BAR), 2)
    entered, left = [], []
    for x, size in zip(places, sizes, strict=True):
        at = round(x - width / 2, 2)
        if size.added:
            height = _height(size.added, moved, half)
            entered.append(Bar(at, round(zero - height, 2), width, height, f"run {size.run_id}: {size.added:,} in"))
        if size.removed:
            height = _height(size.removed, moved, half)
            left.append(Bar(at, zero, width, height, f"run {size.run_id}: {size.removed:,} out"))
    marks = [Mark(0, f"{most:,}"), Mark(_LINE_HEIGHT, "0")] if most else [Mark(_LINE_HEIGHT, "0")]
    if moved:
        marks += [Mark(zero - half, f"+{moved:,}"), Mark(zero + half, f"−{moved:,}")]  # noqa: RUF001 - a minus
    return SizeChart(
        line=" ".join(points),
        area=" ".join([f"{places[0]:.1f},{_LINE_HEIGHT}", *points, f"{places[-1]:.1f},{_LINE_HEIGHT}"])
        if sizes
        else "",
        dots=[
            (round(x, 1), round(y, 1), f"run {size.run_id}: {size.members:,} members")
            for x, y, size in zip(places, heights, sizes, strict=True)
        ],
        marks=marks,
        entered=entered,
        left=left,
        zero=zero,
        first=sizes[0].run_id if sizes else 0,
        last=sizes[-1].run_id if sizes else 0,
    )


def outcome_chart(runs: Sequence[Outcomes]) -> OutcomeChart:
    """One place a run; a run without calls leaves it empty."""
    step = WIDTH / max(len(runs), 1)
    width = round(min(step * _BAR_SHARE, _WIDEST_BAR), 2)
    accepted, others = [], []
    for place, run in enumerate(runs):
        x = round(step * (place + 0.5) - width / 2, 2)
        bad = run.failed + run.unknown + run.aborted
        total = run.succeeded + bad
        if not total:
            continue
        height = _height(bad, total, _OUTCOMES_HEIGHT) if bad else 0.0
        if run.succeeded:
            height = min(height, _OUTCOMES_HEIGHT - _LEAST_BAR)
            title = f"run {run.run_id}: {run.succeeded:,} accepted"
            accepted.append(Bar(x, height, width, round(_OUTCOMES_HEIGHT - height, 2), title))
        if bad:
            others.append(Bar(x, 0, width, height, f"run {run.run_id}: {bad:,} not accepted"))
    return OutcomeChart(accepted, others)


def _most_moved(sizes: Sequence[Size]) -> int:
    """The tallest bar: of runs that moved no more than half of the audience, as first syncs do, if there are any."""
    usual = [size for size in sizes if size.added + size.removed <= size.members / 2]
    moves = [max(size.added, size.removed) for size in usual]
    return max(moves, default=0) or max((max(size.added, size.removed) for size in sizes), default=0)


def _height(count: int, most: int, height: float) -> float:
    """Within the frame: a bar that would be taller is cut there."""
    return round(min(max(height * count / most, _LEAST_BAR), height), 2)
