"""The seven migrations make, catalog for catalog, the state that the one baseline makes.

Nothing was released with the seven, so the baseline takes their place: this is the proof that it may.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import psycopg.sql
import pytest

from syncer import sql
from syncer.state import State

BASELINE = (Path(__file__).parents[2] / "sql" / "baseline.sql").read_text("utf-8")
SEVEN = [text for _, _, text in sql.migrations()]

HERE = "to_regnamespace(current_schema())"
"""The schema of the state: it has the same name in both databases, so that texts may name it."""

CATALOGS = {
    "schema": f"SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE oid = {HERE}",
    "relations": f"""
        SELECT c.relname, c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions, c.relispartition,
            c.relreplident, c.relrowsecurity, c.relforcerowsecurity, c.reltablespace, c.relhasindex, c.relhastriggers,
            c.relhasrules, c.relhassubclass, c.relnatts - (
                SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attisdropped
            ) AS columns, am.amname, pg_get_partkeydef(c.oid) AS partitioned, c.reltoastrelid <> 0 AS toasted
        FROM pg_class AS c
        LEFT JOIN pg_am AS am ON am.oid = c.relam
        WHERE c.relnamespace = {HERE}
    """,
    "columns": f"""
        SELECT a.attrelid::regclass, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS nth, a.attname,
            format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attstorage,
            a.attcompression, a.attstattarget, a.attcollation::regcollation, a.attislocal, a.attacl, a.attoptions,
            pg_get_expr(d.adbin, d.adrelid) AS standard
        FROM pg_attribute AS a
        JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = {HERE} AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "constraints": f"""
        SELECT conrelid::regclass, conname, contype, condeferrable, condeferred, convalidated, conislocal,
            coninhcount, connoinherit, conindid::regclass, confrelid::regclass, confupdtype, confdeltype, confmatchtype,
            pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = {HERE}
    """,
    "indexes": f"""
        SELECT i.indexrelid::regclass, i.indrelid::regclass, i.indisunique, i.indisprimary, i.indisexclusion,
            i.indimmediate, i.indisclustered, i.indisvalid, i.indisready, i.indislive, i.indisreplident,
            i.indcollation::regcollation[], i.indoption::text, pg_get_indexdef(i.indexrelid)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE c.relnamespace = {HERE}
    """,
    "sequences": f"SELECT * FROM pg_sequences WHERE schemaname = {HERE}::text",
    "owned sequences": f"""
        SELECT d.objid::regclass, d.refobjid::regclass, d.deptype, a.attname
        FROM pg_depend AS d
        JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S' AND c.relnamespace = {HERE}
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    """,
    "views": f"SELECT oid::regclass, pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'v' AND relnamespace = {HERE}",
    "rules": f"SELECT tablename, rulename, definition FROM pg_rules WHERE schemaname = {HERE}::text",
    "functions": f"""
        SELECT oid::regprocedure, prokind, provolatile, proparallel, proisstrict, prosecdef, proleakproof, procost,
            prorows, proowner::regrole, proacl, proconfig, pg_get_functiondef(oid)
        FROM pg_proc WHERE pronamespace = {HERE}
    """,
    "types": f"""
        SELECT typname, typtype, typcategory, typowner::regrole, typacl, typnotnull, typdefault
        FROM pg_type WHERE typnamespace = {HERE}
    """,
    "labels": f"""
        SELECT enumtypid::regtype, row_number() OVER (PARTITION BY enumtypid ORDER BY enumsortorder) AS nth, enumlabel
        FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid
        WHERE typnamespace = {HERE}
    """,
    "triggers": f"""
        SELECT t.tgrelid::regclass, t.tgfoid::regprocedure, t.tgtype, t.tgenabled, t.tgisinternal, t.tgdeferrable,
            t.tginitdeferred, con.conname
        FROM pg_trigger AS t
        JOIN pg_class AS c ON c.oid = t.tgrelid
        LEFT JOIN pg_constraint AS con ON con.oid = t.tgconstraint
        WHERE c.relnamespace = {HERE}
    """,
    "policies": "SELECT * FROM pg_policies",
    "statistics": f"SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxnamespace = {HERE}",
    "default privileges": "SELECT defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl"
    " FROM pg_default_acl",
    "comments": """
        SELECT d.classoid::regclass, pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
        FROM pg_description AS d
        WHERE d.objoid >= 16384
    """,
}
"""What the catalogs say about a schema, by its kind, with every number of an object resolved to its name."""


