"""How an Amazon Redshift is recognised that is called a PostgreSQL.

It speaks PostgreSQL's protocol, but knows neither its `COPY` to the client, nor several cursors, nor its settings.
"""

from syncer import errors
from syncer.warehouses import extras

ASK = "SELECT pg_catalog.version()"
"""Asks for a text that names Redshift where it is one."""

BEFORE = 90_000
"""It calls itself a PostgreSQL before this version, which no PostgreSQL of today does."""


def refuse(version: object) -> None:
    """Raises `ConfigError` if this text is the version of a Redshift."""
    if "redshift" in str(version).lower():
        raise errors.ConfigError(
            [
                errors.Problem(
                    "warehouse.url",
                    "this is an Amazon Redshift, which is not read as a PostgreSQL is: write redshift+psycopg2:// in"
                    f" place of what stands before ://; {extras.installation('redshift')}",
                )
            ]
        )
