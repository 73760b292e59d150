"""How the story of `syncer demo` looks: chapters, sentences, tables, statements and commands, on one console.

Fits 80 columns, and is as readable in a pipe as on a terminal. Knows nothing of the story.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

_WIDTH = 92  # longer lines are hard to read
_INDENT = 2


class Page:
    """Writes from top to bottom. Signs that the console's encoding lacks are replaced by plain ones."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _WIDTH)
        plain = not console.encoding.lower().startswith("utf")
        self._good, self._bad, self._times = ("ok", "!!", "x") if plain else ("✓", "✗", "×")  # noqa: RUF001
        self._chapters = 0
        self._in_gap = False

    def title(self, text: str) -> None:
        """The heading of the whole page."""
        self._print(Rule(Text(text, "bold"), style="cyan"))

    def chapter(self, title: str) -> None:
        """The heading of the next part, numbered."""
        self._chapters += 1
        self.gap()
        self._print(Rule(Text(f"{self._chapters}  {title}", "bold cyan"), align="left", style="dim"))

    def say(self, text: str) -> None:
        """A paragraph."""
        self._print(Text(text))

    def gap(self) -> None:
        """An empty line, unless there is one."""
        if not self._in_gap:
            self._print(Text())
        self._in_gap = True

    def product(self, *factors: str) -> str:
        """Several counts with a multiplication sign between them."""
        return f" {self._times} ".join(factors)

    def good(self, text: str) -> None:
        """A finding that is as it should be."""
        self._print(self._marked(self._good, text, "green"))

    def bad(self, text: str) -> None:
        """A finding that is not as it should be."""
        self._print(self._marked(self._bad, text, "bold red"))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table; numbers are aligned to the right."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for index, heading in enumerate(headings):
            numbers = all(isinstance(row[index], int | Decimal | timedelta | None) for row in rows)
            table.add_column(heading, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        self._indented(table)

    def quote(self, text: str) -> None:
        """SQL or JSON, as it was run or sent."""
        self._indented(Text(text, "cyan"))

    def commands(self, *lines: tuple[str, str]) -> None:
        """Commands to type, each with what it does."""
        table = Table.grid(padding=(0, 3, 0, 0))
        for command, meaning in lines:
            table.add_row(Text(command, "bold"), Text(meaning, "dim"))
        self._indented(table)

    def line(self, command: str) -> None:
        """A command that may be longer than a line: it is not folded, so that it can be copied."""
        self.gap()
        self._console.print(Text(" " * _INDENT + command, "bold"), soft_wrap=True)
        self._in_gap = False
        self.gap()

    def _marked(self, mark: str, text: str, style: str) -> RenderableType:
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(Text(mark, style), Text(text, style))
        return line

    def _indented(self, item: RenderableType) -> None:
        self.gap()
        self._print(Padding(item, (0, 0, 0, _INDENT), expand=False))
        self.gap()

    def _print(self, item: RenderableType) -> None:
        self._in_gap = False
        if self._console.is_terminal:
            self._console.print(item, width=self._width)
            return
        with self._console.capture() as capture:
            self._console.print(item, width=self._width)
        for line in capture.get().splitlines():  # rich fills every line up with blanks
            self._console.file.write(line.rstrip() + "\n")
        self._console.file.flush()


def counted(number: int, thing: str, things: str | None = None) -> str:
    """`1 order`, `2,000 orders`, `1 address`, `2 addresses`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | Decimal():
            return f"{value:,}"
        case timedelta():
            return f"{value.total_seconds():.1f} s"
    return str(value)
