"""What a state holds: bytes of each table and of each of its indexes, altogether and for each row."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from tests.bench.server import Server

# Partitions count as their parent, and what is out of line as the table's.
_RELATIONS = """
WITH RECURSIVE part AS (
    SELECT table_.relname::text AS whole, table_.oid AS oid
    FROM pg_class AS table_
    WHERE table_.relnamespace = '{schema}'::regnamespace AND table_.relkind IN ('r', 'p') AND NOT table_.relispartition
    UNION ALL
    SELECT part.whole, i.inhrelid FROM pg_inherits AS i JOIN part ON part.oid = i.inhparent
),
leaf AS (
    SELECT part.whole, part.oid, pg_class.reltuples
    FROM part JOIN pg_class ON pg_class.oid = part.oid
    WHERE pg_class.relkind = 'r'
)
SELECT whole, NULL::text, sum(greatest(reltuples, 0))::bigint, sum(pg_table_size(oid))::bigint
FROM leaf
GROUP BY whole
UNION ALL
SELECT leaf.whole, pg_get_indexdef(coalesce(parent.inhparent, i.indexrelid)),
    sum(greatest(leaf.reltuples, 0))::bigint, sum(pg_relation_size(i.indexrelid))::bigint
FROM leaf
JOIN pg_index AS i ON i.indrelid = leaf.oid
LEFT JOIN pg_inherits AS parent ON parent.inhrelid = i.indexrelid
GROUP BY leaf.whole, pg_get_indexdef(coalesce(parent.inhparent, i.indexrelid))
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, or one of its indexes; `rows` are the table's."""

    table: str
    index: str | None
    rows: int
    size: int

    @property
    def per_row(self) -> float:
        return self.size / max(self.rows, 1)


def relations(server: Server, schema: str) -> Sequence[Relation]:
    """What is not empty, the largest table first, each with its indexes after it."""
    found = [Relation(str(row[0]), None if row[1] is None else str(row[1]), int(str(row[2])), int(str(row[3])))
             for row in server.run(_RELATIONS.format(schema=schema))]  # fmt: skip
    whole: dict[str, int] = {}
    for each in found:
        whole[each.table] = whole.get(each.table, 0) + each.size
    kept = [each for each in found if each.rows > 0]
    return sorted(kept, key=lambda each: (-whole[each.table], each.table, each.index is not None, -each.size))


def show(found: Sequence[Relation]) -> Table:
    table = Table("table, and its indexes", "rows", "MB", "bytes a row")
    for each in found:
        name = each.table if each.index is None else "  " + each.index.partition(" USING ")[2]
        rows = f"{each.rows:,}" if each.index is None else ""
        table.add_row(name, rows, f"{each.size / 1e6:,.1f}", f"{each.per_row:,.1f}")
    return table
