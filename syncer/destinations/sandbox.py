"""Templates that can do nothing but fill in: Jinja, with what is let in named one by one.

A template comes from whoever configures; what is filled in comes from strangers. So where a value stands decides how it
is written, and no value decides where anything ends: in JSON it is JSON, inside of a text of JSON the text's own
characters, in a path and in a form percent-encoded, and a header holds no line end.

A template ends: it has no loops but over what is there, two deep, no recursion, no names of its own, and no arithmetic
on texts. No error says what was filled in.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from syncer.destinations.filters import (
    MOST_CHARACTERS,
    OWN_FILTERS,
    MistakeError,
    as_json,
    as_text,
    counted,
    joined,
)
from syncer.spelling import suggest

_DEEPEST_LOOP = 2
_LONGEST_PATH = 8000
"""What RFC 9110 (4.1) asks of everybody to take, and hardly anybody takes more."""

_NO_HEADER = "holds what no header can carry: line ends, control characters or others than ASCII"

_NODES = frozenset(
    """Template Output TemplateData If For Name Const Tuple List Dict Pair Keyword Getattr Getitem Slice Filter Test
    Call CondExpr And Or Not Compare Operand Concat Add Sub Mul Div FloorDiv Neg Pos""".split()
)
_SAID = {
    "Macro": "macro",
    "CallBlock": "call",
    "FilterBlock": "filter",
    "Assign": "set",
    "AssignBlock": "set",
    "With": "with",
    "FromImport": "import",
}
_FILTERS = frozenset(
    """abs capitalize d default dictsort first int items last length list lower max min sort title trim
    unique upper""".split()
)
_TESTS = frozenset(
    """boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable le lessthan lower
    lt mapping ne none number odd sequence string true undefined upper == != > >= < <=""".split()
)
_METHODS = frozenset(
    """endswith get items keys lower lstrip partition removeprefix removesuffix rpartition rsplit rstrip split
    startswith strip upper values""".split()
)
_NAMING = re.compile(r'([^"\\]*")?\s*:')
"""What follows a value that a key of JSON is made of."""
_QUOTE = re.compile(r'\\.|["\\]', re.DOTALL)
_NAMED = re.compile(r"'([^']*)'[^']*$")
_BYTE = re.compile(r"\(byte (\d+)\)")


class TemplateError(Exception):
    """A template cannot be filled in; says where and why, and nothing of what it was to be filled with."""


# --- how a value is written --------------------------------------------------------------------------------


def _marked_json(value: object) -> str:
    """Between NULs, which neither a template nor JSON holds: so what stands around it is told apart from it."""
    return f"\0{as_json(value)}\0"


def _marked_path(value: object) -> str:
    return f"\0{quote(as_text(value), safe='')}\0"


def _header(value: object) -> str:
    text = as_text(value)
    if not (text.isascii() and text.isprintable()):
        raise MistakeError(_NO_HEADER)
    return text


def _form(value: object) -> str:
    return quote_plus(as_text(value))


def _as_it_is(rendered: str) -> str:
    return rendered


def _whole_header(rendered: str) -> str:
    if rendered != rendered.strip():
        raise TemplateError("has blanks around it, which no header can have")
    if not (rendered.isascii() and rendered.isprintable()):
        raise TemplateError(_NO_HEADER)
    return rendered


def _whole_path(rendered: str) -> str:
    parts = rendered.split("\0")
    asked = next((place for place in range(0, len(parts), 2) if "?" in parts[place]), len(parts))
    if not all(parts[1:asked:2]):
        raise TemplateError("has an empty value in it, which would make it another path")
    path = "".join(parts)
    if not {".", ".."}.isdisjoint(path.partition("?")[0].split("/")):
        raise TemplateError("has a step that is . or .., which would make it another path")
    if len(path) > _LONGEST_PATH:
        message = f"is longer than {_LONGEST_PATH:,} characters, and servers take no such path"
        raise TemplateError(message)
    if not (path.isascii() and path.isprintable()) or " " in path or "#" in path:
        raise TemplateError("holds what no address can: percent-encode it")
    return path


def _whole_json(rendered: str) -> str:
    """The template alone says whether a value stands inside of a text: no value has a say in that."""
    parts = rendered.split("\0")
    inside = False
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = _inside(part) if inside else part
            continue
        for sign in _QUOTE.findall(part):
            if sign == "\\":
                raise TemplateError("has a backslash before a value")
            inside ^= sign == '"'
    whole = "".join(parts)
    if any(map(_NAMING.match, parts[2::2])):
        _check_keys(whole)
    try:
        msgspec.json.decode(whole)
    except (msgspec.DecodeError, RecursionError) as error:
        found = _BYTE.search(str(error))
        before = whole.encode()[: int(found[1])] if found else b""
        where = f", in line {before.count(10) + 1} of what it makes" if found else ""
        message = f"does not make JSON{where}; a value brings its own quotes, and a comma too many is a mistake there"
        raise TemplateError(message) from None
    return whole


def _check_keys(written: str) -> None:
    """Raises for a key that is there twice, one of them made of a value: receivers differ in which of them counts."""

    def once(pairs: list[tuple[str, object]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise TemplateError("has a key that is made of a value, and that the object has already")

    with suppress(ValueError, RecursionError):  # which is found elsewhere
        json.loads(written, object_pairs_hook=once)


def _inside(written: str) -> str:
    if written[0] == '"':
        return written[1:-1]
    if written[0] in "[{" or written == "null":
        raise TemplateError("has a map, a list or null inside of a text; take the quotes around it away")
    return written


# --- what a template may use -------------------------------------------------------------------------------


class _Environment(ImmutableSandboxedEnvironment):
    concat = staticmethod(joined)
    intercepted_binops = frozenset("+-*/") | {"//"}

    def __init__(self, finalize: Callable[[object], str]) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, finalize=finalize, keep_trailing_newline=True)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in _FILTERS} | OWN_FILTERS
        self.known_filters = sorted(self.filters)
        self.filters["(counted)"] = counted
        self.tests = {name: self.tests[name] for name in _TESTS}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) and (not callable(value) or attr in _METHODS)

    def wrap_str_format(self, value: Any) -> None:
        """A format may be as wide as it says: so there is none, as there is no other method that is not named."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, int | float) and isinstance(right, int | float)):
            for each in (left, right):
                if isinstance(each, Undefined):
                    str(each)
            raise MistakeError("calculates with what is no number; ~ puts texts together")
        return super().call_binop(context, operator, left, right)


