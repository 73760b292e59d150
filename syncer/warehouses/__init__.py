"""The warehouse: the SQL database that is read, and only ever read. PostgreSQL in one file, every other
dialect in another.

What reads a kind of database is imported once one is opened: SQLAlchemy takes a fifth of a second.
"""

from collections.abc import Mapping

from syncer import mirrors, models
from syncer.addresses import POSTGRESQL, Address

_WAITS = models.Waits()


def open_warehouse(
    address: Address, connect_args: Mapping[str, object], waits: models.Waits = _WAITS
) -> models.Warehouse:
    """The warehouse at `address`. Connects only when it is read. Raises `ConfigError` if no driver fits, or its dialect
    finds something missing at once."""
    if address.drivername == POSTGRESQL:
        from syncer.warehouses import postgres

        return postgres.PostgresWarehouse(address, connect_args)
    from syncer.warehouses import by_dialect

    return by_dialect.open_warehouse(address, connect_args, waits)


def open_mirrors(
    address: Address, connect_args: Mapping[str, object], scratch: str, waits: models.Waits = _WAITS
) -> mirrors.Mirrors:
    """What keeps snapshots in the schema `scratch` of the warehouse at `address`. Connects only when it is used.

    Raises `ConfigError` for a kind of database in which that was not tried.
    """
    if address.drivername == POSTGRESQL:
        from syncer.warehouses import mirror_postgres

        return mirror_postgres.PostgresMirrors(address, connect_args, scratch)
    from syncer.warehouses import by_dialect

    return by_dialect.open_mirrors(address, connect_args, scratch, waits)


def why_no_mirrors(address: Address) -> str | None:
    """Why `open_mirrors` opens nothing for this kind of database; None if it does."""
    if address.drivername == POSTGRESQL:
        return None
    from syncer.warehouses import by_dialect

    return by_dialect.why_no_mirrors(address)


def missing_dialect(address: Address) -> str | None:
    """What to say of an address that nothing installed here can open; None if something can."""
    if address.drivername == POSTGRESQL:
        return None
    from syncer.warehouses import by_dialect

    return by_dialect.missing_dialect(address)
