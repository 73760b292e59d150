"""What is said of a line that is no TOML. It may hold a secret, also in a place where none belongs.

So nothing is shown but what is known to be none: the name of a table or key of ours, and one bare word as the value of
a key that keeps no secret. What is in quotes, brackets or braces, and whatever comes after, is an ellipsis.
"""

import functools
import re

from syncer.config.known import keys_of, secret_keys, tables

_PLACE = re.compile(r"\(at line (?P<line>\d+), column \d+\)")
_AT_THE_END = "(at end of document)"
_NAMING = re.compile(
    r"(Duplicate inline table key|Cannot declare|Cannot mutate immutable namespace|Cannot redefine namespace)"
    r" .*?( twice)?(?= \(at)"
)
"""Complaints that hold a name, which may be a secret in a table of headers."""
_HEADER = re.compile(r"\s*(?P<opening>\[\[?)\s*(?P<name>[\w.]+)(?P<rest>.*)")
_ASSIGNMENT = re.compile(r"\s*(?P<key>[\w.]+)\s*(?P<sign>=?)\s*(?P<value>.*)")
_WORD = re.compile(r"[\w.:+-]{1,30}(?=\s|$)", re.ASCII)
_TOO_LONG = re.compile("[0-9][0-9_]{4300,}")
"""More digits than Python reads as a number; `tomllib` leaves that to it, and does not say where."""
_MANY_LINES = ('"""', "'''")


def said(text: str, complaint: str) -> str:
    """What `tomllib` complains of in this text, with line and column, and what may be shown of the line."""
    lines = text.split("\n")
    end = f"(at line {len(lines)}, column {len(lines[-1]) + 1})"
    words = _NAMING.sub(r"\1\2", complaint).replace(_AT_THE_END, end)
    words = words[:1].lower() + words[1:]
    if complaint.startswith("Exceeds the limit") and (number := _TOO_LONG.search(text)):
        before = text[: number.start()].split("\n")
        words = f"a number of {len(number.group())} digits (at line {len(before)}, column {len(before[-1]) + 1})"
    place = _PLACE.search(words)
    if place is None:
        return words
    before, line = lines[: int(place["line"]) - 1], lines[int(place["line"]) - 1]
    if any("\n".join(before).count(quotes) % 2 for quotes in _MANY_LINES):
        return words
    shown = _shown(line, next((each for each in reversed(before) if each.lstrip().startswith("[")), ""))
    return words if shown is None else f"{words}: `{shown}`"


def _shown(line: str, last_header: str) -> str | None:
    if header := _HEADER.match(line):
        rest = header["rest"].strip()
        closing = rest if rest in ("", "]", "]]") else " …"
        return f"{header['opening']}{header['name']}{closing}" if _is_ours(header["name"]) else None
    assignment, table = _ASSIGNMENT.match(line), _HEADER.match(last_header)
    if assignment is None or not _is_ours(assignment["key"]) or (table and not _is_ours(table["name"])):
        return None
    said = f"{assignment['key']} {assignment['sign']}".strip()
    steps = {*assignment["key"].split("."), *(table["name"].split(".") if table else ())}
    word = _WORD.match(assignment["value"])
    if word is None or steps & _secret_keys() or not assignment["sign"]:
        return f"{said} …" if assignment["value"] else said
    return f"{said} {word.group()}" + (" …" if assignment["value"][word.end() :].strip() else "")


def _is_ours(name: str) -> bool:
    return _known_keys().issuperset(name.split("."))


@functools.cache
def _known_keys() -> frozenset[str]:
    return frozenset(key for _, table in tables() for key in keys_of(table))


@functools.cache
def _secret_keys() -> frozenset[str]:
    return frozenset(secret_keys())
