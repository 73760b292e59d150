"""How PostgreSQL itself turns the columns of a source into what is read of a member: texts, a yes or no, JSON.

SQL for each column by its type and its part, so that no row passes through Python. The rules are those of `text`, which
does the same with the values of every other driver; the table of words for `member` is here for both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from syncer import models, naming
from syncer.sql import query
from syncer.warehouses import base
from syncer.warehouses.patterns import email_patterns

TRUE_WORDS = ("true", "t", "yes", "y", "on", "1")
"""The texts of a `member` column that make its row a member: PostgreSQL's own words for true. Blanks around a word and
upper case do not matter; numbers are the words 1 and 0, whatever their type."""

FALSE_WORDS = ("false", "f", "no", "n", "off", "0", "")
"""Those that make it none, as nothing at all does."""

MAX_AUDIENCE = naming.MAX_NAME + 1
"""How many characters are read of an audience's name: one more than is kept, so that a longer one is set aside."""

MAX_VALUE = 1_000_000
"""How many bytes of UTF-8 a value may have: many times what receivers take, and little enough to be kept."""

_KINDS: Mapping[int, str] = {
    psycopg.adapters.types[name].oid: kind
    for kind, names in {
        "number": ("numeric", "float4", "float8"),
        "integer": ("int2", "int4", "int8"),
        "boolean": ("bool",),
        "text": ("text", "varchar", "bpchar", "name", "uuid"),
        "date": ("date",),
        "timestamp": ("timestamp",),
        "timestamptz": ("timestamptz",),
        "json": ("json",),
        "jsonb": ("jsonb",),
    }.items()
    for name in names
}
_NUMERIC = psycopg.adapters.types["numeric"].oid
_VALUE_TYPES = {"integer": "number", "date": "timestamp", "timestamptz": "timestamp"}
_SENDABLE = ("number", "text", "boolean", "timestamp")
_PLAIN = ("number", "integer", "boolean", "date", "timestamp", "timestamptz")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source. `encoded`: its database has an encoding, so that every text in it is one."""

    name: str
    type_oid: int
    encoded: bool

    @property
    def kind(self) -> str:
        """What it is handled as; "" for types that are only known by their text."""
        return _KINDS.get(self.type_oid, "")

    @property
    def itself(self) -> sql.Composable:
        return sql.Identifier(self.name)

    @property
    def plain_text(self) -> sql.Composable:
        """Its text as the database writes it."""
        return _fill("{column}::pg_catalog.text", column=self.itself)

    @property
    def text(self) -> sql.Composable:
        """Its text; where that is no text (see `doubts`), something that can be listed instead."""
        if self.kind == "number":
            number = self.itself
            if self.type_oid != _NUMERIC:
                number = _statement("warehouse_float_as_number", column=self.itself)
            return _statement("warehouse_number_as_text", column=self.itself, number=number)
        text = self.plain_text
        if self.kind in ("json", "jsonb"):
            text = _statement("warehouse_json_as_text", column=self.itself, clean=self._clean)
        if self.encoded or self.kind in _PLAIN:
            return text
        return _statement("warehouse_shown_text", text=text, is_utf8=_statement("warehouse_is_utf8", text=text))

    @property
    def audience(self) -> sql.Composable:
        """Its text as the name of an audience, as far as it is read; without an encoding it could only be cut between
        bytes, and is read whole."""
        if not self.encoded:
            return self.text
        return _statement("warehouse_name_as_read", text=self.text, most=sql.Literal(MAX_AUDIENCE))

    @property
    def doubts(self) -> list[sql.Composable]:
        """Conditions of which none may be false if its text can be sent."""
        doubts: list[sql.Composable] = []
        if self.kind == "json":
            doubts.append(self._clean)
        if not self.encoded and self.kind not in _PLAIN:
            doubts.append(_statement("warehouse_is_utf8", text=self.plain_text))
        return doubts

    @property
    def member(self) -> sql.Composable:
        """Whether it says that its row is a member. Fails for what says neither yes nor no."""
        if self.kind == "boolean":
            return self.itself
        return _statement(
            "warehouse_is_member",
            column=self.itself,
            text=self.text,
            name=sql.Literal(self.name),
            true_words=_array(TRUE_WORDS),
            false_words=_array(FALSE_WORDS),
        )

    def trait(self, name: str) -> sql.Composable:
        """An object with its value under this name; an empty one if there is none."""
        return _statement("warehouse_trait", name=sql.Literal(name), absent=self._absent, json=self._json)

    @property
    def value(self) -> sql.Composable:
        """Its value as JSON, and the type of that."""
        known = _VALUE_TYPES.get(self.kind, self.kind)
        value_type: sql.Composable = sql.Literal(known)
        if known not in _SENDABLE:
            value_type = _fill("pg_catalog.pg_typeof({column})::pg_catalog.text", column=self.itself)
        return _statement("warehouse_value", absent=self._absent, json=self._json, value_type=value_type)

    @property
    def _json(self) -> sql.Composable:
        """Its value as JSON; a null in JSON for one that cannot be sent."""
        most = sql.Literal(MAX_VALUE)
        match self.kind:
            case "integer" | "boolean":
                return _fill("pg_catalog.to_jsonb({column})", column=self.itself)
            case "number":
                return _statement("warehouse_number_as_json", column=self.itself)
            case "date":
                return _statement("warehouse_date_as_json", column=self.itself)
            case "timestamp":
                return _statement("warehouse_moment_as_json", moment=self.itself)
            case "timestamptz":
                moment = _fill("({column} AT TIME ZONE 'UTC')", column=self.itself)
                return _statement("warehouse_moment_as_json", moment=moment)
            case "json" | "jsonb":
                json = _statement("warehouse_json_as_json", column=self.itself, clean=self._clean, most=most)
            case _:
                json = _statement("warehouse_text_as_json", text=self.plain_text, most=most)
        if self.encoded:
            return json
        is_utf8 = _statement("warehouse_is_utf8", text=self.plain_text)
        return _statement("warehouse_utf8_as_json", is_utf8=is_utf8, json=json)

    @property
    def _absent(self) -> sql.Composable:
        if self.kind in ("json", "jsonb"):
            return _statement("warehouse_json_is_absent", column=self.itself)
        return _fill("{column} IS NULL", column=self.itself)

    @property
    def _clean(self) -> sql.Composable:
        if self.kind == "jsonb":
            return sql.SQL("true")
        return _statement("warehouse_json_is_clean", column=self.itself)


def members(
    columns: base.Columns,
    types: Mapping[str, int],
    audience_name: str | None,
    relation: sql.Composable,
    people: models.People | None = None,
    *,
    encoded: bool,
    unless: bool = False,
) -> sql.Composed:
    """The statement `warehouse_members` for these columns of a relation; `types` are theirs, as oids. With `people`
    for them only, or of those whose member column does not say yes: see `models.Source`."""

    def column(name: str) -> Column:
        return Column(name, types[name], encoded)

    texts = [column(name) for name in (columns.audience, columns.user_id, columns.email) if name]
    doubts = [doubt for each in texts for doubt in each.doubts]
    more: list[sql.Composable] = []
    if columns.traits:
        traits = [column(name).trait(sent_as) for name, sent_as in columns.traits.items()]
        more.append(_statement("warehouse_traits", traits=sql.SQL(" OPERATOR(pg_catalog.||) ").join(traits)))
    if columns.value is not None:
        more.append(column(columns.value).value)
    audience: sql.Composable = _fill("{name}::pg_catalog.text", name=sql.Literal(audience_name))
    if columns.audience is not None:
        audience = column(columns.audience).audience
    condition: sql.Composable = sql.SQL("true") if columns.member is None else column(columns.member).member
    if unless:
        condition = _fill("({condition}) IS NOT TRUE", condition=condition)
    user_id, email = (
        column(name).text if name else sql.SQL("NULL::pg_catalog.text") for name in (columns.user_id, columns.email)
    )
    members = _statement(
        "warehouse_members",
        audience=audience,
        user_id=user_id,
        email=email,
        unsendable=_fill("({doubts}) IS FALSE", doubts=_all(doubts)) if doubts else sql.SQL("false"),
        more=sql.SQL("").join(more),
        relation=relation,
        condition=condition if people is None else _all([condition, _about(people, user_id, email)]),
    )
    if people is None or columns.value is not None:
        return members
    nothing = sql.SQL(", '{}'::pg_catalog.jsonb" if columns.traits else "")
    names = _statement("warehouse_names", audience=audience, more=nothing, relation=relation, condition=condition)
    return _fill("{members}\nUNION ALL\n{names}", members=members, names=names)


def _about(about: models.People, user_id: sql.Composable, email: sql.Composable) -> sql.Composable:
    return _statement(
        "warehouse_about",
        user_id=user_id,
        email=email,
        users=_array(tuple(sorted(about.users))),
        patterns=_array(tuple(email_patterns(about))),
    )


def all_rows(relation: sql.Composable) -> sql.Composed:
    """The rows of a view or a query, fenced off: see the statement."""
    return _fill("({rows})", rows=_statement("warehouse_rows", relation=relation))


def _all(conditions: list[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join(_fill("({condition})", condition=condition) for condition in conditions)


def _array(words: tuple[str, ...]) -> sql.Composable:
    return _fill("ARRAY[{words}]::pg_catalog.text[]", words=sql.SQL(", ").join(map(sql.Literal, words)))


def _statement(statement: str, /, **placeholders: sql.Composable) -> sql.Composed:
    return sql.SQL(query(statement)).format(**placeholders)


def _fill(template: LiteralString, /, **placeholders: sql.Composable) -> sql.Composed:
    return sql.SQL(template).format(**placeholders)
