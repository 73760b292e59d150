"""The statements that compare two tables at the warehouse, in one form for all dialects (SQLAlchemy's).

They ask for little: UNION ALL, GROUP BY, which takes nulls for equal everywhere, and inner joins. No DISTINCT of whole
rows: two equal rows and one are different. What is equal has to be equal byte for byte: the tables are made so.

To group all rows of both tables by their texts costs more than all the rest of a run. So users are put into groups by
their hashes, the hashes of the rows of each group are added up, and rows are looked at where the sums differ. Equal
rows are in one group, and so are all rows of a user in an audience: nothing is compared apart from its like. That two
groups of different rows add up to the same is as unlikely as with the seals of the tables, by which these are trusted.

The sums of a table's groups are worked out once for a run, into private tables, and together they are its seal: to hash
each row costs most of what is left. They are not kept with the snapshot, since a seal has to be of what is there now.

The sums of all groups of a large table do not fit into the memory of a session, and what does not fit is written to
files and read again. So the groups are added up and compared part by part, each of which reads the tables.
"""

import secrets
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy.sql import quoted_name

from syncer import errors, mirrors, models

Statement = sqlalchemy.Select[Any] | sqlalchemy.CompoundSelect[Any]
Expression = sqlalchemy.ColumnElement[Any]

ROWS_A_GROUP = 32
"""Fewer make more sums, and more leave more rows to be compared beside one that moved."""

GROUPS_A_PASS = 500_000
"""The sums of so many fit into 128 MB, whatever the version of PostgreSQL."""

MOST_PASSES = 8
"""Each reads everything. Beyond that, the groups get larger."""

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
_SUMS = ("row_count", "total")

_ONE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("1", sqlalchemy.Integer)
_NONE: sqlalchemy.ColumnElement[int] = sqlalchemy.literal_column("0", sqlalchemy.Integer)


@dataclass(frozen=True, slots=True)
class Hashes:
    """Of a row: `row` of all its columns, as a number of which many can be added up; `group`, which of the `groups` of
    users of its audience it is in, from 0 on; and `users`, which is another one for each group of each audience."""

    row: Expression
    group: Expression
    users: Expression
    groups: int


@dataclass(frozen=True, slots=True)
class Side:
    """A table that is compared, and the private one that has the sums of the groups that are."""

    kept: sqlalchemy.TableClause
    sums: sqlalchemy.TableClause


class Filled(NamedTuple):
    """A private table, and the statement whose rows it is for."""

    table: sqlalchemy.TableClause
    rows: Statement


Sums = Mapping[str, Sequence[sqlalchemy.TableClause]]
"""The private tables with the sums of tables, by the names of these, part by part."""


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


