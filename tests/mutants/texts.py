"""What can be broken in a text: the mutants of one SQL statement, or of one Python module."""

import ast
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MUTATED: Final = ("syncer.planning", "syncer.delivery")
"""The packages whose modules are."""


@dataclass(frozen=True)
class Mutant:
    """One change of one text: what stands from `start` to `end` (characters) is replaced by `after`."""

    start: int
    end: int
    before: str
    after: str

    def applied(self, text: str) -> str:
        """The text with this change."""
        assert text[self.start : self.end] == self.before, "the text is another one"
        return text[: self.start] + self.after + text[self.end :]


_FLIPS: Final[Mapping[str, str]] = {
    "=": "<>",
    "<>": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "AND": "OR",
    "OR": "AND",
    "IS NULL": "IS NOT NULL",
    "IS NOT NULL": "IS NULL",
    "IS DISTINCT FROM": "IS NOT DISTINCT FROM",
    "IS NOT DISTINCT FROM": "IS DISTINCT FROM",
    "NOT EXISTS": "EXISTS",
    "EXISTS": "NOT EXISTS",
    "NOT IN": "IN",
    "NOT": "",
    "LEFT JOIN": "JOIN",
    "BOOL_OR": "bool_and",
    "BOOL_AND": "bool_or",
    "MIN": "max",
    "MAX": "min",
    "LEAST": "greatest",
    "GREATEST": "least",
    "DISTINCT": "",
}
"""In SQL: what each predicate, connective or choice becomes. `NOT` and `DISTINCT` go."""

_QUIET = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)
_WORDS = re.compile(
    r"<>|<=|>=|(?<![-<>=!@#|&~:])[=<>](?![-<>=@|&~])"
    r"|\b(?:IS NOT DISTINCT FROM|IS DISTINCT FROM|IS NOT NULL|IS NULL|NOT EXISTS|NOT IN|LEFT JOIN)\b"
    r"|\b(?:EXISTS|NOT|AND|OR|DISTINCT)\b(?! ON\b| FROM\b)|\b(?:bool_or|bool_and|min|max|least|greatest)(?=\()",
)
_CLAUSE = re.compile(r"\b(SET|WHERE|FROM|RETURNING|WHEN|VALUES|SELECT)\b|[()]")
_BETWEEN = re.compile(r"\bBETWEEN\b[^()]*?$", re.DOTALL)


def of_statement(text: str) -> Iterator[Mutant]:
    """The mutants of an SQL statement. Comments and texts in quotes stay, and so does what is assigned in `SET`."""
    blank = _QUIET.sub(lambda found: " " * len(found.group()), text)
    for found in _WORDS.finditer(blank):
        before = found.group()
        if before == "=" and _assigns(blank[: found.start()]):
            continue
        if before == "AND" and _BETWEEN.search(blank[: found.start()].rpartition("AND")[2]):
            continue
        yield Mutant(found.start(), found.end(), before, _FLIPS[before.upper()])


def _assigns(before: str) -> bool:
    """Whether an equals sign after this text assigns: the last clause that is open at its depth is `SET`."""
    clauses = [""]
    for found in _CLAUSE.finditer(before):
        if found.group() == "(":
            clauses.append("")
        elif found.group() == ")":
            clauses = clauses[:-1] or [""]
        else:
            clauses[-1] = found.group()
    return clauses[-1] == "SET"


_COMPARED: Final[Mapping[type[ast.cmpop], tuple[str, str]]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", ">="),
    ast.LtE: ("<=", ">"),
    ast.Gt: (">", "<="),
    ast.GtE: (">=", "<"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}


class _Module:
    """A module's text, in which the places of its syntax tree (lines, bytes) are found as characters."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines(keepends=True)
        self._starts = [0, *itertools.accumulate(map(len, self._lines))]

    def begin(self, node: ast.expr) -> int:
        return self._place(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None
        return self._place(node.end_lineno, node.end_col_offset or 0)

    def between(self, left: ast.expr, right: ast.expr, before: str, after: str) -> Mutant:
        """The operator that stands between two operands, which may stand in brackets."""
        start = self._text.index(before, self.end(left), self.begin(right))
        return Mutant(start, start + len(before), before, after)

    def negated(self, test: ast.expr) -> Mutant:
        return Mutant(self.begin(test), self.begin(test), "", "not ")

    def affirmed(self, node: ast.UnaryOp) -> Mutant:
        start, end = self.begin(node), self.begin(node.operand)
        return Mutant(start, end, self._text[start:end], "")

    def _place(self, row: int, column: int) -> int:
        return self._starts[row - 1] + len(self._lines[row - 1].encode()[:column].decode())


def of_module(text: str) -> Iterator[Mutant]:
    """The mutants of a Python module: comparisons, connectives, negations, and conditions without any of these."""
    module = _Module(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
                yield module.between(left, right, *_COMPARED[type(operator)])
        elif isinstance(node, ast.BoolOp):
            before, after = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            for left, right in itertools.pairwise(node.values):
                yield module.between(left, right, before, after)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield module.affirmed(node)
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)) and isinstance(node.test, _PLAIN):
            yield module.negated(node.test)


_PLAIN = (ast.Name, ast.Attribute, ast.Call)
