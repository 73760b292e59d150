"""The statements that compare two tables at the warehouse, in one form for all dialects (SQLAlchemy's).

They ask for little: UNION ALL, GROUP BY, which takes nulls for equal everywhere, and an inner join. No DISTINCT of
whole rows: two equal rows and one are different. What is equal has to be equal byte for byte: the tables are made so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy.sql import quoted_name

from syncer import models

Statement = sqlalchemy.Select[Any] | sqlalchemy.CompoundSelect[Any]

PROBE = models.Source(
    path="warehouse.scratch",
    query=" UNION ALL ".join(
        f"SELECT {name} AS audience, 'u' AS user_id, 'u@x.io' AS email"
        for name in ("'e'", "'E'", "'e '", "'\u00e9'", "'\u00c9'", "'e\u0301'")
    ),
    audience="audience",
    user_id="user_id",
    email="email",
)
"""Members of audiences that are all different, and that a collation may take for one another."""

_ONE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("1", sqlalchemy.Integer)
_NONE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("0", sqlalchemy.Integer)


def table(scratch: str, name: str, columns: Sequence[str]) -> sqlalchemy.TableClause:
    """A table in the scratch schema."""
    parts = [quoted_name(column, quote=True) for column in columns]
    where = quoted_name(scratch, quote=True)
    return sqlalchemy.table(quoted_name(name, quote=True), *map(sqlalchemy.column, parts), schema=where)


def whole(kept: sqlalchemy.TableClause) -> Statement:
    """All rows."""
    return sqlalchemy.select(*kept.c)


def rows_by(kept: sqlalchemy.TableClause, *columns: str) -> Statement:
    """The number of rows by these columns."""
    groups = [kept.c[column] for column in columns]
    return sqlalchemy.select(*groups, sqlalchemy.func.count()).select_from(kept).group_by(*groups)


def complaints(rows: Mapping[str | None, int]) -> list[str]:
    """What is wrong with a table of the members of `PROBE`, by its rows of each audience."""
    if sorted(rows.values()) == [1] * 6:
        return []
    return ["this database takes different texts for equal, so what changed cannot be found there"]


def nameless(kept: sqlalchemy.TableClause, keys: Sequence[str]) -> Statement:
    """All rows in which a key is null."""
    return sqlalchemy.select(*kept.c).where(sqlalchemy.or_(*(kept.c[key].is_(None) for key in keys)))


def moved(now: sqlalchemy.TableClause, base: sqlalchemy.TableClause, keys: Sequence[str]) -> Statement:
    """All rows of `now` that are about those who moved: of whom, by `keys`, `base` has not the same rows. Then those in
    which a key is null, and for everybody who moved a row of the keys alone."""
    names = [column.name for column in now.c]
    both = sqlalchemy.union_all(
        sqlalchemy.select(*now.c, _ONE.label("is_now"), _NONE.label("is_base")),
        sqlalchemy.select(*(base.c[name] for name in names), _NONE, _ONE),
    ).subquery("both_sides")
    uneven = (
        sqlalchemy.select(*(both.c[key] for key in keys))
        .where(*(both.c[key].is_not(None) for key in keys))
        .group_by(*(both.c[name] for name in names))
        .having(sqlalchemy.func.sum(both.c.is_now) != sqlalchemy.func.sum(both.c.is_base))
        .subquery("uneven")
    )
    who = sqlalchemy.select(*(uneven.c[key] for key in keys)).distinct().cte("moved")
    same = sqlalchemy.and_(*(now.c[key] == who.c[key] for key in keys))
    alone = [who.c[name] if name in keys else sqlalchemy.null() for name in names]
    return sqlalchemy.union_all(
        sqlalchemy.select(*now.c).join(who, same),
        nameless(now, keys),
        sqlalchemy.select(*alone),
    )
