r"""Texts that others write (names, emails, receivers' and databases' words), fit for terminals, logs and mails.

Such a text may move the cursor, set a window's title or the clipboard, hide a link, turn the direction of reading, or
begin a line that we never wrote. So whatever is not printable is shown as its escape: `\n`, `\x1b`, `\u202e`.
"""

import codecs
import json
import re

_WITHIN_JSON = re.compile(r"[^ -~]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A table program takes a cell that begins so for a formula."""


def escaped(text: str) -> str:
    """The text on one line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def escaped_lines(text: str) -> str:
    """A text of several lines, such as a traceback: its lines stay, all of them set in from the margin."""
    return "\n".join(f"  {escaped(line)}" for line in text.splitlines())


def escaped_cell(text: str) -> str:
    """The text as the cell of a table (CSV) that people open in a table program."""
    return f"'{escaped(text)}" if text.startswith(_FORMULA) else escaped(text)


def escaped_json(document: str, encoding: str = "utf-8") -> str:
    """The same JSON, on one line, without what is not printable; in ASCII if the encoding is not UTF-8."""
    as_it_is = codecs.lookup(encoding).name == "utf-8"

    def replace(match: re.Match[str]) -> str:
        c = match.group()
        return c if as_it_is and c.isprintable() else json.dumps(c)[1:-1]

    return document if document.isascii() and document.isprintable() else _WITHIN_JSON.sub(replace, document)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
