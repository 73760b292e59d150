"""Asks a database for the rows that may be about some people, in SQL that any dialect understands: see `patterns`."""

import sqlalchemy
from sqlalchemy.engine.interfaces import Dialect

from syncer import models
from syncer.warehouses import base, patterns, tables

Statement = str | tables.Select


def only(dialect: Dialect, statement: Statement, people: models.People, found: base.Columns) -> Statement:
    """The statement for these people. A query of the user's stands inside of it."""
    about = _about(dialect, people, found)
    if isinstance(statement, str):
        return f"SELECT * FROM (\n{statement}\n) q WHERE {about}"  # nosec B608 # the user's own query, and letters
    return statement.where(sqlalchemy.text(about))


def names(dialect: Dialect, statement: Statement, found: base.Columns) -> Statement | None:
    """Asks for the names of the audiences that the rows of a statement have; None if they have none."""
    if found.audience is None:
        return None
    name = tables.named(dialect, base.TablePart(found.audience, quoted=False))
    if isinstance(statement, str):
        return f"SELECT DISTINCT {name} FROM (\n{statement}\n) q"  # nosec B608 # the user's own query
    return statement.with_only_columns(sqlalchemy.literal_column(name)).distinct()


def _about(dialect: Dialect, people: models.People, found: base.Columns) -> str:
    looked_for = ((found.email, patterns.email_patterns(people)), (found.user_id, patterns.user_patterns(people.users)))
    wanted = [f"{_text(dialect, column)} LIKE '{pattern}'" for column, each in looked_for if column for pattern in each]
    return " OR ".join(wanted) or "1 = 0"


def _text(dialect: Dialect, column: str) -> str:
    """SQL for the text of a column in lower case; where I is no capital i, LOWER would not find one."""
    name = tables.named(dialect, base.TablePart(column, quoted=False))
    match dialect.name:
        case "clickhousedb":  # a cast of nothing to text is an error
            written = f"toString({name})"
        case "mysql" | "mariadb":
            written = f"CAST({name} AS CHAR)"
        case "oracle":
            written = f"CAST({name} AS VARCHAR2(4000))"
        case "mssql":
            written = f"CAST({name} AS NVARCHAR(4000))"
        case "redshift":
            written = f"CAST({name} AS VARCHAR(65535))"
        case "bigquery" | "databricks" | "hive":
            written = f"CAST({name} AS STRING)"
        case _:
            written = f"CAST({name} AS VARCHAR)"
    return f"LOWER(REPLACE({written}, 'I', 'i'))"
