"""What every warehouse needs: names of tables and columns, and the user's query.

Knows no driver and opens nothing.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from syncer import errors, models
from syncer.spelling import suggest

Item = TypeVar("Item")

_TABLE_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')

# Enough of SQL's grammar to tell a semicolon, a parenthesis or a comment from one inside a string.
_PLAIN = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"
_WITH_BACKSLASH = r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`[^`]*`"
_DOLLARS = r"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"
_REST = r"|(?P<blank>\s+|--[^\n]*|/\*.*?\*/{hash})|(?P<end>;)|(?P<opens>\()|(?P<closes>\))|(?P<word>[^\W\d]\w*)|."


def _reading(strings: str, *, dollars: bool = False, hashes: bool = False) -> re.Pattern[str]:
    rest = _REST.format(hash=r"|\#[^\n]*" if hashes else "")
    return re.compile(strings + (_DOLLARS if dollars else "") + rest, re.DOTALL)


_READINGS = (_reading(_PLAIN, dollars=True), _reading(_WITH_BACKSLASH, dollars=True))
"""A backslash may hide a quote, or be one like any other character."""

_OTHER_READINGS = tuple(
    _reading(strings, dollars=dollars, hashes=hashes)
    for strings in (_PLAIN, _WITH_BACKSLASH)
    for dollars in (False, True)
    for hashes in (False, True)
)
"""Of any dialect: dollars may quote, `#` may begin a comment."""
_CHANGING = ("insert", "update", "delete", "merge")
_DENIED = re.compile(r"denied|permission|privilege|forbidden", re.IGNORECASE)
_READS = re.compile(r"\(*\s*(select|with|values|table|from)\b", re.IGNORECASE)


class TablePart(NamedTuple):
    """One name of a dotted one; `quoted` if the configuration wrote it in double quotes."""

    name: str
    quoted: bool


class Columns(NamedTuple):
    """The real names of a source's columns; `traits` by column, with the name that each is sent under.

    A list of people may lack one of user id and email, whose name is empty then.
    """

    audience: str | None
    user_id: str
    email: str
    member: str | None
    value: str | None
    traits: Mapping[str, str]

    def present(self) -> list[str]:
        """Those that are read, in order."""
        plain = (self.audience, self.user_id, self.email, self.member, self.value)
        return [*(name for name in plain if name), *self.traits]


class ColumnsError(errors.WarehouseError):
    """Columns are missing or ambiguous; `problems` holds every sentence."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{path}: {'; '.join(problems)}")


def split_table(source: models.Source) -> list[TablePart]:
    """The parts of `schema.table`, split at dots outside double quotes."""
    text = source.table or ""
    parts, position = [], 0
    while match := _TABLE_PART.match(text, position):
        quoted, bare = match.groups()
        parts.append(TablePart(quoted.replace('""', '"') if quoted else bare, bool(quoted)))
        position = match.end()
        if position == len(text):
            return parts
        if text[position] != ".":
            break
        position += 1
    raise errors.WarehouseError(
        f"{source.path}: {text!r} is not a table name; write schema.table, "
        'with a part that holds dots or quotes as "in ""double"" quotes"'
    )


def statement(source: models.Source, *, alone: bool) -> str:
    """The query of `source` without the semicolons at its end and without what follows them.

    A comment at the end stays, so a statement that wraps the query must close it on a new line. `alone`: the database
    takes no second statement anyway. Then a query is refused only if it has several however its quotes are read;
    otherwise one reading is enough, since a second statement could write.
    """
    query = source.query or ""
    first, end, _ = _ends(query, _READINGS[0])
    if first is None or first >= end or not _READS.match(query, first):
        raise errors.WarehouseError(
            f"{source.path}: the query must start with SELECT or WITH; the warehouse is only ever read"
        )
    several = [_ends(query, token).several for token in (_READINGS if alone else _OTHER_READINGS)]
    if all(several) or (any(several) and not alone):
        raise errors.WarehouseError(
            f"{source.path}: the query holds several statements; write one, without a semicolon"
            + ("" if all(several) else ", also in strings that hold a backslash, a dollar or #")
        )
    if not alone and any(_writes(query, token) for token in _OTHER_READINGS):
        raise errors.WarehouseError(
            f"{source.path}: the query writes (INTO, or INSERT, UPDATE, DELETE, MERGE after WITH); the warehouse is"
            " only ever read"
        )
    return query[:end].strip()


class _Ends(NamedTuple):
    """Where the first word of a text stands, where its first statement ends, and whether another one follows.

    What closes a parenthesis that it did not open would end the statement that the query stands in.
    """

    first: int | None
    end: int
    several: bool = False


def _ends(query: str, token: re.Pattern[str]) -> _Ends:
    first, end, depth = None, len(query), 0
    for found in token.finditer(query):
        if found["end"]:
            end = min(end, found.start())
        elif not found["blank"]:
            depth += bool(found["opens"]) - bool(found["closes"])
            if end < found.start() or depth < 0:
                return _Ends(first, len(query), several=True)
            first = found.start() if first is None else first
    return _Ends(first, end)


def _writes(query: str, token: re.Pattern[str]) -> bool:
    """Whether one statement stores its result in a table or a file, or changes a table: not every database has
    transactions that refuse that."""
    first, depth = None, 0
    for found in token.finditer(query):
        depth += bool(found["opens"]) - bool(found["closes"])
        word = (found["word"] or "").lower()
        first = first or word
        if word == "into" or (first == "with" and depth == 0 and word in _CHANGING):
            return True
    return False