def catalogs_after(url: str, migrations: list[str]) -> dict[str, list[str]]:
    state = State(url, "syncer")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA syncer")
    with state.connect("test") as connection:
        for text in migrations:
            connection.execute(text)
        return everything_of(connection)


def everything_of(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    found = {kind: sorted(map(repr, connection.execute(query).fetchall())) for kind, query in CATALOGS.items()}
    tables = connection.execute(
        f"SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'S') AND relnamespace = {HERE} ORDER BY relname"
    ).fetchall()
    for (table,) in tables:
        rows = connection.execute(psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(table))).fetchall()
        # Ids and times are every installation's own: of them only the type is compared.
        found[f"rows of {table}"] = [
            repr([value if isinstance(value, (bool, int, str, type(None))) else type(value) for value in row])
            for row in rows
        ]
    return found


def test_the_baseline_makes_what_the_seven_make(new_database: Callable[..., str]) -> None:
    seven = catalogs_after(new_database(), SEVEN)
    baseline = catalogs_after(new_database(), [BASELINE])

    assert len(SEVEN) == 7
    assert seven.keys() == baseline.keys()
    for kind in seven:
        assert baseline[kind] == seven[kind], kind
    assert {kind for kind, rows in seven.items() if not rows and not kind.startswith("rows of")} == {
        "rules",
        "policies",
        "statistics",
        "default privileges",
    }


@pytest.mark.parametrize(
    ("kind", "otherwise"),
    [
        ("relations", "ALTER TABLE pause SET (fillfactor = 50)"),
        ("relations", "GRANT SELECT ON pause TO PUBLIC"),
        ("relations", "ALTER TABLE pause SET UNLOGGED"),
        ("columns", "ALTER TABLE pause ALTER since DROP DEFAULT"),
        ("columns", "ALTER TABLE pause ALTER since DROP NOT NULL"),
        ("columns", "ALTER TABLE forgotten ALTER since TYPE timestamp"),
        ("columns", "ALTER TABLE request DROP begun_at, ADD begun_at timestamptz"),
        ("columns", "ALTER TABLE operator_action ALTER action_id SET GENERATED BY DEFAULT"),
        ("columns", "ALTER TABLE destination ALTER account SET STORAGE external"),
        ("columns", 'ALTER TABLE request ALTER kind TYPE text COLLATE "C"'),
        ("constraints", "ALTER TABLE run DROP CONSTRAINT closed_with_status"),
        ("constraints", "ALTER TABLE user_count DROP CONSTRAINT user_count_destination_id_fkey"),
        ("indexes", "CREATE INDEX ON pause (since)"),
        ("sequences", "ALTER TABLE run ALTER run_id SET INCREMENT 2"),
        ("views", "CREATE OR REPLACE VIEW operator_actions AS SELECT at, actor, action, arguments, 1 AS run_id"
         " FROM operator_action"),
        ("functions", "ALTER FUNCTION is_token VOLATILE"),
        ("functions", "REVOKE ALL ON FUNCTION is_token FROM PUBLIC"),
        ("types", "REVOKE ALL ON TYPE change_op FROM PUBLIC"),
        ("labels", "ALTER TYPE change_op ADD VALUE 'another'"),
        ("comments", "COMMENT ON TABLE pause IS 'x'"),
        ("comments", "COMMENT ON COLUMN sync_runs.run_id IS 'x'"),
        ("rows of installation", "DELETE FROM installation"),
        ("rows of run_run_id_seq", "SELECT nextval('run_run_id_seq')"),
    ],
)  # fmt: skip
def test_the_proof_sees_what_is_otherwise(state: State, kind: str, otherwise: str) -> None:
    with state.connect("test") as connection:
        before = everything_of(connection)
        connection.execute(otherwise)
        after = everything_of(connection)

    assert after[kind] != before[kind]
