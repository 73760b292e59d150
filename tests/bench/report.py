"""The results: a table on the terminal, a JSON file, and a chart."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one contestant, in seconds and MB. `problem` says why it failed.

    `plan` is how long it compared. `tell` is how long it then took to send, to record what it sent, and to end.
    `first_call` is when its first request came. `state_bytes` and `history_bytes` are what it keeps of a membership.
    """

    scenario: str
    contestant: str
    compares: bool
    shape: str = "even"
    wall: float = 0.0
    plan: float | None = None
    tell: float | None = None
    first_call: float | None = None
    cpu: float = 0.0
    postgres_cpu: float = 0.0
    rss: float = 0.0
    requests: int = 0
    wrong: int | None = None
    state_bytes: float | None = None
    history_bytes: float | None = None
    cannot: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of a contestant's runs in a scenario."""

    result: Result
    runs: int


def medians(results: Sequence[Result]) -> list[Row]:
    """The rows in the order in which they first ran. Memory and wrong contacts are the worst of all runs."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.shape, result.scenario, result.contestant), []).append(result)
    return [_median(group) for group in groups.values()]


def _median(group: Sequence[Result]) -> Row:
    good = [result for result in group if not result.problem]
    if not good:
        return Row(group[0], 0)
    first = good[0]
    wrongs = [result.wrong for result in good if result.wrong is not None]
    middle = replace(
        first,
        wall=statistics.median(result.wall for result in good),
        plan=_middle([result.plan for result in good]),
        tell=_middle([result.tell for result in good]),
        first_call=_middle([result.first_call for result in good]),
        cpu=statistics.median(result.cpu for result in good),
        postgres_cpu=statistics.median(result.postgres_cpu for result in good),
        rss=max(result.rss for result in good),
        requests=round(statistics.median(result.requests for result in good)),
        wrong=max(wrongs) if wrongs else None,
        state_bytes=_middle([result.state_bytes for result in good]),
        history_bytes=_middle([result.history_bytes for result in good]),
    )
    return Row(middle, len(good))


def _middle(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return statistics.median(known) if known else None


_HEADINGS = (
    "wall s",
    "plan s",
    "tell s",
    "first\ncall s",
    "cpu s",
    "server\ncpu s",
    "peak\nMB",
    "requests",
    "contacts\nwrong",
    "state,\nbytes",
    "history,\nbytes",
    "runs",
)


def show(rows: Sequence[Row], title: str, console: Console) -> None:
    """Prints a table for each scenario, without columns in which nothing is."""
    for shape, scenario in dict.fromkeys((row.result.shape, row.result.scenario) for row in rows):
        shown = [row for row in rows if (row.result.shape, row.result.scenario) == (shape, scenario)]
        cells = [_cells(row) for row in shown]
        used = [place for place in range(len(_HEADINGS)) if any(line[place] for line in cells)]
        table = Table(title=f"{title}: {shape}, {scenario}", title_justify="left")
        table.add_column("contestant", overflow="fold")
        for place in used:
            table.add_column(_HEADINGS[place], justify="right")
        for row, line in zip(shown, cells, strict=True):
            name = row.result.contestant if row.runs else f"{row.result.contestant}: {row.result.problem}"
            table.add_row(name, *(line[place] for place in used))
        console.print(table)
    limits = {row.result.contestant: row.result.cannot for row in rows if row.result.cannot}
    for contestant, cannot in limits.items():
        console.print(f"{contestant}: {cannot}")


def _cells(row: Row) -> list[str]:
    result = row.result
    if not row.runs:
        return [*[""] * (len(_HEADINGS) - 1), "0"]
    return [
        f"{result.wall:,.2f}",
        _cell(result.plan, ",.2f"),
        _cell(result.tell, ",.2f"),
        _cell(result.first_call, ",.2f"),
        f"{result.cpu:,.2f}",
        f"{result.postgres_cpu:,.2f}",
        f"{result.rss:,.0f}",
        "" if result.compares else f"{result.requests:,}",
        _cell(result.wrong, ","),
        _cell(result.state_bytes, ",.0f"),
        _cell(result.history_bytes, ",.0f"),
        str(row.runs),
    ]


def _cell(number: float | None, form: str) -> str:
    return "" if number is None else format(number, form)


def write(results: Sequence[Result], about: dict[str, Any], path: Path, bars: Sequence[dict[str, Any]] = ()) -> None:
    """Writes every run, not only the medians."""
    told = {"about": about, "bars": list(bars), "runs": [asdict(result) for result in results]}
    path.write_text(json.dumps(told, indent=1) + "\n")


_MANY_TIMES = 15


def chart(rows: Sequence[Row], title: str, path: Path) -> None:
    """Wall time per scenario, as bars, on a logarithmic scale where one contestant takes many times as long as another;
    comparisons, which send nothing, are paler."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    scenarios = list(dict.fromkeys((row.result.shape, row.result.scenario) for row in rows))
    figure, axes = pyplot.subplots(len(scenarios), 1, figsize=(9, 2.9 * len(scenarios)), squeeze=False)
    for axis, which in zip(axes[:, 0], scenarios, strict=True):
        results = [row.result for row in reversed(rows) if row.runs]
        shown = [result for result in results if (result.shape, result.scenario) == which]
        colours = [_colour(result) for result in shown]
        bars = axis.barh([result.contestant for result in shown], [result.wall for result in shown], color=colours)
        labels = [f"{result.wall:,.1f} s" + (f", {result.wrong:,} wrong" if result.wrong else "") for result in shown]
        axis.bar_label(bars, labels=labels, padding=3, fontsize=8)
        walls = [result.wall for result in shown] or [1.0]
        if max(walls) > _MANY_TIMES * min(walls):
            axis.set_xscale("log")
        axis.margins(x=0.25)
        axis.set_title(", ".join(which), fontsize=10, loc="left")
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _colour(result: Result) -> str:
    if result.contestant.startswith("syncer"):
        return "#1f6f54"
    return "#c9ced6" if result.compares else "#7f8ea3"
