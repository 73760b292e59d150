"""Which extra of ours brings the driver of a database."""

from collections.abc import Mapping

EXTRAS: Mapping[str, str] = {
    "duckdb": "duckdb",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "databricks": "databricks",
    "redshift": "redshift",
    "mysql": "mysql",
    "mariadb": "mysql",
    "trino": "trino",
    "clickhousedb": "clickhouse",
    "hive": "spark",
    "mssql": "mssql",
    "oracle": "oracle",
}
"""The extra of ours that brings what a URL of this backend needs."""


def installation(backend: str) -> str | None:
    """How to install what opens a URL of this backend; None if no extra of ours does."""
    name = EXTRAS.get(backend)
    return None if name is None else f"pip install 'engage-syncer[{name}]'"
