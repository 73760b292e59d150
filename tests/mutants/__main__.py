"""`python -m tests.mutants`: makes mutants, runs the tests that reach them, and prints who survived.

python -m tests.mutants --work W                    first what reaches what (once, some ten minutes), then 100 of them
python -m tests.mutants --work W --sample 0         all, for a night
python -m tests.mutants --work W --only claim_pages all of a statement, or of a file
python -m tests.mutants --work W --tests tests/unit these tests are asked, not all; more may be asked the next time
"""

import argparse
import ast
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants import texts

_ROOT = Path(__file__).resolve().parent.parent.parent

_STATEMENTS = ("planning", "state/accounts", "state/audiences", "state/pages", "state/runs")

_WENT_THROUGH = (0, 1, 5)
"""What pytest ends with: a test that fails sees nothing, the others are asked; or no test was left to run."""

_BUDGET_SECONDS = 60.0
"""As many tests as pass in this time; one always."""

_LIMIT_SECONDS = 3600.0
"""For all of them: a test that hangs ends much earlier (`timeout` in pyproject.toml), and a busy machine is no hang."""


@dataclass(frozen=True)
class Place:
    """A mutant of one file. `key` is what a test has to reach: a statement's name, or a file and a function."""

    path: str
    key: str
    line: int
    mutant: texts.Mutant

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.mutant.before!r} -> {self.mutant.after!r}"


@dataclass(frozen=True)
class Test:
    """A test that passes, and how long it takes."""

    name: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 if any mutant survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="a folder for copies and for what reaches what")
    parser.add_argument("--sample", type=int, default=100, help="how many mutants; 0: all")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", default="", help="only files whose path contains this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tests", nargs="*", default=[], help="files and folders of tests, if not all are to be asked")
    asked = parser.parse_args(arguments)
    tests = reaching(asked.work / "reached", asked.tests)
    chosen = sampled([place for place in places() if asked.only in place.path], asked.sample, asked.seed)
    survivors = run(asked.work, chosen, tests, asked.jobs)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants were seen")
    print("".join(f"survived: {place}\n" for place in survivors), end="")
    return 1 if survivors else 0


def places() -> Iterator[Place]:
    """Every mutant that there is, by path and place."""
    for folder in _STATEMENTS:
        for file in sorted((_ROOT / "sql/queries" / folder).rglob("*.sql")):
            yield from _of(file, texts.of_statement)
    for package in texts.MUTATED:
        for file in sorted((_ROOT / package.replace(".", "/")).glob("*.py")):
            yield from _of(file, texts.of_module)


def _of(file: Path, mutants: Callable[[str], Iterator[texts.Mutant]]) -> Iterator[Place]:
    text = file.read_text()
    path = str(file.relative_to(_ROOT))
    for mutant in mutants(text):
        line = text.count("\n", 0, mutant.start) + 1
        key = file.stem if file.suffix == ".sql" else f"{path}::{_function(text, line)}"
        yield Place(path, key, line, mutant)


def _function(text: str, line: int) -> str:
    """The qualified name of the innermost function around a line, as `co_qualname` has it, without `<locals>`."""
    names: list[str] = []
    inside: list[ast.stmt] = ast.parse(text).body
    while around := next((node for node in inside if node.lineno <= line <= (node.end_lineno or 0)), None):
        if isinstance(around, (ast.FunctionDef, ast.ClassDef)):
            names.append(around.name)
        inside = [node for node in ast.walk(around) if isinstance(node, ast.stmt) and node is not around]
    return ".".join(names)


def sampled(found: Sequence[Place], count: int, seed: int) -> list[Place]:
    """This many of them, by chance but the same for a seed, in their order."""
    if not 0 < count < len(found):
        return list(found)
    return [found[index] for index in sorted(random.Random(seed).sample(range(len(found)), count))]


def reaching(folder: Path, asked: Sequence[str]) -> Mapping[str, list[Test]]:
    """Which tests reach each key: the quickest of each file, then the second of each, and so on, for those of a file
    are alike. Runs those once that the folder does not remember."""
    folder.mkdir(parents=True, exist_ok=True)
    pytest = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "auto", "-p", "tests.mutants.reached", *asked],
        cwd=_ROOT,
        env={**os.environ, "SYNCER_REACHED": str(folder.resolve()), "PYTHONPATH": str(_ROOT)},
        check=False,
    )
    if pytest.returncode not in _WENT_THROUGH:
        raise SystemExit(pytest.returncode)
    tests: dict[str, list[Test]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in map(json.loads, file.read_text().splitlines()):
            for key in line["reached"]:
                tests.setdefault(key, []).append(Test(line["test"], line["seconds"]))
    return {key: _mixed(found) for key, found in tests.items()}


def _mixed(tests: Sequence[Test]) -> list[Test]:
    rank: Counter[str] = Counter()
    ranked = []
    for test in sorted(tests, key=lambda test: (test.seconds, test.name)):
        file = test.name.partition("::")[0]
        ranked.append((rank[file], test.seconds, test))
        rank[file] += 1
    return [test for _, _, test in sorted(ranked, key=lambda each: each[:2])]


def run(work: Path, chosen: Iterable[Place], tests: Mapping[str, list[Test]], jobs: int) -> list[Place]:
    """Those that no test saw, told as they come."""
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(jobs):
        copies.put(_copy(work / f"copy-{number}"))

    def seen(place: Place) -> bool:
        copy = copies.get()
        try:
            outcome = _outcome(copy, place, _affordable(tests.get(place.key, [])))
        finally:
            copies.put(copy)
        print(f"{outcome:9} {place}", flush=True)
        return outcome in {"seen", "hangs"}

    listed = list(chosen)
    with ThreadPoolExecutor(jobs) as pool:
        return [place for place, was_seen in zip(listed, pool.map(seen, listed), strict=True) if not was_seen]


def _copy(folder: Path) -> Path:
    """The checkout as it is, with what is not committed yet."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (_ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(_ROOT / name, folder / name)
    return folder


def _affordable(tests: Sequence[Test]) -> list[str]:
    sums = itertools.accumulate(test.seconds for test in tests)
    return [test.name for test, total in zip(tests, sums, strict=True) if total <= _BUDGET_SECONDS] or [
        test.name for test in tests[:1]
    ]


def _outcome(copy: Path, place: Place, tests: Sequence[str]) -> str:
    if not tests:
        return "unreached"
    file = copy / place.path
    text = (_ROOT / place.path).read_text()
    file.write_text(place.mutant.applied(text))
    try:
        return _tested(copy, tests)
    finally:
        file.write_text(text)


def _tested(copy: Path, tests: Sequence[str]) -> str:
    pytest = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        code = pytest.wait(_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        return "hangs"
    finally:
        if pytest.poll() is None:
            os.killpg(pytest.pid, signal.SIGKILL)
            pytest.wait()
    return "survived" if code == 0 else "seen"


if __name__ == "__main__":
    sys.exit(main())