def question(query: str) -> models.Source:
    """`guard.ready`: read like any other query, but its result is one value and no members."""
    return models.Source(path="guard.ready", query=query, user_id="", email="")


def only_value(source: models.Source, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> object:
    """The one value of a question's result, as the driver gives it; None if there is no row."""
    if len(columns) != 1:
        found = f"{len(columns)} columns" + (f" ({', '.join(columns)})" if columns else "")
    elif len(rows) > 1:
        found = "more than one row"
    else:
        return rows[0][0] if rows else None
    raise errors.WarehouseError(
        f"{source.path}: the query gives {found}; write one that gives one row of one column, true or false"
    )


def pick_columns(source: models.Source, real: Sequence[str]) -> Columns:
    """Finds the configured columns among the real ones: by the exact name, or else by the name in any case."""
    problems: list[str] = []

    def pick(wanted: str, role: str) -> str:
        same = [name for name in real if name == wanted]
        found = same or [name for name in real if name.lower() == wanted.lower()]
        if len(found) == 1:
            return found[0]
        what = f'has no column "{wanted}" (for {role})'
        if found:
            what = f'has more than one column "{wanted}" (for {role}): {", ".join(found)}'
        near = [] if found else nearest(wanted, real) or list(real)[:5]
        problems.append(f"{name_of(source)} {what}" + (f"; nearest: {', '.join(near)}" if near else ""))
        return wanted

    def has(wanted: str, other: str) -> bool:
        """Whether to ask for a column: of a list of people one is enough."""
        lower = {name.lower() for name in real}
        return not source.either or wanted.lower() in lower or other.lower() not in lower

    columns = Columns(
        audience=None if source.audience is None else pick(source.audience, "audience"),
        user_id=pick(source.user_id, "user_id") if has(source.user_id, source.email) else "",
        email=pick(source.email, "email") if has(source.email, source.user_id) else "",
        member=None if source.member is None else pick(source.member, "member"),
        value=None if source.value is None else pick(source.value, "value"),
        traits={pick(column, "traits"): name for column, name in source.traits.items()},
    )
    if problems:
        raise ColumnsError(source.path, problems)
    return columns


def problem(path: str, failure: errors.WarehouseError) -> tuple[str, str]:
    """The error as a (path, message) for `syncer check`; its sentence starts with the path already."""
    where, separator, message = str(failure).partition(": ")
    return (where, message) if separator and " " not in where else (path, str(failure))


def problems_of(source: models.Source, failure: errors.WarehouseError) -> list[tuple[str, str]]:
    """Every (path, message) that the error of one source holds."""
    if isinstance(failure, ColumnsError):
        return [(source.path, message) for message in failure.problems]
    return [problem(source.path, failure)]


def name_of(source: models.Source) -> str:
    """What a message calls the source."""
    return f"table {source.table}" if source.table is not None else "the query's result"


def nearest(wanted: str, names: Iterable[str]) -> list[str]:
    """At most three names that look like `wanted`, best first."""
    return suggest(wanted, names, most=3, cutoff=0.5)


def refuse_rebuilt(names: Sequence[str]) -> None:
    """Raises unless there are no names: of tables that were rebuilt while they were read."""
    if names:
        raise errors.WarehouseError(
            f"the snapshot is not whole: {', '.join(names)} was rebuilt (truncated, swapped or rewritten) while it was"
            " read; nothing was sent, run it again"
        )


def no_table(source: models.Source, names: Iterable[str], reason: str | None = None) -> errors.WarehouseError:
    """The error for a table that is not there, or that this role cannot see; `reason` is what the database says."""
    near = nearest(source.table or "", names)
    return errors.WarehouseError(
        f"{source.path}: there is no table {source.table} that this user may see"
        + (f" ({reason})" if reason else "")
        + (f"; nearest: {', '.join(near)}" if near else "; name its schema too, or ask for the right to use it"),
        quoted=reason or "",
    )


def unreadable(source: models.Source, names: Sequence[str], failure: errors.WarehouseError) -> errors.WarehouseError:
    """The error for a table of which the database gives no columns; `names` are those that are listed beside it.

    One that is listed, or that somebody denies us, is there: then what the database says is all there is to say.
    """
    listed = {name.lower() for name in names}
    if not listed or (source.table or "").lower() in listed or _DENIED.search(failure.quoted or ""):
        return failure
    return no_table(source, names, failure.quoted)


class OneAtATime:
    """Lets a reading have one open stream, and no stream end early without an error.

    Some drivers (DuckDB's) end an open result silently when its connection runs another statement. The contacts in the
    rest of it would then be taken for contacts that left.
    """

    def __init__(self) -> None:
        self._open: Generator[Any, None, None] | None = None
        self._closed = False

    def check(self) -> None:
        """Raises if a stream is open, or if the reading is over."""
        if self._closed:
            raise errors.WarehouseError("the reading of the warehouse was closed before all of it was read")
        if self._open is not None:
            raise errors.WarehouseError("a stream of the warehouse was opened while another was still being read")

    def guard(self, rows: Generator[Item, None, None]) -> Iterator[Item]:
        """Hands over `rows`."""
        self.check()
        self._open = rows
        try:
            yield from rows
        finally:
            self._open = None
        self.check()

    def close(self) -> None:
        """Ends the open stream, if there is one."""
        self._closed = True
        if self._open is not None:
            self._open.close()
