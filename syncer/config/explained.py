"""What `config.example.toml` says of every table and key: it is the documentation, also for editors.

Its paragraphs are comments, then a header or keys; what stands before the keys is about them. A paragraph of comments
alone, the beginning of a section too, is about the header that comes next. A test holds the example to all of this.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncer.sql import packaged

_HEADER = re.compile(r"(?:# )?\[\[?(?P<place>[a-z_.]+)\]\]?")
_KEY = re.compile(r"(?:# )?(?P<key>[a-z_]+) = (?P<value>.+)")
_RULE = re.compile(r"# ?-{20,}.*")
_LEAD = re.compile(r"\s*(Examples?( for [^.:]*)?|Required\. Examples?):$")
"""What leads to the line below, which an editor does not show."""


@dataclass(slots=True)
class Words:
    """`tables` by their place (`warehouse.membership`); `keys` by the place of their table, too. The tables of
    destinations have the place `destinations.<type>`, and what is told only once stands with the first of them."""

    tables: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)


def words() -> Words:
    """All of it."""
    text = packaged("_config.example.toml", "config.example.toml").read_text(encoding="utf-8")
    found, place, before = Words(), "", ""
    for comment, code in _paragraphs(text):
        keys = [match for line in code if (match := _KEY.fullmatch(line))]
        for line in code:
            if header := _HEADER.fullmatch(line):
                place = header["place"] if header["place"] != "destinations" else "destinations.segment"
                found.tables.setdefault(place, comment or before)
                found.tables.setdefault(header["place"], comment or before)
        for match in keys:
            if place.startswith("destinations.") and match["key"] == "type":
                place = f"destinations.{match['value'].strip(chr(34))}"
                found.tables.setdefault(place, before)
        for match in keys:
            if comment:
                found.keys.setdefault((place, match["key"]), comment)
        before = before if code else comment
    return found


def _paragraphs(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each with its comment, in one line, and what comes from the first header or key on."""
    for paragraph in re.split(r"\n\n+", text):
        lines = [line for line in paragraph.splitlines() if not _RULE.fullmatch(line)]
        first = next(
            (at for at, line in enumerate(lines) if _HEADER.fullmatch(line) or _KEY.fullmatch(line)), len(lines)
        )
        comment = " ".join(line.removeprefix("#").strip() for line in lines[:first])
        yield _LEAD.sub("", comment).strip(), lines[first:]
