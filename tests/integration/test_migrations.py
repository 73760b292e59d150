"""Migrations: what is applied, what is refused, and that every statement and comment is where it belongs."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import syncer
from syncer import errors, sql
from syncer.state import State, migrations

SCHEMA = 'an ""odd"" schema'
"""As it stands in a quoted identifier."""

QUERIES = Path(__file__).parents[2] / "sql" / "queries"
SOURCES = Path(syncer.__file__).parent


@pytest.fixture
def empty(new_database: Callable[..., str]) -> State:
    return State(new_database(), SCHEMA.replace('""', '"'))


def test_a_fresh_state_is_refused_with_the_command_that_helps_until_it_is_migrated(empty: State) -> None:
    with empty.connect("test") as connection:
        with pytest.raises(errors.SchemaVersionError, match="does not exist; run `syncer migrate`"):
            migrations.check(connection, empty.schema)
        applied = migrations.migrate(empty)
        migrations.check(connection, empty.schema)

    assert [migration.name for migration in applied] == [migration.name for migration in migrations.known()]
    assert migrations.migrate(empty) == []


def test_several_processes_migrate_at_once(empty: State) -> None:
    applied: list[int] = []
    threads = [threading.Thread(target=lambda: applied.append(len(migrations.migrate(empty)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(applied) == [0, 0, 0, len(migrations.known())]


def test_nobody_elses_advisory_lock_keeps_a_migration_waiting(empty: State) -> None:
    """Anybody who may connect can take all of them."""
    with psycopg.connect(empty.url, autocommit=True) as stranger:
        stranger.execute("SELECT pg_advisory_lock(%s)", [0x73796E636572])
        assert migrations.migrate(empty)


@pytest.fixture
def stranger(empty: State) -> Iterator[str]:
    """The name of a role that may do nothing yet."""
    name = f"stranger_{os.getpid()}"
    with psycopg.connect(empty.url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name}")
        admin.execute(f'CREATE SCHEMA "{SCHEMA}"')
        yield name
        admin.execute(f"DROP OWNED BY {name} CASCADE")
        admin.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize(
    "order",
    [
        'ALTER SCHEMA "{schema}" OWNER TO {name}',
        'GRANT CREATE ON SCHEMA "{schema}" TO {name}',
        'CREATE FUNCTION "{schema}".to_jsonb(text) RETURNS jsonb RETURN NULL::jsonb;'
        ' ALTER FUNCTION "{schema}".to_jsonb(text) OWNER TO {name}',
        'CREATE TABLE "{schema}".schema_migration (); ALTER TABLE "{schema}".schema_migration OWNER TO {name}',
    ],
)
def test_a_schema_into_which_somebody_else_may_write_is_refused(empty: State, stranger: str, order: str) -> None:
    """Also by a superuser, who may use whatever anybody owns."""
    with psycopg.connect(empty.url, autocommit=True) as admin:
        admin.execute(order.replace("{schema}", SCHEMA).replace("{name}", stranger))

        with pytest.raises(errors.StateError, match=rf"is not ours alone: {stranger} may put functions there"):
            migrations.migrate(empty)

        made = admin.execute("SELECT count(*) FROM pg_class WHERE relname = 'installation'").fetchone()
    assert made == (0,)


def test_a_state_in_which_somebody_may_write_later_is_refused_too(empty: State) -> None:
    migrations.migrate(empty)
    with psycopg.connect(empty.url, autocommit=True) as admin:
        admin.execute(f'GRANT CREATE ON SCHEMA "{SCHEMA}" TO PUBLIC')
    with empty.connect("test") as connection, pytest.raises(errors.StateError, match="not ours alone: PUBLIC may"):
        migrations.check(connection, empty.schema)


def test_a_schema_of_a_role_that_ours_is_a_member_of_is_ours(empty: State, stranger: str) -> None:
    with psycopg.connect(empty.url, autocommit=True) as admin:
        admin.execute(f"GRANT {stranger} TO CURRENT_USER")
        admin.execute(f'ALTER SCHEMA "{SCHEMA}" OWNER TO {stranger}')
    assert migrations.migrate(empty)


@pytest.fixture
def two_migrations(state: State, monkeypatch: pytest.MonkeyPatch) -> State:
    """A state of a version that has a second migration."""
    later = (*sql.migrations(), (2, "0002_add_something", "CREATE TABLE something ()"))
    monkeypatch.setattr(sql, "migrations", lambda: later)
    migrations.migrate(state)
    return state


def test_an_older_schema_is_refused_with_the_command_that_helps(two_migrations: State) -> None:
    with two_migrations.connect("test") as connection:
        connection.execute("DROP TABLE something")
        connection.execute("DELETE FROM schema_migration WHERE number = 2")
        with pytest.raises(errors.SchemaVersionError, match=r"1 migration\(s\) behind; run `syncer migrate`"):
            migrations.check(connection, two_migrations.schema)
        assert [migration.number for migration in migrations.migrate(two_migrations)] == [2]
        migrations.check(connection, two_migrations.schema)


def test_a_newer_schema_is_refused(state: State) -> None:
    with state.connect("test") as connection:
        connection.execute("INSERT INTO schema_migration (number, name, checksum) VALUES (9999, 'future', '')")
        with pytest.raises(errors.SchemaVersionError, match="install a newer engage-syncer"):
            migrations.check(connection, state.schema)


def test_a_migration_that_was_changed_is_refused(two_migrations: State) -> None:
    with two_migrations.connect("test") as connection:
        connection.execute("UPDATE schema_migration SET checksum = 'other' WHERE number = 2")
        with pytest.raises(errors.SchemaVersionError, match=r"migration 0002_add_something is not the one .* install"):
            migrations.check(connection, two_migrations.schema)


@pytest.mark.parametrize("version", [1, 7])
def test_a_schema_from_before_the_first_release_is_refused_with_the_way_out(state: State, version: int) -> None:
    """Seven migrations stood where the first one stands now."""
    with state.connect("test") as connection:
        connection.execute("UPDATE schema_migration SET checksum = 'another'")
        connection.execute(
            "INSERT INTO schema_migration (number, name, checksum)"
            " SELECT n, 'before', n FROM generate_series(2, %s) AS n",
            [version],
        )
    with pytest.raises(
        errors.SchemaVersionError, match="before the first release, which cannot be upgraded"
    ) as refused:
        migrations.migrate(state)

    assert "0001_create_state is not the one that made the state schema 'syncer'" in str(refused.value)
    assert "name another schema (`state.schema`) and run `syncer migrate`" in str(refused.value)
    assert len(migrations.migrate(State(state.url, "another"))) == 1


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in migrations.known()] == list(range(1, len(migrations.known()) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", migration.name) for migration in migrations.known())


def test_every_table_view_and_column_of_a_view_says_what_it_is(state: State) -> None:
    with state.connect("test") as connection:
        silent = connection.execute(
            """
            SELECT pg_class.relname, pg_attribute.attname
            FROM pg_class
            LEFT JOIN pg_attribute
                ON pg_attribute.attrelid = pg_class.oid AND pg_attribute.attnum > 0 AND pg_class.relkind = 'v'
            WHERE pg_class.relnamespace = to_regnamespace(current_schema())
                AND pg_class.relkind IN ('r', 'p', 'v')
                AND pg_class.relname NOT IN (
                    'schema_migration', 'accepted_change', 'passed_change', 'approved_rollback'
                )
                AND (
                    obj_description(pg_class.oid, 'pg_class') IS NULL
                    OR (pg_class.relkind = 'v' AND col_description(pg_class.oid, pg_attribute.attnum) IS NULL)
                )
            """
        ).fetchall()
    assert silent == []


def test_the_data_model_names_every_table_and_view_once(state: State) -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", (QUERIES.parent / "README.md").read_text(), re.MULTILINE)
    described = [name for row in rows for name in re.findall(r"[a-z_]+", row)]
    with state.connect("test") as connection:
        made = connection.execute(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'p', 'v')"
        ).fetchall()
    statements = "".join(file.read_text() for file in QUERIES.rglob("*.sql"))
    private = re.findall(r"CREATE TEMPORARY TABLE (?:IF NOT EXISTS )?([a-z_]+)", statements)
    assert sorted(described) == sorted([name for (name,) in made] + private)


def test_every_statement_says_what_it_is_for() -> None:
    names = [file.stem for file in QUERIES.rglob("*.sql")]

    assert [name for name in names if not sql.query(name).splitlines()[1].startswith("-- ")] == []


def test_a_statement_lies_with_the_module_that_runs_it() -> None:
    elsewhere = []
    for folder in {file.parent for file in QUERIES.rglob("*.sql")}:
        room = SOURCES / folder.relative_to(QUERIES)
        modules = [room.with_suffix(".py")] if room.with_suffix(".py").exists() else list(room.rglob("*.py"))
        code = "".join(module.read_text() for module in modules)
        elsewhere += [file.stem for file in folder.glob("*.sql") if f'"{file.stem}"' not in code]

    assert elsewhere == []


def test_no_two_statements_share_a_name() -> None:
    names = [file.stem for file in QUERIES.rglob("*.sql")]

    assert len(names) == len(set(names))


def test_every_statement_that_the_code_names_exists() -> None:
    code = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    named = set(re.findall(r'\b(?:execute|fetch_[a-z]+)\(\s*[\w.]*connection,(?: \w[\w.]*,)? "([a-z_]+)"', code)) | set(
        re.findall(r'\bquery\("([a-z_]+)"\)', code)
    )

    assert named
    assert named <= {file.stem for file in QUERIES.rglob("*.sql")}
