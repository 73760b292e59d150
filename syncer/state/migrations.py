"""Brings the state schema to the version of this code: numbered files, forward only, checksummed.

Owns the ledger of what was applied. The files are in `sql/migrations`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import LiteralString

import psycopg
import psycopg.sql

from syncer import errors, sql
from syncer.state import Connection, State, execute, fetch_value, fetch_values, locks

_ATTEMPTS = 5

_BEGUN_BY_ANOTHER = (psycopg.errors.DuplicateSchema, psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation)
"""What a first migration meets if another process makes the same schema: there is nothing yet that could be locked."""

WAIT_SECONDS = 30.0
"""Seconds for which a migration waits for another one, and for every lock that it needs."""

_CHANGED = "; install the released engage-syncer again, then run `syncer migrate`"
_BEFORE_THE_FIRST_RELEASE = (
    ": the schema is from a version before the first release, which cannot be upgraded; name another schema"
    " (`state.schema`) and run `syncer migrate`: the first run there tells every member again"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name, its statements and the checksum that proves that it is still the same."""

    number: int
    name: str
    text: LiteralString

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def known() -> list[Migration]:
    """Every migration that this version has, in order."""
    return [Migration(*file) for file in sql.migrations()]


def pending(connection: Connection, schema: str) -> list[Migration]:
    """What is still to be applied. Raises `SchemaVersionError` for a schema that is not an older version of ours, and
    `StateError` for one that is not ours alone.
    """
    _refuse_strangers(connection, schema)
    applied = _applied(connection, schema)
    ours = known()
    for migration, checksum in zip(ours, applied, strict=False):
        if migration.checksum != checksum:
            raise errors.SchemaVersionError(
                f"migration {migration.name} is not the one that made the state schema {schema!r}"
                + (_BEFORE_THE_FIRST_RELEASE if migration is ours[0] else _CHANGED)
            )
    if len(applied) > len(ours):
        raise errors.SchemaVersionError(
            f"the state schema {schema!r} is at version {len(applied)}, this syncer knows only {len(ours)};"
            " install a newer engage-syncer (`pip install -U engage-syncer`)"
        )
    return ours[len(applied) :]


def check(connection: Connection, schema: str) -> None:
    """Refuses a schema that is missing, older or newer, and names the command that helps."""
    missing = pending(connection, schema)
    if missing:
        state = "does not exist" if len(missing) == len(known()) else f"is {len(missing)} migration(s) behind"
        raise errors.SchemaVersionError(f"the state schema {schema!r} {state}; run `syncer migrate`")


def refuse_read_only(connection: Connection) -> None:
    """Raises `StateError` if the state can be read, but not written now."""
    if fetch_value(connection, "is_read_only"):
        raise errors.StateError(
            "the state database is read-only now, a standby or a server in the middle of a failover; name the server"
            " that takes writes (`state.url`), or wait until this one does"
        )


def migrate(state: State) -> Sequence[Migration]:
    """Applies what is pending, all or nothing, and returns it. Safe to run from several processes at once.

    Raises `StateError` that names whoever keeps it waiting.
    """
    with state.connect("migrate") as connection:
        for _ in range(_ATTEMPTS - 1):
            with suppress(*_BEGUN_BY_ANOTHER):
                return _migrate(connection, state.schema)
        return _migrate(connection, state.schema)


def _migrate(connection: Connection, schema: str) -> Sequence[Migration]:
    with connection.transaction():
        refuse_read_only(connection)
        if not pending(connection, schema):
            return []
        with locks.changing_tables(connection, WAIT_SECONDS):
            if _exists(connection, schema):
                execute(connection, "lock_migrations")
            missing = pending(connection, schema)
            for statement, parameters in _steps(connection, schema, missing):
                connection.execute(statement, parameters)
        return missing


def script(state: State) -> str:
    """All that `migrate` would run, for psql; empty if the schema is up to date."""
    with state.connect("migrate") as connection:
        missing = pending(connection, state.schema)
        cursor = psycopg.ClientCursor(connection)
        steps = [cursor.mogrify(*step) for step in _steps(connection, state.schema, missing)]
    settings = [
        f"SET LOCAL search_path TO {psycopg.sql.Identifier(state.schema).as_string()};",
        "SET LOCAL standard_conforming_strings = on;",
    ]
    return "\n".join(["BEGIN;", *settings, *(f"{step.rstrip()};" for step in steps), "COMMIT;"]) if steps else ""


def _steps(
    connection: Connection, schema: str, missing: Sequence[Migration]
) -> Iterator[tuple[psycopg.sql.Composed | LiteralString, dict[str, object] | None]]:
    _refuse_strangers(connection, schema, "list_object_owners")
    if len(missing) == len(known()):
        if not fetch_value(connection, "find_schema", {"schema": schema}):
            yield psycopg.sql.SQL(sql.query("create_schema")).format(schema=psycopg.sql.Identifier(schema)), None
        yield sql.query("create_schema_migration"), None
    for migration in missing:
        yield migration.text, None
        named = {"number": migration.number, "name": migration.name, "checksum": migration.checksum}
        yield sql.query("add_schema_migration"), named


def _refuse_strangers(connection: Connection, schema: str, *more: str) -> None:
    """`more` are statements that find further owners."""
    owners = psycopg.sql.SQL("").join(psycopg.sql.SQL(f"UNION\n{sql.query(name)}") for name in more)
    strangers = fetch_values(connection, "find_strangers", {"schema": schema}, more=owners)
    if strangers:
        raise errors.StateError(
            f"the state schema {schema!r} is not ours alone: {', '.join(strangers)} may put functions there, which"
            " would run with our rights. Let the role of `state.url` own the schema and all that is in it (ALTER SCHEMA"
            " … OWNER TO …), and nobody else create there (REVOKE CREATE ON SCHEMA … FROM …), or name another"
            " `state.schema`"
        )


def _applied(connection: Connection, schema: str) -> list[str]:
    return fetch_values(connection, "list_schema_migrations") if _exists(connection, schema) else []


def _exists(connection: Connection, schema: str) -> bool:
    """Whether a migration was ever applied."""
    table = psycopg.sql.Identifier(schema, "schema_migration").as_string(connection)
    return bool(fetch_value(connection, "find_table", {"table": table}))
