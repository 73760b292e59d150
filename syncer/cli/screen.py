"""What commands print: tables and JSON on stdout, sentences on stderr.

Whatever others wrote reaches the terminal through `words`, `print_fields` or `print_json` only, which escape it.
"""

import os
import re
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

_PIPE_WIDTH = 160
"""Columns where stdout is no terminal: wide enough that hardly a line is folded."""


_SIZE = re.compile("[1-9][0-9]{0,3}")
"""Of a terminal, as the environment may say it."""


def consoles() -> tuple[Console, Console]:
    """For stdout and stderr, fit for what these are now: a terminal or not. Takes out of the environment a size that no
    terminal has."""
    for size in ("COLUMNS", "LINES"):
        if not _SIZE.fullmatch(os.environ.get(size, "1")):
            del os.environ[size]  # Rich would end with an error that is none of ours: it takes any digits for a number
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


def print_fields(*fields: str) -> None:
    """Prints a line for other programs: fields with tabs between them."""
    stdout.file.write("\t".join(map(escaped, fields)) + "\n")


def print_sql(text: str) -> None:
    """Prints SQL of ours, as it is."""
    stdout.file.write(text + "\n")


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


def time(at: datetime) -> str:
    """A moment for people."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def cut(name: str) -> str:
    """A name that is not too long for a table."""
    return name if len(name) <= 80 else name[:79] + "…"


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else cut(str(value))
