"""A session with a database through its SQLAlchemy dialect, in a thread of its own: see `waiting`."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy

from syncer import errors, models
from syncer.warehouses import dialects, drivers, extras
from syncer.warehouses.waiting import Caller
from syncer.warehouses.words import Words

Result = TypeVar("Result")


class Session:
    """Everything that its connection does is done by `call`. Rows come `partition` by partition.

    Reads only, unless it has other `first` statements than those of its dialect.
    """

    def __init__(
        self, engine: sqlalchemy.Engine, words: Words, waits: models.Waits, first: Sequence[str] | None = None
    ) -> None:
        self._engine = engine
        self._words = words
        self._waits = waits
        self._first = dialects.BEGIN.get(engine.dialect.name, ()) if first is None else first
        self._caller = Caller("warehouse")
        self._connection: sqlalchemy.Connection | None = None
        self._is_reading = False
        self.partition = drivers.partition(engine.dialect.name)
        self._streamed = {"stream_results": True, "yield_per": self.partition}

    def begin(self) -> None:
        """Connects, and begins what all is read in. Raises `ConfigError` if something is missing or wrong here."""
        url = self._engine.url
        try:
            self._caller.call(self._begin, self._waits.opening or drivers.opening_seconds(url))
        except errors.SyncerError:
            raise
        except Exception as exc:
            if drivers.is_misconfigured(exc):
                raise self._words.misconfigured(exc, extras.installation(url.get_backend_name())) from exc
            raise self._words.unreachable(exc) from exc

    def call(self, work: Callable[[sqlalchemy.Connection], Result]) -> Result:
        """What `work` does with the connection."""
        return self._caller.call(lambda: work(self._begun), self._waits.silence)

    def execute(self, statement: str | sqlalchemy.Select[Any]) -> sqlalchemy.CursorResult[Any]:
        """The result, streamed, of the user's own text as it stands, or of a statement of ours in the dialect's
        quoting. Unless it is ended, the connection is cut off when it is closed."""

        def execute(connection: sqlalchemy.Connection) -> sqlalchemy.CursorResult[Any]:
            if isinstance(statement, str):
                return connection.exec_driver_sql(statement, execution_options=as_it_stands)
            return connection.execute(statement, execution_options=self._streamed)

        # Else a driver could take a `%` in the user's own text for a placeholder.
        as_it_stands = {**self._streamed, "no_parameters": True}
        result = self.call(execute)
        self._is_reading = True
        return result

    def end(self, result: sqlalchemy.CursorResult[Any]) -> None:
        """Closes a result of which nothing is left: a session may have one cursor only."""
        with suppress(Exception):
            self.call(lambda _: result.close())
            self._is_reading = False

    def close(self) -> None:
        """Lets go of the connection."""
        self._caller.close(self._let_go, self._interrupt)

    def _begin(self) -> None:
        connection = self._connection = self._engine.connect()
        for wish in dialects.WISHES.get(connection.dialect.name, ()):
            with suppress(sqlalchemy.exc.DBAPIError):
                connection.exec_driver_sql(wish).close()
        for statement in self._first:
            connection.exec_driver_sql(statement).close()
        if not self._first:  # some drivers connect with the first statement
            connection.execute(sqlalchemy.select(sqlalchemy.literal_column("1"))).close()

    @property
    def _begun(self) -> sqlalchemy.Connection:
        if self._connection is None:
            raise errors.WarehouseError("the reading of the warehouse has not begun")
        return self._connection

    def _let_go(self) -> None:
        connection = self._connection
        if connection is None:
            return
        if self._is_reading:  # some drivers would read what is left of a result to close it
            with suppress(Exception):
                drivers.abandon(connection.connection.driver_connection)
            with suppress(Exception):
                connection.invalidate()
        connection.close()

    def _interrupt(self) -> None:
        if self._connection is not None:
            drivers.interrupt(self._connection.connection.driver_connection)
