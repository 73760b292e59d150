"""The statements of `mirror_reading`, in one form for all dialects (SQLAlchemy's).

They ask for little: UNION ALL, GROUP BY of keys, aggregates, IN, and windows over what was grouped. No join, no
DISTINCT of whole rows: two equal rows and one are different. What a table adds up to by groups of users is worked out
once for a run, into a table of its own, and is its seal, too: see `mirror`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import func, literal_column

from syncer import models
from syncer.warehouses import mirror
from syncer.warehouses.mirror_dialects import Expression, Expressions, Facts

Statement = sqlalchemy.Select[Any]
Condition = sqlalchemy.ColumnElement[bool]

_NOW: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("1", sqlalchemy.Integer)
_BEFORE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("0", sqlalchemy.Integer)


@dataclass(frozen=True, slots=True)
class Kept:
    """The table that has the rows of a source, under names of ours."""

    source: models.Source
    clause: sqlalchemy.TableClause

    @property
    def names(self) -> list[str]:
        """Of its columns, in order."""
        return names(self.source)

    @property
    def who(self) -> list[Expression]:
        """Its columns that say who is a member of what: the user, and the audience if it has several."""
        return [self.clause.c[name] for name in _who(self.source)]

    @property
    def more(self) -> list[Expression]:
        """Its other columns."""
        return [self.clause.c[name] for name in self.names if name not in _who(self.source)]


@dataclass(frozen=True, slots=True)
class Side:
    """A table that is compared, and the one that has the sums of its groups."""

    kept: Kept
    sums: sqlalchemy.TableClause


def names(source: models.Source) -> list[str]:
    """The columns that the table of a source has."""
    member = [] if source.member is None else ["member"]
    return [*_who(source), "email", *member]


def _who(source: models.Source) -> list[str]:
    return ["user_id"] if source.audience is None else ["audience", "user_id"]


def whole(kept: Kept) -> Statement:
    """All rows."""
    return sqlalchemy.select(*kept.clause.c)


def nothing(kept: Kept) -> Statement:
    """No rows of a table, and the types of its columns."""
    return whole(kept).where(_NOW == _BEFORE)


def types(kept: Kept, type_of: Callable[[Expression], Expression]) -> Statement:
    """What is known of the types of the columns, also if there is no row."""
    return sqlalchemy.select(
        *(type_of(sqlalchemy.select(column).limit(1).scalar_subquery()) for column in kept.clause.c)
    )


def hashes(facts: Facts, kept: Kept, groups: int) -> mirror.Hashes:
    """Those of the rows of a table. A group of users is one of all audiences."""
    user = [kept.clause.c.user_id]
    group = func.abs(func.mod((facts.grouped or facts.hashed)(user), literal_column(str(groups))))
    return mirror.Hashes(facts.hashed(list(kept.clause.c)), group, group, groups)


def sums(facts: Facts, kept: Kept, groups: int, some: Sequence[range]) -> mirror.Statement:
    """Of each group of users, how many rows a table has, and what their hashes add up to, part by part."""
    found = hashes(facts, kept, groups)
    return sqlalchemy.union_all(*(mirror.sums(kept.clause, found, part) for part in some))


def seal(facts: Facts, kept: Kept) -> Statement:
    """The number of rows, and the sum of their hashes: as the driver has it, since SQLAlchemy would round it."""
    total = func.sum(facts.hashed(list(kept.clause.c)), type_=sqlalchemy.types.NullType())
    added: list[Expression] = [func.count(), total]
    return sqlalchemy.select(*added).select_from(kept.clause)


def rows(facts: Facts, kept: Kept) -> Statement:
    """The number of rows of each audience and value of the member column, after those of them that there are; then how
    many such numbers there are."""
    asked = [kept.clause.c[name] for name in kept.names if name in ("audience", "member")]
    shown, grouped = _by(facts, _keys(facts, asked), asked)
    return sqlalchemy.select(*shown, func.count(), _how_many()).select_from(kept.clause).group_by(*grouped)


def member_values(facts: Facts, kept: Kept) -> Statement:
    """The different values of the member column, and after each how many there are."""
    member = kept.clause.c.member
    shown, grouped = _by(facts, facts.keys([member]), [member])
    asked = sqlalchemy.select(*shown, _how_many()).select_from(kept.clause).where(member.is_not(None))
    return asked.group_by(*grouped)


def yes(kept: Kept, values: Sequence[object]) -> Condition:
    """Whether a row is one of a member, which these values of the member column say."""
    return kept.clause.c.member.in_(values) if values else _NOW == _BEFORE


def users(facts: Facts, kept: Kept, condition: Condition | None) -> Statement:
    """The number of different users of each audience, after its name if there are several; then how many there are."""
    audience = [kept.clause.c[name] for name in kept.names if name == "audience"]
    (key,) = facts.keys([kept.clause.c.user_id])
    user = sqlalchemy.case((kept.clause.c.user_id.is_not(None), key))
    shown, grouped = _by(facts, _keys(facts, audience), audience)
    counted: list[Expression] = [*shown, func.count(user.distinct()), _how_many()]
    return _where(sqlalchemy.select(*counted).select_from(kept.clause), condition).group_by(*grouped)


def contacts(facts: Facts, kept: Kept, condition: Condition | None) -> Statement:
    """The contact of every row, as often as it is there."""
    contact = facts.contact(kept.clause.c.email).label("contact")
    return _where(sqlalchemy.select(contact).where(kept.clause.c.email.is_not(None)), condition)


def different(facts: Facts, contacts: Sequence[Statement]) -> Statement:
    """The number of different contacts of all of these."""
    every = sqlalchemy.union_all(*contacts).subquery("every_contact")
    (key,) = facts.keys([every.c.contact])
    return sqlalchemy.select(func.count(key.distinct())).where(func.length(every.c.contact) > _BEFORE)


def nameless(kept: Kept) -> Statement:
    """The rows that name no user or no audience, and after each how many there are."""
    where = sqlalchemy.or_(*(column.is_(None) for column in kept.who))
    return sqlalchemy.select(*kept.clause.c, _how_many()).where(where)


def moved(facts: Facts, now: Side, base: Side, groups: int, some: range) -> Statement:
    """All different rows of either table about those who moved: users in an audience of whom `base` has not the same
    rows as `now`. After each how often either has it, and how many such rows there are. All users are in so many
    groups, of which some are looked at: only rows of those are compared by which the tables do not add up to the same,
    see `mirror`."""
    different = _different(facts, now, base, groups, some).subquery("different_rows")
    uneven = sqlalchemy.case((different.c.rows_now != different.c.rows_before, _NOW), else_=_BEFORE)
    who = [column for column in different.c if column.name.startswith("who_")]
    judged = sqlalchemy.select(*different.c, func.max(uneven).over(partition_by=who).label("moved")).subquery("judged")
    shown = [judged.c[name] for name in (*now.kept.names, "rows_now", "rows_before")]
    return sqlalchemy.select(*shown, _how_many()).where(judged.c.moved == _NOW)


def _different(facts: Facts, now: Side, base: Side, groups: int, some: range) -> Statement:
    """The different rows of groups, of some, that do not add up to the same, and how often either table has them."""
    uneven_users = sqlalchemy.select(mirror.uneven_groups(now.sums, base.sums, facts.exact).c.users)
    both = sqlalchemy.union_all(
        _in_groups(facts, now.kept, _NOW, groups, some, uneven_users),
        _in_groups(facts, base.kept, _BEFORE, groups, some, uneven_users),
    ).subquery("both_sides")
    keys = [column for column in both.c if column.name.startswith(("who_", "more_"))]
    shown, grouped = _by(facts, keys, [both.c[name] for name in now.kept.names])
    is_now, rows = both.c.is_now, func.count()
    counted = sqlalchemy.select(
        *keys,
        *(column.label(name) for column, name in zip(shown, now.kept.names, strict=True)),
        func.sum(is_now).label("rows_now"),
        (rows - func.sum(is_now)).label("rows_before"),
    )
    return counted.group_by(*grouped)


def _in_groups(
    facts: Facts, kept: Kept, is_now: Expression, groups: int, some: range, uneven: sqlalchemy.Select[Any]
) -> Statement:
    """The rows that name somebody, with their keys, of the uneven groups among some."""
    keys = [
        *(key.label(f"who_{index}") for index, key in enumerate(facts.keys(kept.who))),
        *(key.label(f"more_{index}") for index, key in enumerate(facts.keys(kept.more))),
    ]
    group = hashes(facts, kept, groups).group
    named = [column.is_not(None) for column in kept.who]
    found = sqlalchemy.select(*kept.clause.c, *keys, is_now.label("is_now")).select_from(kept.clause)
    return found.where(*named, *mirror.among(group, some, groups), group.in_(uneven))


def _by(facts: Facts, keys: Expressions, columns: Expressions) -> tuple[Expressions, Expressions]:
    """What shows these columns of rows that are grouped by their keys, and what such rows are grouped by."""
    if facts.sorts_for_min:
        return columns, [*keys, *columns]
    return [func.min(column) for column in columns], keys


def _keys(facts: Facts, columns: Expressions) -> Expressions:
    return facts.keys(columns) if columns else []


def _how_many() -> Expression:
    return func.count().over().label("how_many")


def _where(statement: Statement, condition: Condition | None) -> Statement:
    return statement if condition is None else statement.where(condition)
