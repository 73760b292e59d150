"""What commands print: tables and JSON on stdout, sentences on stderr.

Whatever others wrote reaches the terminal through `words`, `print_fields` or `print_json` only, which escape it.
"""

import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from syncer import errors
from syncer.escaping import escaped, escaped_json, escaped_lines
from syncer.masking import masked
from syncer.planning.forecast import Letter
from syncer.state.history import AudienceReport, DestinationReport, RefusedContact, RunReport, RunSummary, SkippedMember

_PIPE_WIDTH = 160
"""Columns where stdout is no terminal: wide enough that hardly a line is folded."""

_COLOURS = {
    "succeeded": "green",
    "planned": "cyan",
    "running": "cyan",
    "incomplete": "yellow",
    "held": "yellow",
    "interrupted": "yellow",
    "failed": "red",
}


def consoles() -> tuple[Console, Console]:
    """For stdout and stderr, fit for what these are now: a terminal or not."""
    width = None if sys.stdout is not None and sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, width=width), Console(stderr=True, highlight=False, soft_wrap=True)


stdout, stderr = consoles()


def words(*parts: str | Text | tuple[str, str], style: str = "") -> Text:
    """Texts in a row, each plain or with a style of its own, as they may be printed: see `escaping`."""
    shown: list[str | Text | tuple[str, str]] = []
    for part in parts:
        match part:
            case str():
                shown.append(escaped(part))
            case Text():
                shown.append(part)
            case (text, its_style):
                shown.append((escaped(text), its_style))
    return Text.assemble(*shown, style=style)


def say(sentence: str) -> None:
    """Prints a sentence for people."""
    stderr.print(words(sentence))


def complain(sentence: str) -> None:
    """Prints what is wrong, in a sentence."""
    stderr.print(words(("error: ", "bold red"), sentence))


def print_error(error: BaseException, *, verbose: bool) -> None:
    """Prints a sentence for an error of ours, the name of an unexpected one; if `verbose`, a traceback of both."""
    if verbose:
        # A plain one: rich prints the values of variables, which may be secret.
        stderr.print(Text(escaped_lines(masked("".join(traceback.format_exception(error))))))
    if isinstance(error, errors.ConfigError | errors.PlanMovedError):
        for problem in error.problems:
            complain(str(problem))
    elif isinstance(error, errors.SyncerError):
        complain(str(error))
    else:
        hint = "" if verbose else "; run it again as `syncer -v …` to see where it came from, and please report it"
        complain(f"unexpected {type(error).__name__}{hint}")


def print_json(data: object) -> None:
    """Prints one JSON document on one line."""
    print_document(msgspec.json.encode(data))


def print_document(document: bytes) -> None:
    """Prints JSON on one line, byte by byte, but for what is not printable: that is escaped as JSON does it."""
    stdout.file.write(escaped_json(document.decode(), stdout.encoding) + "\n")
    stdout.file.flush()


def print_letter(about: str, letter: Letter) -> None:
    """Prints a request: its head among the sentences, its body as a document."""
    say(about)
    for line in letter.head:
        say(line)
    if letter.body:
        print_document(letter.body)
    if letter.refused is not None:
        say(f"there is none: {letter.refused}")


def print_fields(*fields: str) -> None:
    """Prints a line for other programs: fields with tabs between them."""
    stdout.file.write("\t".join(map(escaped, fields)) + "\n")


def print_sql(text: str) -> None:
    """Prints SQL of ours, as it is."""
    stdout.file.write(text + "\n")


def print_report(report: RunReport, *, as_json: bool) -> None:
    """Prints a run: the contract's object, or the same in tables."""
    if as_json:
        print_json(report)
        return
    name = "plan" if report.run_id is None else f"run {report.run_id}"
    stdout.print(words((name, "bold"), " ", _status(report.status), f"  {_span(report)}"))
    if report.error:
        stdout.print(words(report.error, style="red"))
    if report.audiences:
        stdout.print(_audiences(report.audiences))
    for destination in report.destinations:
        _print_destination(destination)
    if report.deferred:
        stdout.print(
            f"{report.deferred:,} contacts wait for the next run: for time to tell them, or for another call before"
        )
    if report.calls_saved:
        stdout.print(f"{report.calls_saved:,} calls saved by telling several audiences in one")
    if report.rolls_back_run_id is not None:
        stdout.print(f"it sent nothing: it holds what takes run {report.rolls_back_run_id} back")
    if report.read == "changes":
        stdout.print(f"the warehouse found what changed itself: {report.read_rows:,} rows were read")
    elif report.read_because:
        stdout.print(f"everything was read, {report.read_rows:,} rows: {report.read_because}")


def print_runs(runs: Sequence[RunSummary], *, as_json: bool) -> None:
    """Prints runs, in this order."""
    if as_json:
        print_json(runs)
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
            str(run.run_id), run.trigger, _status(run.status), _time(run.started_at), seconds, *map(_count, counts)
        )
    stdout.print(table if runs else "no runs yet")


def print_refusals(rows: Sequence[RefusedContact]) -> None:
    """Prints the contacts that a destination refused, with its reasons."""
    print_rows("refused", rows, ("destination", "contact", "user_id", "http_status", "reason"))


def print_skipped(rows: Sequence[SkippedMember]) -> None:
    """Prints the members that are skipped, and why."""
    print_rows("skipped now", rows, ("destination", "audience", "user_id", "email", "reason", "since"))


def print_rows(title: str, rows: Sequence[object], columns: Sequence[str]) -> None:
    """These attributes of rows under a title, if there are any."""
    print_table(title, [{column: getattr(row, column) for column in columns} for row in rows], columns)


def print_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows under a title, if there are any."""
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(words(_cell(row[column])) for column in columns))
    stdout.print(table)


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
            words(_cut(audience.name)),
            audience.property or "",
            _count(audience.members),
            _count(audience.added),
            _count(audience.removed),
            words("; ".join(notes), style="yellow" if audience.problem else "dim"),
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
    stdout.print(words((destination.name, "bold"), " ", _status(destination.status), "  ", "; ".join(told)))
    if destination.error:
        stdout.print(words(f"  {destination.error}", style="red"))


def _status(status: str) -> Text:
    return words(status, style=_COLOURS.get(status, ""))


def _span(report: RunReport) -> str:
    if report.finished_at is None:
        return f"since {_time(report.started_at)}"
    return f"{_time(report.started_at)}, {(report.finished_at - report.started_at).total_seconds():,.1f} s"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _cut(name: str) -> str:
    return name if len(name) <= 80 else name[:79] + "…"


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else _cut(str(value))
