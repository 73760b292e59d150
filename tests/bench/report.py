"""The results: a table on the terminal, a JSON file, and a chart."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one contestant, in seconds and MB. `problem` says why it failed.

    `plan` is how long it compared. `tell` is how long it then took to send, to record what it sent, and to end.
    """

    scenario: str
    contestant: str
    compares: bool
    wall: float = 0.0
    plan: float | None = None
    tell: float | None = None
    cpu: float = 0.0
    postgres_cpu: float = 0.0
    rss: float = 0.0
    requests: int = 0
    wrong: int | None = None
    cannot: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of a contestant's runs in a scenario."""

    result: Result
    runs: int


def medians(results: Sequence[Result]) -> list[Row]:
    """The rows in the order in which they first ran. Memory and wrong contacts are the worst of all runs."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.scenario, result.contestant), []).append(result)
    return [_median(group) for group in groups.values()]


def _median(group: Sequence[Result]) -> Row:
    good = [result for result in group if not result.problem]
    if not good:
        return Row(group[0], 0)
    plans = [result.plan for result in good if result.plan is not None]
    tells = [result.tell for result in good if result.tell is not None]
    wrongs = [result.wrong for result in good if result.wrong is not None]
    first = good[0]
    middle = Result(
        scenario=first.scenario,
        contestant=first.contestant,
        compares=first.compares,
        wall=statistics.median(result.wall for result in good),
        plan=statistics.median(plans) if plans else None,
        tell=statistics.median(tells) if tells else None,
        cpu=statistics.median(result.cpu for result in good),
        postgres_cpu=statistics.median(result.postgres_cpu for result in good),
        rss=max(result.rss for result in good),
        requests=round(statistics.median(result.requests for result in good)),
        wrong=max(wrongs) if wrongs else None,
        cannot=first.cannot,
    )
    return Row(middle, len(good))


def show(rows: Sequence[Row], title: str, console: Console) -> None:
    """Prints a table for each scenario."""
    for scenario in dict.fromkeys(row.result.scenario for row in rows):
        table = Table(title=f"{title}: {scenario}", title_justify="left")
        table.add_column("contestant", overflow="fold")
        for heading in (
            "wall s",
            "plan s",
            "tell s",
            "cpu s",
            "server cpu s",
            "peak MB",
            "requests",
            "wrong contacts",
            "runs",
        ):
            table.add_column(heading, justify="right")
        for row in rows:
            if row.result.scenario == scenario:
                table.add_row(*_cells(row))
        console.print(table)
    limits = {row.result.contestant: row.result.cannot for row in rows if row.result.cannot}
    for contestant, cannot in limits.items():
        console.print(f"{contestant}: {cannot}")


def _cells(row: Row) -> list[str]:
    result = row.result
    if not row.runs:
        return [f"{result.contestant}: {result.problem}", *[""] * 8, "0"]
    return [
        result.contestant,
        f"{result.wall:,.2f}",
        "" if result.plan is None else f"{result.plan:,.2f}",
        "" if result.tell is None else f"{result.tell:,.2f}",
        f"{result.cpu:,.2f}",
        f"{result.postgres_cpu:,.2f}",
        f"{result.rss:,.0f}",
        "" if result.compares else f"{result.requests:,}",
        "" if result.wrong is None else f"{result.wrong:,}",
        str(row.runs),
    ]


def write(results: Sequence[Result], about: dict[str, Any], path: Path) -> None:
    """Writes every run, not only the medians."""
    path.write_text(json.dumps({"about": about, "runs": [asdict(result) for result in results]}, indent=1) + "\n")


def chart(rows: Sequence[Row], title: str, path: Path) -> None:
    """Wall time per scenario, as bars on a logarithmic scale; comparisons, which send nothing, are paler."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    scenarios = list(dict.fromkeys(row.result.scenario for row in rows))
    figure, axes = pyplot.subplots(len(scenarios), 1, figsize=(9, 2.9 * len(scenarios)), squeeze=False)
    for axis, scenario in zip(axes[:, 0], scenarios, strict=True):
        shown = [row.result for row in reversed(rows) if row.result.scenario == scenario and row.runs]
        colours = [_colour(result) for result in shown]
        bars = axis.barh([result.contestant for result in shown], [result.wall for result in shown], color=colours)
        labels = [f"{result.wall:,.1f} s" + (f", {result.wrong:,} wrong" if result.wrong else "") for result in shown]
        axis.bar_label(bars, labels=labels, padding=3, fontsize=8)
        axis.set_xscale("log")
        axis.margins(x=0.25)
        axis.set_title(scenario, fontsize=10, loc="left")
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
