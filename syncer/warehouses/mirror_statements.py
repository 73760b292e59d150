"""The statements of `mirror_reading`, in one form for all dialects (SQLAlchemy's).

They ask for little: UNION ALL, GROUP BY of keys, aggregates, IN, and windows over what was grouped. No join, no
DISTINCT of whole rows: two equal rows and one are different.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import func, literal_column

from syncer import models
from syncer.warehouses import mirror
from syncer.warehouses.mirror_dialects import Expression, Facts

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


def seal(facts: Facts, kept: Kept) -> Statement:
    """The number of rows, and the sum of their hashes."""
    added: list[Expression] = [func.count(), func.sum(facts.hashed(list(kept.clause.c)))]
    return sqlalchemy.select(*added).select_from(kept.clause)


def rows(facts: Facts, kept: Kept) -> Statement:
    """The number of rows of each audience and value of the member column, after those of them that there are; then how
    many such numbers there are."""
    asked = [kept.clause.c[name] for name in kept.names if name in ("audience", "member")]
    grouped = facts.keys(asked) if asked else []
    counted: list[Expression] = [*map(func.min, asked), func.count(), _how_many()]
    return sqlalchemy.select(*counted).select_from(kept.clause).group_by(*grouped)


def member_values(facts: Facts, kept: Kept) -> Statement:
    """The different values of the member column, and after each how many there are."""
    member = kept.clause.c.member
    counted: list[Expression] = [func.min(member), _how_many()]
    asked = sqlalchemy.select(*counted).select_from(kept.clause).where(member.is_not(None))
    return asked.group_by(*facts.keys([member]))


def yes(kept: Kept, values: Sequence[object]) -> Condition:
    """Whether a row is one of a member, which these values of the member column say."""
    return kept.clause.c.member.in_(values) if values else _NOW == _BEFORE


def users(facts: Facts, kept: Kept, condition: Condition | None) -> Statement:
    """The number of different users of each audience, after its name if there are several; then how many there are."""
    audience = [kept.clause.c[name] for name in kept.names if name == "audience"]
    (key,) = facts.keys([kept.clause.c.user_id])
    user = sqlalchemy.case((kept.clause.c.user_id.is_not(None), key))
    counted: list[Expression] = [*map(func.min, audience), func.count(user.distinct()), _how_many()]
    asked = sqlalchemy.select(*counted).select_from(kept.clause)
    grouped = facts.keys(audience) if audience else []
    return _where(asked, condition).group_by(*grouped)


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


def moved(facts: Facts, now: Kept, base: Kept, groups: int, some: range) -> Statement:
    """All different rows of either table about those who moved: users in an audience of whom `base` has not the same
    rows as `now`. After each how often either has it, and how many such rows there are. All users are in so many
    groups, of which some are looked at: only rows of those are compared by which the tables do not add up to the same,
    see `mirror`."""
    uneven_users = _uneven_groups(facts, now, base, groups, some)
    both = sqlalchemy.union_all(
        _side(facts, now, _NOW).where(_users(facts, now, groups).in_(uneven_users)),
        _side(facts, base, _BEFORE).where(_users(facts, base, groups).in_(uneven_users)),
    ).subquery("both_sides")
    keys = [column for column in both.c if column.name.startswith(("who_", "row_"))]
    is_now, rows = both.c.is_now, func.count()
    counted = sqlalchemy.select(
        *keys,
        *(func.min(both.c[name]).label(name) for name in now.names),
        func.sum(is_now).label("rows_now"),
        (rows - func.sum(is_now)).label("rows_before"),
    ).group_by(*keys)
    grouped = counted.subquery("different_rows")
    uneven = sqlalchemy.case((grouped.c.rows_now != grouped.c.rows_before, _NOW), else_=_BEFORE)
    who = [column for column in grouped.c if column.name.startswith("who_")]
    judged = sqlalchemy.select(*grouped.c, func.max(uneven).over(partition_by=who).label("moved")).subquery("judged")
    shown = [judged.c[name] for name in (*now.names, "rows_now", "rows_before")]
    return sqlalchemy.select(*shown, _how_many()).where(judged.c.moved == _NOW)


def _side(facts: Facts, kept: Kept, is_now: Expression) -> Statement:
    """The rows that name somebody, with their keys. The other columns come twice where they are keys of their own."""
    keys = [
        *(key.label(f"who_{index}") for index, key in enumerate(facts.keys(kept.who))),
        *(key.label(f"row_{index}") for index, key in enumerate(facts.keys(list(kept.clause.c)))),
    ]
    return _named(kept, *kept.clause.c, *keys, is_now.label("is_now"))


def _uneven_groups(facts: Facts, now: Kept, base: Kept, groups: int, some: range) -> Statement:
    """The groups, of some, of which the tables have another number of rows, or rows of which the hashes add up to
    something else. Multiplied: where hashes have no sign, one cannot be negated."""
    hashes = [facts.hashed(list(kept.clause.c)) for kept in (now, base)]
    sides = [
        _named(now, _users(facts, now, groups).label("users"), hashes[0].label("hashed"), _NOW.label("one")),
        _named(base, _users(facts, base, groups), hashes[1] * -_NOW, -_NOW),
    ]
    found = zip(sides, (now, base), strict=True)
    sides = [side.where(*mirror.among(_users(facts, kept, groups), some, groups)) for side, kept in found]
    sums = sqlalchemy.union_all(*sides).subquery("hashes")
    uneven = sqlalchemy.or_(*(func.sum(sums.c[name]) != _BEFORE for name in ("hashed", "one")))
    return sqlalchemy.select(sums.c.users).group_by(sums.c.users).having(uneven)


def _users(facts: Facts, kept: Kept, groups: int) -> Expression:
    """The group of users that a row is about, from 0 on."""
    among: Expression = func.abs(func.mod(facts.hashed([kept.clause.c.user_id]), literal_column(str(groups))))
    return among


def _named(kept: Kept, *columns: Expression) -> Statement:
    """The rows that name somebody."""
    return sqlalchemy.select(*columns).select_from(kept.clause).where(*(column.is_not(None) for column in kept.who))


def _how_many() -> Expression:
    return func.count().over().label("how_many")


def _where(statement: Statement, condition: Condition | None) -> Statement:
    return statement if condition is None else statement.where(condition)
