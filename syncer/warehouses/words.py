"""The database's own words, as an error of ours says them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from syncer import errors, models
from syncer.addresses import Address
from syncer.secrets import Secrets
from syncer.warehouses.base import name_of

_SECRET_KEYS = ("password", "passwd", "pwd", "passphrase", "token", "secret", "key", "credential", "authorization")

_FRAME = re.compile(r"(at|File|Caused by:) ")
"""How a line of a program's stack begins."""

_MOST = 500
_END = 120
"""Characters that are kept of a text, and of them those of its end."""


class Words:
    """The database's own words in one line, without the connection's secrets."""

    def __init__(self, address: Address, connect_args: Mapping[str, object]) -> None:
        self.place = _place(address)
        given = {**address.query, **connect_args, "password": address.password}
        named = (address.username, address.database, address.host)
        # A password that is also the user's or database's name would only make the sentence unreadable.
        self._secrets = Secrets(value for value in _secret_values(given) if value not in named)

    def of(self, failure: BaseException) -> str:
        """The first line that says anything, and those that it announces."""
        cause = getattr(failure, "orig", None) or failure  # SQLAlchemy keeps the driver's own error
        stripped = (line.strip() for line in _said(cause).splitlines())
        lines = (line for line in stripped if line and not _FRAME.match(line))
        text = next(lines, type(cause).__name__)
        while text.endswith(":") and (more := next(lines, None)):
            text = f"{text} {more}"
        return _shortened(self._secrets.struck(text)).rstrip(".")

    def misconfigured(self, failure: BaseException, install: str | None) -> errors.ConfigError:
        """The error for a driver that misses something: a package, a credential, an option."""
        missing = f"{self.place} cannot be opened: {self.of(failure)}; "
        if isinstance(failure, ImportError):
            way_out = install or "install what the driver needs"
        else:
            way_out = "correct the credentials and options in the address or in connect_args"
        return errors.ConfigError([errors.Problem("warehouse.url", missing + way_out)])

    def unreachable(self, failure: BaseException) -> errors.WarehouseError:
        """The error for a connection that cannot be opened."""
        return errors.WarehouseError(
            f"warehouse.url: cannot open {self.place}: {self.of(failure)}; "
            "check the address, the user and the password, and that the database runs"
        )

    def unconfirmed(self, failure: BaseException) -> errors.WarehouseError:
        """The error for a reading of which nobody can say whether it is whole."""
        words = self.of(failure)
        return errors.WarehouseError(f"warehouse.url: the reading of {self.place} broke off: {words}", quoted=words)

    def broken(self, source: models.Source, failure: BaseException, rows: int | None = None) -> errors.WarehouseError:
        """The error for a source that cannot be read, or not to its end."""
        after = f" after {rows} rows" if rows else ""
        words = self.of(failure)
        return errors.WarehouseError(f"{source.path}: reading {name_of(source)} failed{after}: {words}", quoted=words)


def _said(cause: BaseException) -> str:
    """The server's own text, where its driver wraps it in more."""
    first: Any = cause.args[0] if cause.args else None
    if isinstance(first, int) and len(cause.args) > 1:  # MySQL: its number stands before its words, or in them
        said = str(cause.args[1])
        return said if str(first) in said else f"{said} ({first})"
    if isinstance(first, Mapping) and first.get("M"):  # redshift_connector: the fields of PostgreSQL's protocol
        return str(first["M"])
    status = getattr(first, "status", None)  # PyHive: an answer of Thrift's
    return str(getattr(status, "errorMessage", None) or cause)


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - _END]} … {text[-_END:]}"


def _secret_values(given: Mapping[str, object]) -> Iterator[str]:
    """What options hold whose names say that it is secret, also inside of others."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from _secret_values(value)
        elif value and any(word in str(key).lower() for word in _SECRET_KEYS):
            yield from map(str, value if isinstance(value, list | tuple) else [value])


def _place(address: Address) -> str:
    host = f"{address.host}:{address.port}" if address.host and address.port else address.host
    return " ".join(part for part in (address.backend, "database", address.database, host and f"at {host}") if part)
