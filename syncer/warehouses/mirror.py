"""The statements that compare two tables at the warehouse, in one form for all dialects (SQLAlchemy's).

They ask for little: UNION ALL, GROUP BY, which takes nulls for equal everywhere, and an inner join. No DISTINCT of
whole rows: two equal rows and one are different. What is equal has to be equal byte for byte: the tables are made so.
"""

import secrets
from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy.sql import quoted_name

from syncer import errors, mirrors, models

Statement = sqlalchemy.Select[Any] | sqlalchemy.CompoundSelect[Any]

_NAMES = ("e", "E", "e ", "\u00e9", "\u00c9", "e\u0301")


def _probe(emails: Sequence[str]) -> models.Source:
    rows = (
        f"SELECT '{name}' AS audience, 'u' AS user_id, '{email}' AS email"
        for name, email in zip(_NAMES, emails, strict=True)
    )
    return models.Source("warehouse.scratch", "user_id", "email", query=" UNION ALL ".join(rows), audience="audience")


PROBE = _probe(["u@x.io"] * len(_NAMES))
"""Members of audiences that are all different, and that a collation may take for one another."""

OTHER_PROBE = _probe(["U@x.io", "u@x.io ", *["u@x.io"] * (len(_NAMES) - 2)])
"""The same, with other addresses in `CHANGED`, which a collation may take for the same."""

CHANGED = frozenset(_NAMES[:2])

_COLUMNS = ("audience", "user_id", "email", "unsendable")
_KEYS = ("audience", "user_id")

_ONE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("1", sqlalchemy.Integer)
_NONE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("0", sqlalchemy.Integer)


def table(scratch: str, name: str) -> sqlalchemy.TableClause:
    """A table in the scratch schema."""
    parts = [quoted_name(column, quote=True) for column in _COLUMNS]
    where = quoted_name(scratch, quote=True)
    return sqlalchemy.table(quoted_name(name, quote=True), *map(sqlalchemy.column, parts), schema=where)


def whole(kept: sqlalchemy.TableClause) -> Statement:
    """All rows."""
    return sqlalchemy.select(*kept.c)


def rows_by_audience(kept: sqlalchemy.TableClause) -> Statement:
    """The number of rows of each audience."""
    return sqlalchemy.select(kept.c.audience, sqlalchemy.func.count()).select_from(kept).group_by(kept.c.audience)


def probe_name() -> str:
    """A name that no table has."""
    return f"syncer_probe_{secrets.token_hex(6)}"


def complaints(opened: mirrors.Mirror, table: str) -> list[str]:
    """What is wrong with a table of the members of `PROBE`. Raises `WarehouseError` if it cannot be read at all."""
    found = []
    seal = opened.seal(table)
    if seal is None:
        raise errors.WarehouseError(f"warehouse.scratch: the table {table} was made and cannot be read")
    if opened.seal(table) != seal:
        found.append("this database does not read the same twice of one table, so no snapshot in it can be trusted")
    if opened.rows(table) != dict.fromkeys(_NAMES, 1):
        found.append("this database takes different texts for equal, so what changed cannot be found there")
    return found


def moved(now: sqlalchemy.TableClause, base: sqlalchemy.TableClause | None) -> Statement:
    """All rows of `now` that are about those who moved: the users in an audience of whom `base` has not the same rows.
    Then those that name no user or no audience, and for everybody who moved a row that names them alone. `base` None:
    nobody moved."""
    nameless = sqlalchemy.select(*now.c).where(sqlalchemy.or_(*(now.c[key].is_(None) for key in _KEYS)))
    if base is None:
        return nameless
    both = sqlalchemy.union_all(
        sqlalchemy.select(*now.c, _ONE.label("is_now"), _NONE.label("is_base")),
        sqlalchemy.select(*(base.c[name] for name in _COLUMNS), _NONE, _ONE),
    ).subquery("both_sides")
    uneven = (
        sqlalchemy.select(*(both.c[key] for key in _KEYS))
        .where(*(both.c[key].is_not(None) for key in _KEYS))
        .group_by(*(both.c[name] for name in _COLUMNS))
        .having(sqlalchemy.func.sum(both.c.is_now) != sqlalchemy.func.sum(both.c.is_base))
        .subquery("uneven")
    )
    who = sqlalchemy.select(*(uneven.c[key] for key in _KEYS)).distinct().cte("moved")
    same = sqlalchemy.and_(*(now.c[key] == who.c[key] for key in _KEYS))
    alone = [who.c[name] if name in _KEYS else sqlalchemy.null() for name in _COLUMNS]
    return sqlalchemy.union_all(sqlalchemy.select(*now.c).join(who, same), nameless, sqlalchemy.select(*alone))
