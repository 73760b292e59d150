"""The results of `freshness`: numbers, a table by the minute, a JSON file, a chart."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench import seen
from tests.bench.changing import Change
from tests.bench.sampling import Sample

_MINUTE = 60.0
_MEASURED = ("memory", "session", "catalog", "history", "state", "dead_rows", "log")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. Without `jitter` the configuration does not say any, as its default."""

    memberships: int = 1_000_000
    seconds: float = 3600.0
    rate: int = 100
    every: str = "10s"
    jitter: str | None = None
    latency_ms: int = 0


class Run(NamedTuple):
    """When it began, in seconds since the first one did, and how long it took."""

    began: float
    took: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: the changes, when they were told, and what the daemon took for it.

    `wrong`: contacts of which the receiver believes something else in the end. `behind`: by how many changes the writer
    fell short of its rate. `ended`: the daemon's exit code. `problems`: what went wrong with the measuring.
    """

    changes: Sequence[Change]
    verdict: seen.Verdict
    samples: Sequence[Sample]
    tables: Mapping[str, Sequence[float]]
    answers: Mapping[str, Sequence[float]]
    runs: Sequence[Run]
    wrong: int
    requests: int
    behind: int
    ended: int | None
    problems: Sequence[str] = ()


def of(outcome: Outcome, plan: Plan, about: dict[str, Any]) -> dict[str, Any]:
    """All of it, as it is written."""
    verdict = outcome.verdict
    after = sorted(each.after for each in verdict.seen)
    return {
        "about": about,
        "plan": asdict(plan),
        "freshness": {
            "changes": len(outcome.changes),
            "told": len(after),
            **{name: percentile(after, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
            "worst": after[-1] if after else None,
            "never": verdict.never,
            "undone": verdict.undone,
            "needless": verdict.needless,
            "wrong_contacts": outcome.wrong,
            "behind": outcome.behind,
        },
        "runs": _runs(outcome),
        "requests": outcome.requests,
        "exit_code": outcome.ended,
        "problems": list(outcome.problems),
        "quarters": _quarters(outcome.samples),
        "answers": _answers(outcome.answers),
        "tables": {
            name: [first, last]
            for name, sizes in sorted(outcome.tables.items())
            if abs((last := sizes[-1]) - (first := sizes[0])) >= 0.1
        },
        "minutes": minutes(outcome),
        "samples": [asdict(each) for each in outcome.samples],
    }


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that this share of them does not exceed; None if there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _runs(outcome: Outcome) -> dict[str, Any]:
    took = sorted(each.took for each in outcome.runs)
    apart = sorted(after.began - before.began for before, after in zip(outcome.runs, outcome.runs[1:], strict=False))
    return {
        "count": len(took),
        "seconds": {"p50": percentile(took, 0.5), "p95": percentile(took, 0.95), "worst": took[-1] if took else None},
        "apart": {"p50": percentile(apart, 0.5), "p95": percentile(apart, 0.95), "worst": apart[-1] if apart else None},
    }


def _quarters(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """The medians of the first and of the last quarter, and the most."""
    size = max(1, len(samples) // 4)
    found = {}
    for name in _MEASURED if samples else ():
        values = [float(getattr(each, name)) for each in samples]
        found[name] = {
            "first": statistics.median(values[:size]),
            "last": statistics.median(values[-size:]),
            "most": max(values),
        }
    return found


def _answers(answers: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """How long whoever asked waited: the medians of the first and of the last half, and the worst."""
    found = {}
    for name, seconds in answers.items():
        half = max(1, len(seconds) // 2)
        found[name] = {
            "first": statistics.median(seconds[:half]),
            "last": statistics.median(seconds[-half:]),
            "worst": max(seconds),
        }
    return found


def minutes(outcome: Outcome) -> list[dict[str, float | None]]:
    """What was committed in each minute, and what was spent in it."""
    if not outcome.changes or not outcome.samples:
        return []
    began = outcome.changes[0].at
    after: dict[int, list[float]] = {}
    for each in outcome.verdict.seen:
        after.setdefault(int((each.at - began) // _MINUTE), []).append(each.after)
    found: list[dict[str, float | None]] = []
    for minute in range(max(after, default=-1) + 1):
        told = sorted(after.get(minute, []))
        here = [each for each in outcome.samples if minute <= each.at / _MINUTE < minute + 1]
        spent = {
            name: getattr(here[-1], name) - getattr(here[0], name) if here else None for name in ("cpu", "server_cpu")
        }
        sizes = {name: getattr(here[-1], name) if here else None for name in _MEASURED}
        found.append({"told": len(told), "p50": percentile(told, 0.5), "p95": percentile(told, 0.95), **spent, **sizes})
    return found


def show(report: dict[str, Any], console: Console) -> None:
    """Prints the numbers that matter."""
    fresh, runs = report["freshness"], report["runs"]
    table = Table(title=f"{report['about']['memberships']:,} memberships", title_justify="left", show_header=False)
    table.add_row("changes", f"{fresh['changes']:,}, {fresh['told']:,} told, {fresh['undone']:,} undone before")
    table.add_row("never told", f"{fresh['never']:,}; contacts wrong in the end: {fresh['wrong_contacts']:,}")
    table.add_row("needless calls", f"{fresh['needless']:,}")
    table.add_row("commit to acceptance", _line(fresh, ("p50", "p95", "p99", "worst")))
    table.add_row("runs", f"{runs['count']}; seconds: {_line(runs['seconds'])}; apart: {_line(runs['apart'])}")
    for name, found in report["quarters"].items():
        table.add_row(
            name, f"first quarter {found['first']:,.1f}, last {found['last']:,.1f}, most {found['most']:,.1f}"
        )
    for name, found in report["answers"].items():
        table.add_row(name, _line(found, ("first", "last", "worst")))
    if fresh["behind"]:
        table.add_row("the writer", f"fell short of its rate by {fresh['behind']:,} changes")
    for problem in report["problems"]:
        table.add_row("problem", problem)
    console.print(table)


def _line(found: dict[str, float | None], names: Sequence[str] = ("p50", "p95", "worst")) -> str:
    return ", ".join(f"{name} {'-' if found[name] is None else format(found[name], '.2f')}" for name in names)


def write(report: dict[str, Any], path: Path) -> None:
    """As JSON, with a chart beside it."""
    path.write_text(json.dumps(report, indent=1) + "\n")
    if report["minutes"]:
        _chart(report["minutes"], path.with_suffix(".png"))


def _chart(rows: Sequence[dict[str, float | None]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    panels = (
        ("commit to acceptance, s", ("p50", "p95")),
        ("memory, MB", ("memory", "session")),
        ("on the disk, MB", ("state", "history", "catalog")),
        ("processor, s a minute", ("cpu", "server_cpu")),
    )
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 5))
    for axis, (title, names) in zip(axes.flat, panels, strict=True):
        for name in names:
            axis.plot([row[name] for row in rows], label=name)
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("minutes", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
