"""The warehouse: the SQL database that is read, and only ever read. PostgreSQL in one file, every other
dialect in another.
"""

from collections.abc import Mapping

import sqlalchemy
from sqlalchemy import exc as sa_exc

from syncer import errors, models
from syncer.warehouses import generic, postgres


def open_warehouse(url: sqlalchemy.URL, connect_args: Mapping[str, object]) -> models.Warehouse:
    """The warehouse at `url`. Connects only when it is read. Raises `WarehouseError` if no driver fits."""
    try:
        if (url.get_backend_name(), url.get_driver_name()) == ("postgresql", "psycopg"):
            return postgres.PostgresWarehouse(url, connect_args)
        return generic.GenericWarehouse(url, connect_args)
    except (sa_exc.NoSuchModuleError, ModuleNotFoundError) as exc:
        raise errors.WarehouseError(
            f"warehouse.url: nothing installed here can open {url.drivername}:// ({exc}); "
            f"install the SQLAlchemy dialect of that database, {_distribution(url)}"
        ) from exc
    except (sa_exc.ArgumentError, TypeError, ValueError) as exc:
        # Their words may quote the URL, so they stay in the chain.
        raise errors.WarehouseError(
            f"warehouse.url: this is not an address that {url.drivername} understands; compare it with the "
            "documentation of its SQLAlchemy dialect"
        ) from exc


def _distribution(url: sqlalchemy.URL) -> str:
    if url.get_backend_name() == "duckdb":
        return "pip install 'engage-syncer[duckdb]'"
    return "for example pip install snowflake-sqlalchemy, sqlalchemy-bigquery, pymysql or sqlalchemy-redshift"