def user_groups(rows: Mapping[str | None, int]) -> int:
    """Into how many groups to cut all users, so that there is one for so many rows."""
    return max(sum(rows.values()) // ROWS_A_GROUP, 1)


def groups(rows: Mapping[str | None, int]) -> int:
    """Into how many groups of users to cut each audience, so that there is one for so many rows: the small audiences
    have fewer users than that."""
    wanted = min(user_groups(rows), GROUPS_A_PASS * MOST_PASSES)
    sizes = range(max(rows.values(), default=0) + 1)
    return max(bisect_right(sizes, wanted, key=lambda found: _sums(rows, found)) - 1, 1)


def passes(rows: Mapping[str | None, int], groups: int) -> Sequence[range]:
    """The numbers of so many groups of each audience, in parts of which the sums fit into memory."""
    return parts(groups, _sums(rows, groups), GROUPS_A_PASS)


def parts(groups: int, sums: int, fitting: int) -> Sequence[range]:
    """The numbers of groups that have so many sums together, in parts of each of which about `fitting` are."""
    count = min(max(-(-sums // fitting), 1), groups)
    return [range(*edges) for edges in pairwise(groups * part // count for part in range(count + 1))]


def _sums(rows: Mapping[str | None, int], groups: int) -> int:
    return sum(min(count, groups) for count in rows.values())


def nameless(kept: sqlalchemy.TableClause) -> Statement:
    """The rows that name no user or no audience."""
    return sqlalchemy.select(*kept.c).where(sqlalchemy.or_(*(kept.c[key].is_(None) for key in _KEYS)))


def sums(kept: sqlalchemy.TableClause, hashes: Hashes, some: range) -> Statement:
    """Of some groups of users, how many rows a table has, and what their hashes add up to. Rows that name nobody are in
    groups, too, so that the sums of all groups are those of all rows."""
    added: list[Expression] = [sqlalchemy.func.count().label(_SUMS[0]), sqlalchemy.func.sum(hashes.row).label(_SUMS[1])]
    asked = sqlalchemy.select(hashes.users.label("users"), *added).select_from(kept)
    return asked.where(*among(hashes.group, some, hashes.groups)).group_by(hashes.users)


def sums_table(name: str) -> sqlalchemy.TableClause:
    """A table of such sums."""
    return sqlalchemy.table(name, *map(sqlalchemy.column, ("users", *_SUMS)))


def sums_by_part(kept: sqlalchemy.TableClause, number: int, hashes: Hashes, rows: mirrors.Rows) -> Iterator[Filled]:
    """For each part of the groups, a private table and the statement for its sums. `number` tells the tables apart that
    are added up in a run."""
    for some in passes(rows, hashes.groups):
        yield Filled(sums_table(f"syncer_sums_{number}_{some.start}"), sums(kept, hashes, some))


def as_it_is(number: Expression) -> Expression:
    """A number, to be added up as it is."""
    return number


def added_up(
    parts: Sequence[sqlalchemy.TableClause], exact: Callable[[Expression], Expression] = as_it_is
) -> sqlalchemy.Select[Any]:
    """What all these sums add up to: the number of rows, and the total of their hashes. `exact` makes of each what the
    database adds up without rounding."""
    every = sqlalchemy.union_all(*(sqlalchemy.select(*(part.c[name] for name in _SUMS)) for part in parts))
    both = every.subquery("sums")
    return sqlalchemy.select(*(sqlalchemy.func.sum(exact(both.c[name])).label(name) for name in _SUMS))


def moved(now: Side, base: Side, hashes: Hashes, some: range) -> Statement:
    """All rows of `now` that are about those who moved, of some groups: the users in an audience of whom `base` has
    not the same rows. Then, for everybody who moved, a row that names them alone.

    Only rows of groups of users are compared by which the tables do not add up to the same.
    """
    uneven_users = uneven_groups(now.sums, base.sums)
    compared = sqlalchemy.union_all(
        _in_groups(now.kept, uneven_users, hashes, some, _ONE.label("is_now"), _NONE.label("is_base")),
        _in_groups(base.kept, uneven_users, hashes, some, _NONE, _ONE),
    ).cte("some_rows")
    uneven = (
        sqlalchemy.select(compared.c.users, *(compared.c[key] for key in _KEYS))
        .group_by(compared.c.users, *(compared.c[name] for name in _COLUMNS))
        .having(sqlalchemy.func.sum(compared.c.is_now) != sqlalchemy.func.sum(compared.c.is_base))
        .subquery("uneven")
    )
    who = sqlalchemy.select(*uneven.c).distinct().cte("moved")
    same = sqlalchemy.and_(*(compared.c[column.name] == column for column in who.c))
    theirs = (
        sqlalchemy.select(*(compared.c[name] for name in _COLUMNS)).join(who, same).where(compared.c.is_now == _ONE)
    )
    alone = [who.c[name] if name in _KEYS else sqlalchemy.null() for name in _COLUMNS]
    return sqlalchemy.union_all(theirs, sqlalchemy.select(*alone))


def uneven_groups(
    now: sqlalchemy.TableClause,
    base: sqlalchemy.TableClause,
    exact: Callable[[Expression], Expression] = as_it_is,
) -> sqlalchemy.CTE:
    """The groups of users that have other sums in one table than in the other."""
    both = sqlalchemy.union_all(
        sqlalchemy.select(*now.c), sqlalchemy.select(base.c.users, *(-base.c[name] for name in _SUMS))
    ).subquery("both_sides")
    uneven = sqlalchemy.or_(*(sqlalchemy.func.sum(exact(both.c[name])) != _NONE for name in _SUMS))
    return sqlalchemy.select(both.c.users).group_by(both.c.users).having(uneven).cte("uneven_users")


def among(group: Expression, some: range, groups: int) -> list[sqlalchemy.ColumnElement[bool]]:
    """What holds of a group if it is one of `some` of so many. Nothing is asked of an edge beyond which there are none:
    each condition takes the hash of every row once more, which is what a comparison spends its time with."""
    above = [group >= _number(some.start)] if some.start > 0 else []
    below = [group < _number(some.stop)] if some.stop < groups else []
    return [*above, *below]


def moved_by_part(
    now: sqlalchemy.TableClause, base: sqlalchemy.TableClause, kept_sums: Sums, hashes: Hashes, rows: mirrors.Rows
) -> Iterator[Statement]:
    """`moved`, for each part of the groups."""
    both_sums = zip(kept_sums[now.name], kept_sums[base.name], strict=True)
    for some, (now_sums, base_sums) in zip(passes(rows, hashes.groups), both_sums, strict=True):
        yield moved(Side(now, now_sums), Side(base, base_sums), hashes, some)


def _number(value: int) -> sqlalchemy.ColumnElement[int]:
    return sqlalchemy.literal_column(str(value), sqlalchemy.Integer)


def _in_groups(
    kept: sqlalchemy.TableClause, uneven: sqlalchemy.CTE, hashes: Hashes, some: range, *more: Expression
) -> sqlalchemy.Select[Any]:
    """The rows of these groups, of some, that name somebody. The groups go along: numbers are sorted and compared
    sooner than texts."""
    named = [kept.c[key].is_not(None) for key in _KEYS]
    found = sqlalchemy.select(uneven.c.users, *kept.c, *more).where(*named, *among(hashes.group, some, hashes.groups))
    return found.join_from(kept, uneven, uneven.c.users == hashes.users)
