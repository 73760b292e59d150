"""How runs and requests are shown."""

import heapq
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from syncer.cli import screen
from syncer.planning.forecast import Letter
from syncer.state.history import AudienceReport, DestinationReport, RefusedContact, RunReport, RunSummary, SkippedMember

_COLOURS = {
    "succeeded": "green",
    "planned": "cyan",
    "running": "cyan",
    "incomplete": "yellow",
    "held": "yellow",
    "interrupted": "yellow",
    "failed": "red",
}


def print_letter(about: str, letter: Letter) -> None:
    """Prints a request: its head among the sentences, its body as a document."""
    screen.say(about)
    for line in letter.head:
        screen.say(line)
    if letter.body:
        screen.print_document(letter.body)
    if letter.refused is not None:
        screen.say(f"there is none: {letter.refused}")


_MANY = 500
"""Audiences, which are drawn in a tenth of a second. Nobody reads more at the end of a run."""


def print_report(report: RunReport, *, as_json: bool, whole: bool = False) -> None:
    """Prints a run: the contract's object, or the same in tables. Unless that is to be `whole`, of very many audiences
    those that something is to be said about, and those that changed most."""
    if as_json:
        screen.print_json(report)
        return
    name = "plan" if report.run_id is None else f"run {report.run_id}"
    screen.stdout.print(screen.words((name, "bold"), " ", _status(report.status), f"  {_span(report)}"))
    if report.error:
        screen.stdout.print(screen.words(report.error, style="red"))
    _print_audiences(report, whole=whole)
    for destination in report.destinations:
        _print_destination(destination)
    if report.deferred:
        screen.stdout.print(
            f"{report.deferred:,} contacts wait for the next run: for time to tell them, or for another call before"
        )
    if report.calls_saved:
        screen.stdout.print(f"{report.calls_saved:,} calls saved by telling several audiences in one")
    if report.rolls_back_run_id is not None:
        screen.stdout.print(f"it sent nothing: it holds what takes run {report.rolls_back_run_id} back")
    if report.read == "changes":
        screen.stdout.print(f"the warehouse found what changed itself: {report.read_rows:,} rows were read")
    elif report.read_because:
        screen.stdout.print(f"everything was read, {report.read_rows:,} rows: {report.read_because}")


def print_runs(runs: Sequence[RunSummary], *, as_json: bool) -> None:
    """Prints runs, in this order."""
    if as_json:
        screen.print_json(runs)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "run",
        "trigger",
        "status",
        "started",
        "seconds",
        "members",
        "told",
        "refused",
        "unknown",
        "unsent",
    ):
        table.add_column(heading, justify="left" if heading in ("trigger", "status", "started") else "right")
    for run in runs:
        seconds = f"{(run.finished_at - run.started_at).total_seconds():,.1f}" if run.finished_at else ""
        counts = (run.memberships, run.succeeded, run.failed, run.unknown, run.aborted)
        table.add_row(
            str(run.run_id),
            run.trigger,
            _status(run.status),
            screen.time(run.started_at),
            seconds,
            *map(_count, counts),
        )
    screen.stdout.print(table if runs else "no runs yet")


def print_refusals(rows: Sequence[RefusedContact]) -> None:
    """Prints the contacts that a destination refused, with its reasons."""
    screen.print_rows("refused", rows, ("destination", "contact", "user_id", "http_status", "reason"))


def print_skipped(rows: Sequence[SkippedMember]) -> None:
    """Prints the members that are skipped, and why."""
    screen.print_rows("skipped now", rows, ("destination", "audience", "user_id", "email", "reason", "since"))


def _print_audiences(report: RunReport, *, whole: bool) -> None:
    shown = report.audiences if whole else _most_telling(report.audiences)
    if shown:
        screen.stdout.print(_audiences(shown))
    more = len(report.audiences) - len(shown)
    if more:
        screen.stdout.print(f"and {more:,} audiences that changed less: `syncer history {report.run_id}` lists all")


def _most_telling(audiences: Sequence[AudienceReport]) -> Sequence[AudienceReport]:
    """At most as many as `_MANY`, in their order."""

    def weight(audience: AudienceReport) -> tuple[bool, int]:
        return audience.problem is not None or audience.held > 0, audience.added + audience.removed

    most = {id(each) for each in heapq.nlargest(_MANY, audiences, key=weight)}
    return [audience for audience in audiences if id(audience) in most]


def _audiences(audiences: Sequence[AudienceReport]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("audience", "property"):
        table.add_column(heading, overflow="fold")
    for heading in ("members", "added", "removed"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for audience in audiences:
        notes = [audience.problem] if audience.problem else []
        notes += ["initial sync"] if audience.initial else []
        notes += [f"{audience.held:,} held"] if audience.held else []
        notes += [f"{audience.refreshed:,} refreshed"] if audience.refreshed else []
        table.add_row(
            screen.words(screen.cut(audience.name)),
            audience.property or "",
            _count(audience.members),
            _count(audience.added),
            _count(audience.removed),
            screen.words("; ".join(notes), style="yellow" if audience.problem else "dim"),
        )
    return table


def _print_destination(destination: DestinationReport) -> None:
    told = [f"{destination.succeeded:,} told"] if destination.status != "planned" else []
    told += [f"{destination.planned:,} to tell"] if destination.status == "planned" else []
    for count, word in (
        (destination.failed, "refused"),
        (destination.unknown, "unknown, told again next run"),
        (destination.aborted, "not sent"),
        (destination.requests, "requests"),
        (destination.retries, "retries"),
    ):
        told += [f"{count:,} {word}"] if count else []
    skipped = [f"{count:,} {reason}" for reason, count in destination.skipped.items()]
    told += [f"skipped: {', '.join(skipped)}"] if skipped else []
    screen.stdout.print(
        screen.words((destination.name, "bold"), " ", _status(destination.status), "  ", "; ".join(told))
    )
    if destination.error:
        screen.stdout.print(screen.words(f"  {destination.error}", style="red"))


def _status(status: str) -> Text:
    return screen.words(status, style=_COLOURS.get(status, ""))


def _span(report: RunReport) -> str:
    if report.finished_at is None:
        return f"since {screen.time(report.started_at)}"
    return f"{screen.time(report.started_at)}, {(report.finished_at - report.started_at).total_seconds():,.1f} s"


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
