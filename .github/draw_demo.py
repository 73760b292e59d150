"""Draws demo.svg, the screen of `syncer demo` that README.md shows: .venv/bin/python .github/draw_demo.py

Tells the demo's story to a console that records it, and keeps the chapters between two headings.
"""

import contextlib
import io
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from syncer.demo import story
from syncer.stopping import Stop

FIRST, AFTER_LAST = "  A week passes ", "the next sync has nothing to undo."
WIDTH = 92
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Unwatched:
    """A progress that shows nothing; on a terminal the bars vanish as well when a run has ended."""

    def phase(self, name: str) -> None: ...
    def planned(self, destination: str, identifies: int) -> None: ...
    def sent(self, destination: str, identifies: int) -> None: ...


def told() -> list[str]:
    """The lines of the whole story, with their colours."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH, record=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        story.tell(
            Path("syncer-demo"),
            customers=3000,
            seed=7,
            stay=None,
            console=console,
            watching=lambda: contextlib.nullcontext(Unwatched()),
            stop=Stop(),
        )
    return console.export_text(styles=True).splitlines()


def drawn(lines: list[str]) -> str:
    """The lines as a picture that loads no font from elsewhere."""
    console = Console(file=io.StringIO(), width=WIDTH, record=True)
    for line in lines:
        console.print(Text.from_ansi(line), overflow="ignore", no_wrap=True, crop=False)
    svg = console.export_svg(title="syncer demo", unique_id="demo")
    head, _, rest = svg.partition("@font-face")
    _, _, tail = rest.rpartition("@font-face")
    return (head + tail.partition("}")[2]).replace("Fira Code, monospace", FONTS)


lines = told()
plain = [Text.from_ansi(line).plain for line in lines]
first = next(number for number, line in enumerate(plain) if FIRST in line)
last = next(number for number, line in enumerate(plain) if AFTER_LAST in line)
Path(__file__).with_name("demo.svg").write_text(drawn([*lines[first : last + 1], ""]), encoding="utf-8")
