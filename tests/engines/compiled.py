"""Prints, in an environment that has an extra, how its dialect writes our statements. Run as a program.

The first argument is a URL; the others are names of tables.
"""

import json
import sys
from typing import Any

import sqlalchemy
from sqlalchemy.engine.interfaces import Dialect

from syncer import models
from syncer.warehouses import base, dialects, extras, mirror, mirror_dialects, mirror_statements, people, tables

COLUMNS = base.Columns("audience", "user_id", "email", None, None, {})
ASKED = models.People(frozenset({"ada@example.com"}), frozenset({"42"}))


def main(address: str, *names: str) -> None:
    url = sqlalchemy.make_url(address)
    kind: Any = url.get_dialect()
    driver = kind.import_dbapi()
    dialect: Dialect = kind(dbapi=driver)
    found: dict[str, object] = {"driver": driver.__name__, "dialect": dialect.name}
    found["begins"] = dialects.BEGIN.get(dialect.name)
    found["installs"] = extras.installation(url.get_backend_name())
    for name in names:
        source = models.Source("warehouse.membership.table", user_id="user_id", email="email", table=name)
        table = tables.clause(dialect, base.split_table(source))
        rows = tables.rows(dialect, table, COLUMNS.present())
        counted = sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
        about = people.only(dialect, rows, ASKED, COLUMNS)
        asked = people.names(dialect, rows, COLUMNS)
        statements = [tables.probe(table), tables.none_of(rows), rows, counted, about, asked]
        found[name] = [
            each if isinstance(each, str) else " ".join(str(each.compile(dialect=dialect)).split())
            for each in statements
            if each is not None
        ]
    found["mirror"] = mirrored(dialect, url.get_backend_name())
    print(json.dumps(found))


def mirrored(dialect: Dialect, backend: str) -> list[str]:
    """The statements that compare two tables in the scratch schema; none where there are no such tables."""
    facts = mirror_dialects.FACTS.get(backend)
    if facts is None:
        return []
    source = models.Source("x", "user_id", "email", table="members", audience="audience", member="member")
    names = mirror_statements.names(source)
    now, base = (
        mirror_statements.Kept(source, sqlalchemy.table(name, *map(sqlalchemy.column, names)))
        for name in ("now", "base")
    )
    contacts = [mirror_statements.contacts(facts, kept, None) for kept in (now, base)]
    after, before = (
        mirror_statements.Side(kept, mirror.sums_table(f"{name}_sums")) for kept, name in ((now, "now"), (base, "base"))
    )
    statements = [
        mirror_statements.seal(facts, now),
        mirror_statements.rows(facts, now),
        mirror_statements.users(facts, now, None),
        mirror_statements.different(facts, contacts),
        mirror_statements.nameless(now),
        mirror.added_up([after.sums]),
        mirror_statements.moved(facts, after, before, 7, range(7)),
        mirror_statements.moved(facts, after, before, 7, range(3)),
    ]
    sums = tables.text_of(dialect, mirror_statements.sums(facts, now, 7, [range(3), range(3, 7)]))
    return [sums, *(" ".join(str(each.compile(dialect=dialect)).split()) for each in statements)]


if __name__ == "__main__":
    main(*sys.argv[1:])
