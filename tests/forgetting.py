"""Forgetting people in tests, and looking everywhere for what is left of them."""

from collections.abc import Mapping, Sequence

import psycopg

from syncer import opening
from syncer.state import forgetting
from tests.world import World


def forget(world: World, *who: str) -> Mapping[str, int]:
    """Forgets whomever these names are about, without a question; returns the rows that each step touched."""
    world.witness.forgets = True
    with opening.opened_state(opening.load(world.config, {})) as state, state.connect("forget") as connection:
        return forgetting.forget(connection, who, forgetting.find(connection, who))


def found(world: World, *who: str) -> forgetting.Found:
    """Whom these names are about."""
    with opening.opened_state(opening.load(world.config, {})) as state, state.connect("forget") as connection:
        return forgetting.find(connection, who)


def told(world: World, *who: str) -> Mapping[str, Sequence[str]]:
    """Every contact of theirs that was ever told, by destination."""
    return found(world, *who).told


def dump(world: World) -> str:
    """Every row of every table and view of the state, as lower-case text."""
    relations = world.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'syncer'::regnamespace AND relkind IN ('r', 'p', 'v')"
    )
    assert ("sync_changelog",) in relations
    with psycopg.connect(world.state_url, options="-c search_path=syncer") as connection:
        rows = [connection.execute(f"SELECT t::text FROM {name} AS t").fetchall() for (name,) in relations]
    return "\n".join(text for relation in rows for (text,) in relation).lower()


def samples(world: World) -> str:
    """What PostgreSQL keeps of columns for its planner, of all tables there are, as lower-case text."""
    rows = world.query(
        """
        SELECT concat_ws(
            ' ', starelid::regclass, staattnum, stavalues1::text, stavalues2::text, stavalues3::text, stavalues4::text,
            stavalues5::text
        )
        FROM pg_statistic JOIN pg_class ON pg_class.oid = starelid
        WHERE relnamespace <> 'pg_catalog'::regnamespace
        """
    )
    return "\n".join(text for (text,) in rows).lower()


def naming(world: World, words: Sequence[str]) -> tuple[set[str], set[str]]:
    """All columns of texts of the state, as `table.column`: those that have one of these words, and the rest."""
    found: tuple[set[str], set[str]] = set(), set()
    columns = world.query(
        """
        SELECT relname, attname
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'syncer'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND attnum > 0 AND NOT attisdropped AND atttypid IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
        """
    )
    for table, column in columns:
        ((names,),) = world.query(
            f"SELECT coalesce(bool_or(lower({column}::text) LIKE ANY (%s)), false) FROM {table}",
            [[f"%{word}%" for word in words]],
        )
        found[0 if names else 1].add(f"{table}.{column}")
    return found