class _Bounded(NodeTransformer):
    """What a template asks for, in a way that ends: loops count first, and `~` is a `join`."""

    def visit_For(self, loop: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(loop)
        loop.iter = nodes.Filter(loop.iter, "(counted)", [], [], None, None, lineno=loop.lineno)
        return loop

    def visit_Concat(self, concat: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(concat)
        texts = nodes.List(concat.nodes, lineno=concat.lineno)
        return nodes.Filter(texts, "join", [], [], None, None, lineno=concat.lineno)


class Form:
    """A place where templates stand: how each value is written there, and what the whole has to be."""

    def __init__(self, write: Callable[[object], str], finish: Callable[[str], str]) -> None:
        self.environment = _Environment(write)
        self.finish = finish


JSON = Form(_marked_json, _whole_json)
PATH = Form(_marked_path, _whole_path)
HEADER = Form(_header, _whole_header)
FORM = Form(_form, _as_it_is)


class Filling:
    """A template that was read and found fit. Raises `TemplateError` otherwise, with the line."""

    def __init__(self, source: str, form: Form, names: Collection[str]) -> None:
        self._source = source
        self._form = form
        if len(source) > MOST_CHARACTERS or "\0" in source:
            raise TemplateError("is too long, or holds a NUL character")
        environment = form.environment
        try:
            tree = environment.parse(source)
            _check(tree, names)
            code = environment.compile(_Bounded().visit(tree))
        except TemplateSyntaxError as error:
            raise TemplateError(f"line {error.lineno}: {_said(error, environment)}") from None
        except (RecursionError, SyntaxError, MemoryError):  # of Python, whose code a template becomes
            raise TemplateError("is too deep") from None
        except ValueError:  # of a number with thousands of digits
            raise TemplateError("has a number that is too long") from None
        filters = {used.name for used in tree.find_all(nodes.Filter)}
        self.uses = frozenset(filters.union(name.name for name in tree.find_all(nodes.Name)))
        self._template = Template.from_code(environment, code, environment.make_globals(None))

    def fill(self, told: Mapping[str, object]) -> str:
        """What the template makes of this object. Raises `TemplateError`."""
        try:
            rendered = self._template.render(told)
        except Exception as error:
            why, line = self._why(error), _line(error)
        else:
            return self._form.finish(rendered)
        raise TemplateError(f"line {line}: {why}" if line else why)

    def _why(self, error: Exception) -> str:
        """Only what the template says itself is repeated: a name may have been made of a value."""
        match error:
            case MistakeError():
                return f"a value {error}"
            case UndefinedError():
                named = _NAMED.search(str(error))
                name = repr(named[1]) if named and named[1] in self._source else "what it asks for"
                return f'{name} is not there; `| default("")` or `{{% if … is defined %}}` does without it'
            case SecurityError():
                return "asks for what no template may use"
        return f"fails with {type(error).__name__}"


def _line(error: Exception) -> int | None:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _said(error: TemplateSyntaxError, environment: _Environment) -> str:
    message = str(error.message)
    if message.startswith("No filter named 'tojson'"):
        return "needs no filter `tojson`: a value in JSON is written as JSON by itself"
    if message.startswith("No filter named"):
        return f"{message[:1].lower()}{message[1:].rstrip('.')}; there are {', '.join(environment.known_filters)}"
    return f"{message[:1].lower()}{message[1:].rstrip('.')}"


def _check(tree: nodes.Template, names: Collection[str]) -> None:
    known = {*names, *(each.name for each in tree.find_all(nodes.Name) if each.ctx == "store")}
    if tree.find(nodes.For):
        known.add("loop")
    for node in _all(tree):
        kind = type(node).__name__
        if kind not in _NODES:
            said = _SAID.get(kind, kind.lower())
            message = f"`{said}` may not be used in a template: only values, their filters, `if` and `for`"
            raise TemplateSyntaxError(message, node.lineno)
        if isinstance(node, nodes.Name) and node.name not in known:
            near: Sequence[str] = suggest(node.name, names)
            hint = f"did you mean {near[0]!r}?" if near else f"known here are {', '.join(sorted(names))}"
            raise TemplateSyntaxError(f"knows no {node.name!r}; {hint}", node.lineno)
        if isinstance(node, nodes.Filter) and node.name == "(counted)":
            raise TemplateSyntaxError("no filter named '(counted)'", node.lineno)
    _check_loops(tree, 0)


def _all(node: nodes.Node) -> Sequence[nodes.Node]:
    found: list[nodes.Node] = [node]
    for place in count():
        if place == len(found):
            return found
        found += found[place].iter_child_nodes()
    return found


def _check_loops(node: nodes.Node, depth: int) -> None:
    if isinstance(node, nodes.For):
        depth += 1
        if node.recursive or depth > _DEEPEST_LOOP:
            raise TemplateSyntaxError(f"loops are at most {_DEEPEST_LOOP} deep, and none is recursive", node.lineno)
    for child in node.iter_child_nodes():
        _check_loops(child, depth)
