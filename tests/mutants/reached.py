"""A pytest plugin that writes down which tests reach which statement and which function: `-p tests.mutants.reached`.

`SYNCER_REACHED` names a folder; each process of pytest writes one file there, a JSON object a test:
`{"test": "tests/…::test_…", "seconds": 0.4, "reached": ["claim_pages", "syncer/planning/guard.py::judge"]}`.
What a command in a process of its own reaches is not seen.
"""

import json
import os
import re
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import psycopg
import pytest

from syncer import sql

_ROOT = Path(__file__).resolve().parent.parent.parent
_STATEMENT = re.compile(rb"/\* syncer:(\w+) \*/")


class Reached:
    """Collects what the test that runs now has reached, in all threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._names: set[str] = set()
        self._codes: set[CodeType] = set()

    def watch(self, frame: FrameType, _event: str, _argument: object) -> None:
        """A trace function that looks at calls only."""
        self._codes.add(frame.f_code)

    def statement(self, query: object) -> None:
        """A statement is about to be executed."""
        text = query if isinstance(query, bytes) else str(query).encode()
        self._names.update(name.decode() for name in _STATEMENT.findall(text))

    def begin(self) -> None:
        self._names.clear()
        self._codes.clear()

    def write(self, test: str, seconds: float) -> None:
        """Adds the line of one test."""
        functions = {
            f"{Path(code.co_filename).relative_to(_ROOT)}::{code.co_qualname.replace('.<locals>', '')}"
            for code in self._codes.copy()  # other threads go on
            if code.co_filename.startswith(f"{_ROOT}/syncer/")
        }
        line = {"test": test, "seconds": round(seconds, 3), "reached": sorted(self._names | functions)}
        with self._file.open("a") as out:
            out.write(json.dumps(line) + "\n")


_reached = Reached(Path(os.environ["SYNCER_REACHED"]) / f"{os.getpid()}.jsonl")


def pytest_configure() -> None:
    """Looks at every statement that leaves, and at every call."""
    for owner, name in ((psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"), (psycopg.Cursor, "executemany")):
        _look(owner, name)
    assert sql.query("show_backend").startswith("/* syncer:show_backend */"), "statements carry their names"


def _look(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    def looked(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
        _reached.statement(query if isinstance(query, (str, bytes)) else query.as_bytes(self))
        return original(self, query, *arguments, **more)

    setattr(owner, name, looked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Begins anew with each test."""
    _reached.begin()
    threading.settrace(_reached.watch)
    sys.settrace(_reached.watch)
    try:
        return (yield)
    finally:
        sys.settrace(None)
        threading.settrace(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Writes a test down once it has passed; fixtures that others share count for the first that asked."""
    report = yield
    if report.when == "call" and report.passed:
        _reached.write(item.nodeid, report.duration)
    return report
