"""Loads statements by name from `sql/`: one statement a file, the file's name is the statement's name.

Knows where the files are; neither executes them nor puts values into them.
"""

import functools
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import LiteralString

from syncer import errors


def packaged(name: str, checkout_name: str) -> Traversable:
    """A file or folder that ships inside the wheel as `syncer/<name>` and lies at the top of a checkout.

    Packaged first: a stray folder beside site-packages must never win.
    """
    inside = resources.files("syncer") / name
    if inside.is_dir() or inside.is_file():
        return inside
    beside = Path(__file__).resolve().parent.parent / checkout_name
    if beside.exists():
        return beside
    raise errors.SyncerError(
        f"this installation is broken: neither {inside} nor {beside} exists; install engage-syncer again"
    )


@functools.cache
def query(name: str) -> LiteralString:
    """The text of the statement `name`, with a leading comment by which pg_stat_activity shows the name.

    It lies in `sql/queries`, in the folder of the module that executes it; every name is there once.
    """
    return f"/* syncer:{name} */\n{_statements()[name].read_text(encoding='utf-8')}"


@functools.cache
def _statements() -> dict[str, Traversable]:
    return dict(_found(packaged("_sql", "sql") / "queries"))


def _found(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _found(entry)
        elif entry.name.endswith(".sql"):
            yield entry.name.removesuffix(".sql"), entry


@functools.cache
def migrations() -> tuple[tuple[int, str, LiteralString], ...]:
    """Every migration as (number, name, text), in order."""
    folder = packaged("_sql", "sql") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=_name)
    return tuple((int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files)


def _name(file: Traversable) -> str:
    return file.name
