"""The warehouse: the SQL database that is read, and only ever read. PostgreSQL in one file, every other
dialect in another.
"""

from collections.abc import Mapping

import sqlalchemy
from sqlalchemy import exc as sa_exc

from syncer import errors, mirrors, models
from syncer.warehouses import (
    drivers,
    generic,
    mirror_dialects,
    mirror_duckdb,
    mirror_generic,
    mirror_postgres,
    postgres,
)
from syncer.warehouses.words import Words

_WAITS = models.Waits()


def open_warehouse(
    url: sqlalchemy.URL, connect_args: Mapping[str, object], waits: models.Waits = _WAITS
) -> models.Warehouse:
    """The warehouse at `url`. Connects only when it is read. Raises `ConfigError` if no driver fits, or its dialect
    finds something missing at once."""
    try:
        if (url.get_backend_name(), url.get_driver_name()) == ("postgresql", "psycopg"):
            return postgres.PostgresWarehouse(url, connect_args)
        return generic.GenericWarehouse(url, connect_args, waits)
    except (sa_exc.NoSuchModuleError, ImportError) as exc:
        install = drivers.installation(url.get_backend_name()) or "install the SQLAlchemy dialect of that database"
        raise _problem(f"nothing installed here can open {url.drivername}:// ({exc}); {install}") from exc
    except (sa_exc.ArgumentError, TypeError, ValueError) as exc:
        # Their words may quote the URL, so they stay in the chain.
        raise _problem(
            f"this is not an address that {url.drivername} understands; compare it with the documentation of its"
            " SQLAlchemy dialect"
        ) from exc
    except Exception as exc:  # a dialect that opens its client at once misses credentials
        raise Words(url, connect_args).misconfigured(exc, None) from exc


def open_mirrors(
    url: sqlalchemy.URL, connect_args: Mapping[str, object], scratch: str, waits: models.Waits = _WAITS
) -> mirrors.Mirrors:
    """What keeps snapshots in the schema `scratch` of the warehouse at `url`. Connects only when it is used.

    Raises `ConfigError` for a kind of database in which that was not tried.
    """
    if (url.get_backend_name(), url.get_driver_name()) == ("postgresql", "psycopg"):
        return mirror_postgres.PostgresMirrors(url, connect_args, scratch)
    if url.get_backend_name() == "duckdb":
        return mirror_duckdb.DuckdbMirrors(url, connect_args, waits, scratch)
    if url.get_backend_name() in mirror_dialects.FACTS:
        return mirror_generic.GenericMirrors(url, connect_args, waits, scratch)
    words = f"{why_no_mirrors(url)}; leave it out, and runs read everything"
    raise errors.ConfigError([errors.Problem("warehouse.scratch", words)])


def why_no_mirrors(url: sqlalchemy.URL) -> str | None:
    """Why `open_mirrors` opens nothing for this kind of database; None if it does."""
    backend = url.get_backend_name()
    if backend in ("duckdb", *mirror_dialects.FACTS) or (backend, url.get_driver_name()) == ("postgresql", "psycopg"):
        return None
    return f"this version cannot compare in {url.drivername}"


def _problem(message: str) -> errors.ConfigError:
    return errors.ConfigError([errors.Problem("warehouse.url", message)])
