"""A pytest plugin that writes down which tests reach which statement and which function: `-p tests.mutants.reached`.

`SYNCER_REACHED` names a folder; each process of pytest writes one file there, a JSON object a test:
`{"test": "tests/…::test_…", "seconds": 0.4, "reached": ["claim_pages", "syncer/planning/guard.py::judge"]}`.
A test that is there already is not run again, so that what was broken off goes on. The functions are those of the
packages that are mutated: they are marked when they are imported, which costs nothing elsewhere, as tracing would. What
a command in a process of its own reaches is not seen.
"""

import ast
import json
import os
import re
import sys
from collections.abc import Generator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import psycopg
import pytest

from syncer import sql
from tests.mutants.texts import MUTATED

_ROOT = Path(__file__).resolve().parent.parent.parent
_FOLDER = Path(os.environ["SYNCER_REACHED"])
_STATEMENT = re.compile(rb"/\* syncer:(\w+) \*/")
_names: set[str] = set()
"""What the test that runs now has reached, in all threads."""


class _Marked(SourceFileLoader):
    """Begins every function of a module with a call that says it was reached."""

    def get_code(self, fullname: str) -> CodeType:
        path = Path(self.path)
        return compile(marked(path.read_text(), str(path.relative_to(_ROOT))), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__reached__"] = _names.add
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds the modules that are mutated."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(tuple(MUTATED)):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Marked(fullname, spec.origin)
        return spec


def marked(text: str, path: str) -> ast.Module:
    """The module with its marks: `__reached__("path::Class.function")`, after the docstring."""
    module = ast.parse(text)

    def mark(nodes: Sequence[ast.stmt], around: str) -> None:
        for node in nodes:
            name = around
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = f"{around}.{node.name}".lstrip(".")
            mark([each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)], name)
            if isinstance(node, ast.FunctionDef):
                [call] = ast.parse(f"__reached__({f'{path}::{name}'!r})").body
                node.body.insert(ast.get_docstring(node) is not None, call)

    mark(module.body, "")
    return module


def pytest_configure() -> None:
    """Looks at every statement that leaves."""
    for owner, name in ((psycopg.Cursor, "execute"), (psycopg.Cursor, "copy"), (psycopg.Cursor, "executemany")):
        _look(owner, name)
    assert sql.query("show_backend").startswith("/* syncer:show_backend */"), "statements carry their names"


def _look(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    def looked(self: Any, query: Any, *arguments: Any, **more: Any) -> Any:
        text = query if isinstance(query, (str, bytes)) else query.as_bytes(self)
        _names.update(each.decode() for each in _STATEMENT.findall(text if isinstance(text, bytes) else text.encode()))
        return original(self, query, *arguments, **more)

    setattr(owner, name, looked)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is written down already."""
    known = {json.loads(line)["test"] for file in _FOLDER.glob("*.jsonl") for line in file.read_text().splitlines()}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in known])
    items[:] = [item for item in items if item.nodeid not in known]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Begins anew with each test."""
    _names.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Writes a test down once it has passed; fixtures that others share count for the first that asked."""
    report = yield
    if report.when == "call" and report.passed:
        reached = sorted(_names.copy())  # other threads go on
        line = {"test": item.nodeid, "seconds": round(report.duration, 3), "reached": reached}
        with (_FOLDER / f"{os.getpid()}.jsonl").open("a") as out:
            out.write(json.dumps(line) + "\n")
    return report


sys.meta_path.insert(0, _Finder())
