"""Any database with a SQLAlchemy dialect as a warehouse: see `reading` for how its rows come.

A third-party driver may raise anything, so every `Exception` that comes out of one is translated.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import sqlalchemy
from sqlalchemy import pool

from syncer import errors, models
from syncer.addresses import Address
from syncer.encryption import clear_text
from syncer.warehouses import base, dialects, drivers
from syncer.warehouses.reading import GenericReading
from syncer.warehouses.words import Words


class GenericWarehouse:
    """See `models.Warehouse`."""

    def __init__(self, address: Address, connect_args: Mapping[str, object], waits: models.Waits) -> None:
        self._words = Words(address, connect_args)
        self._waits = waits
        url = dialects.url(address)
        self._engine = sqlalchemy.create_engine(
            url,
            connect_args=drivers.connect_args(url, dialects.connect_args(address, connect_args)),
            poolclass=pool.NullPool,
            hide_parameters=True,
        )
        dialects.prepare(self._engine)

    @contextmanager
    def reading(self, sources: Sequence[models.Source] = ()) -> Iterator[models.Reading]:  # noqa: ARG002
        """See `models.Warehouse`."""
        with self._open() as reading:
            yield reading

    def table_in_state(self, source: models.Source, state_lock: int) -> models.TableInState | None:  # noqa: ARG002
        """Always None: the state is a PostgreSQL."""
        return None

    def problems(self, sources: Sequence[models.Source]) -> list[tuple[str, str]]:
        """See `models.Warehouse`. A view for each source: the failure of one says nothing of the next."""
        try:
            with self._open():
                pass
        except errors.ConfigError as exc:
            return [(each.path, each.message) for each in exc.problems]
        except errors.WarehouseError as exc:
            return [base.problem("warehouse.url", exc)]
        return [problem for source in sources for problem in self._problems(source)]

    def caveats(self) -> list[str]:
        """See `models.Warehouse`."""
        name = self._engine.dialect.name
        found: list[str | None] = [self._clear_text(), drivers.caveat(self._engine.url)]
        if name not in dialects.BEGIN:
            found.append(
                f"{name} is read one statement a source, each as of its own moment: syncer knows no snapshot of several"
                " statements there"
            )
        return [said for said in found if said is not None]

    def close(self) -> None:
        """See `models.Warehouse`."""
        self._engine.dispose()

    def _clear_text(self) -> str | None:
        """What to say of a session that is not encrypted, as far as the dialect lets us see it."""
        ask = dialects.CIPHER.get(self._engine.dialect.name)
        if ask is None:
            return None
        try:
            with self._open() as reading:
                is_encrypted = reading.has_cipher(ask)
        except errors.SyncerError:  # one of its problems
            return None
        return clear_text(self._engine.url.host or "", encrypted=is_encrypted)

    def _problems(self, source: models.Source) -> list[tuple[str, str]]:
        try:
            with suppress(errors.WarehouseError), self._open() as reading:
                reading.check(source, wrapped=True)
                return []
            # Not every query may stand inside another: what fails there is run as it is, and not read.
            with self._open() as reading:
                reading.check(source, wrapped=False)
        except errors.WarehouseError as exc:
            return base.problems_of(source, exc)
        return []

    @contextmanager
    def _open(self) -> Iterator[GenericReading]:
        reading = GenericReading(self._engine, self._words, self._waits)
        try:
            reading.begin()
            yield reading
        finally:
            reading.close()
