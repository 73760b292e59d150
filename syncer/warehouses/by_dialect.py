"""Opens every database but PostgreSQL, by its SQLAlchemy dialect."""

from collections.abc import Mapping

from sqlalchemy import exc as sa_exc

from syncer import errors, mirrors, models
from syncer.addresses import Address
from syncer.warehouses import dialects, extras, generic, mirror_dialects, mirror_duckdb, mirror_generic
from syncer.warehouses.words import Words


def open_warehouse(address: Address, connect_args: Mapping[str, object], waits: models.Waits) -> models.Warehouse:
    """See `warehouses.open_warehouse`."""
    try:
        return generic.GenericWarehouse(address, connect_args, waits)
    except (sa_exc.NoSuchModuleError, ImportError) as exc:
        install = extras.installation(address.backend) or "install the SQLAlchemy dialect of that database"
        raise _problem(f"nothing installed here can open {address.drivername}:// ({exc}); {install}") from exc
    except (sa_exc.ArgumentError, TypeError, ValueError) as exc:
        # Their words may quote the URL, so they stay in the chain.
        raise _problem(
            f"this is not an address that {address.drivername} understands; compare it with the documentation of its"
            " SQLAlchemy dialect"
        ) from exc
    except Exception as exc:  # a dialect that opens its client at once misses credentials
        raise Words(address, connect_args).misconfigured(exc, None) from exc


def open_mirrors(
    address: Address, connect_args: Mapping[str, object], scratch: str, waits: models.Waits
) -> mirrors.Mirrors:
    """See `warehouses.open_mirrors`."""
    if address.backend == "duckdb":
        return mirror_duckdb.DuckdbMirrors(address, connect_args, waits, scratch)
    if address.backend in mirror_dialects.FACTS:
        return mirror_generic.GenericMirrors(address, connect_args, waits, scratch)
    words = f"{why_no_mirrors(address)}; leave it out, and runs read everything"
    raise errors.ConfigError([errors.Problem("warehouse.scratch", words)])


def why_no_mirrors(address: Address) -> str | None:
    """See `warehouses.why_no_mirrors`."""
    if address.backend in ("duckdb", *mirror_dialects.FACTS):
        return None
    return f"this version cannot compare in {address.drivername}"


def missing_dialect(address: Address) -> str | None:
    """See `warehouses.missing_dialect`."""
    try:
        dialects.url(address).get_dialect()
    except (sa_exc.NoSuchModuleError, ImportError):
        brought = extras.installation(address.backend)
        return f"no SQLAlchemy dialect `{address.drivername}` is installed; " + (
            brought or "install the package that brings it beside syncer, or correct what stands before `://`"
        )
    return None


def _problem(message: str) -> errors.ConfigError:
    return errors.ConfigError([errors.Problem("warehouse.url", message)])
