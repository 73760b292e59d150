"""Addresses of databases, as the configuration has them."""

import re
from dataclasses import replace
from typing import Annotated

import psycopg
import psycopg.conninfo
from pydantic import AfterValidator, BeforeValidator, Secret, SecretStr, ValidationInfo

from syncer import addresses, fields, warehouses
from syncer.addresses import Address

_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
"""What PostgreSQL's client library reads only when it connects, which is too late to say where it stands."""
_WHOLE = re.compile("[+-]?[0-9]{1,9}")


class DatabaseUrl(Secret[Address]):
    """A database's address. Prints without its password and without its options, which may hold tokens."""

    def _display(self) -> str:
        return str(self.get_secret_value())


def conninfo(address: Address) -> str:
    """The address as psycopg's connection string."""
    return psycopg.conninfo.make_conninfo("", **addresses.libpq(address))


def _parsed_url(value: object, info: ValidationInfo) -> DatabaseUrl:
    """Never repeats the URL in a message: in one that cannot be parsed, the password can be anywhere."""
    text = fields.text(value)
    try:
        address = addresses.parse(text)
    except ValueError:
        raise ValueError(
            'is not a database URL; write it like "postgresql://reader@db.internal:5432/analytics"'
            " and put a password with special characters into `password` beside it"
        ) from None
    if "@" in (address.host or ""):  # then the last part of a password is taken for one of the host's name
        raise ValueError(
            "holds more than one @; put a password with special characters into `password` beside it, or write %40"
        )
    if address.drivername in ("postgres", "postgresql"):
        address = addresses.of_postgresql(address)
    if address.drivername == addresses.POSTGRESQL:
        _refuse_unknown_options(address)
    problem = warehouses.missing_dialect(address)
    if problem:
        raise ValueError(problem)
    return DatabaseUrl(_with_password(address, info.data.get("password")))


def _with_password(address: Address, password: SecretStr | None) -> Address:
    if password is None:
        return address
    if address.password is not None:
        raise ValueError("holds a password and `password` stands beside it; keep one of them")
    return replace(address, password=password.get_secret_value())


def _state_url(url: DatabaseUrl) -> DatabaseUrl:
    address = url.get_secret_value()
    if address.backend != "postgresql":
        raise ValueError(
            'must be PostgreSQL, such as "postgresql://syncer@db.internal/syncer"; leave it out for the embedded one'
        )
    _refuse_unknown_options(address)
    return DatabaseUrl(addresses.of_postgresql(address))


def _refuse_unknown_options(address: Address) -> None:
    """Does not repeat them: they may hold tokens."""
    try:
        options = psycopg.conninfo.conninfo_to_dict(conninfo(address))
    except (psycopg.ProgrammingError, ValueError):
        raise ValueError(
            "holds options that PostgreSQL's client library does not know; correct what stands after `?`"
        ) from None
    for name in _NUMBERS:
        if not _WHOLE.fullmatch(str(options.get(name) or 0)):
            raise ValueError(f"holds a `{name}` that is no whole number; correct what stands after `?`")


WarehouseUrl = Annotated[DatabaseUrl, BeforeValidator(_parsed_url, json_schema_input_type=str)]
StateUrl = Annotated[WarehouseUrl, AfterValidator(_state_url)]
