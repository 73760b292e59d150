"""Reads the file and puts the environment and other files into its text values. Judges no key."""

import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from syncer import errors
from syncer.config import broken

Location = tuple[str | int, ...]
"""Where something is in the file: `("destinations", 1, "api_key")`."""

Finding = tuple[Location, str]
"""What is wrong there, not yet put into words for a user."""

REFERENCE = re.compile(r"\$\{(?:file:(?P<file>[^{}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*))\}")
_MAX_BYTES = 1 << 20
_DEEPEST = 50
_ANY_REFERENCE = re.compile(rf"{REFERENCE.pattern}|\$\{{")


def read(path: Path) -> dict[str, Any]:
    """The file as TOML sees it. Raises `ConfigError` if there is no such file or it is no TOML."""
    text = ""
    try:
        text = _read(path).decode("utf-8-sig")  # a byte order mark, as some editors leave it, is no part of it
        return _shallow(tomllib.loads(text))
    except FileNotFoundError:
        problem = "there is no such file; `syncer init` writes one, `--config` names another"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except _UnreadableError as error:
        problem = str(error)
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
    except (ValueError, RecursionError) as error:
        problem = f"is not TOML: {broken.said(text, str(error))}; `syncer init` writes an example"
    # Raised out here: the errors above hold the text and its secrets, which a traceback of theirs would print.
    raise errors.ConfigError([errors.Problem(str(path), problem)])


def _shallow(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree, unless it is deeper than whoever walks through it can go: a key of many dots needs no depth to read."""
    level: list[Any] = [tree]
    for _ in range(_DEEPEST):
        level = [below for node in level for below in _below(node)]
    if level:
        raise _UnreadableError(f"has tables in one another, more than {_DEEPEST} deep")
    return tree


def _below(node: Any) -> Iterable[Any]:
    match node:
        case dict():
            return node.values()
        case list():
            return node
    return ()


class _UnreadableError(Exception):
    """What has a name in the file system, and no content to be taken; says why."""


def _read(path: Path) -> bytes:
    """The bytes of a file. Of a device there may be no end, and a pipe waits for somebody who writes."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise _UnreadableError("is no ordinary file, but a folder, a pipe or a device")
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise _UnreadableError(f"is larger than {_MAX_BYTES >> 20} MB")
    return content


def expand(tree: Any, environ: Mapping[str, str], folder: Path) -> tuple[Any, list[Finding]]:
    """A copy of `tree` with every `${NAME}` and `${file:PATH}` in its text replaced, and what went wrong.

    Happens after parsing and once, so that no character of a password means anything. A text that cannot be
    expanded stays as it was written.
    """
    findings: list[Finding] = []

    def visit(node: Any, location: Location) -> Any:
        match node:
            case dict():
                return {key: visit(value, (*location, key)) for key, value in node.items()}
            case list():
                return [visit(value, (*location, index)) for index, value in enumerate(node)]
            case str():
                try:
                    return expand_text(node, environ, folder)
                except ValueError as error:
                    findings.append((location, str(error)))
        return node

    return visit(tree, ()), findings


def expand_text(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """`text` with its references replaced. Raises ValueError, naming the reference and never a value."""

    def replace(match: re.Match[str]) -> str:
        if match["name"]:
            return _sendable(_variable(match["name"], environ), match.group())
        if match["file"]:
            return _sendable(_content(match["file"], folder), match.group())
        raise ValueError("`${` must begin `${NAME}` or `${file:PATH}`, and nothing else may stand inside")

    return _ANY_REFERENCE.sub(replace, text)


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise ValueError(f"the environment variable {name} is not set; set it, or write the value here")
    return environ[name]


def _content(name: str, folder: Path) -> str:
    """The file without the newline that editors put at its end."""
    try:
        return _read(folder / name).decode().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"the file {folder / name} cannot be read: {error.strerror}") from None
    except _UnreadableError as error:
        raise ValueError(f"the file {folder / name} {error}") from None
    except ValueError:
        raise ValueError(f"the file {folder / name} is not UTF-8 text") from None


def _sendable(value: str, reference: str) -> str:
    """The environment may hold any bytes; what is no text would only fail later, in a place hard to find."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{reference} is not UTF-8 text") from None
    return value


def tables(node: Any, pattern: tuple[str, ...], location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Every table at `pattern`, such as `("destinations", "[]")`, with where it is. Skips what is no table."""
    match pattern, node:
        case (), dict():
            yield location, node
        case ("[]", *rest), list():
            for index, item in enumerate(node):
                yield from tables(item, tuple(rest), (*location, index))
        case (str(key), *rest), dict() if key in node:
            yield from tables(node[key], tuple(rest), (*location, key))
