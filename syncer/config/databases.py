"""Addresses of databases, as SQLAlchemy and PostgreSQL's client library understand them."""

from typing import Annotated

import psycopg
import psycopg.conninfo
import sqlalchemy
import sqlalchemy.exc
from pydantic import AfterValidator, BeforeValidator, Secret, SecretStr, ValidationInfo

from syncer import fields
from syncer.warehouses import drivers


class DatabaseUrl(Secret[sqlalchemy.URL]):
    """A database's address. Prints without its password and without its options, which may hold tokens."""

    def _display(self) -> str:
        return self.get_secret_value().set(query={}).render_as_string(hide_password=True)


def conninfo(url: sqlalchemy.URL) -> str:
    """The address as psycopg's connection string."""
    _, parameters = url.set(drivername="postgresql+psycopg").get_dialect()().create_connect_args(url)
    return psycopg.conninfo.make_conninfo("", **parameters)


def _parsed_url(value: object, info: ValidationInfo) -> DatabaseUrl:
    """Never repeats the URL in a message: in one that cannot be parsed, the password can be anywhere."""
    text = fields.text(value)
    try:
        url = sqlalchemy.make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise ValueError(
            'is not a database URL; write it like "postgresql://reader@db.internal:5432/analytics"'
            " and put a password with special characters into `password` beside it"
        ) from None
    if "@" in (url.host or ""):  # then the last part of a password is taken for one of the host's name
        raise ValueError(
            "holds more than one @; put a password with special characters into `password` beside it, or write %40"
        )
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    _check_dialect(url)
    return DatabaseUrl(_with_password(url, info.data.get("password")))


def _check_dialect(url: sqlalchemy.URL) -> None:
    try:
        url.get_dialect()
    except (sqlalchemy.exc.NoSuchModuleError, ImportError):
        brought = drivers.installation(url.get_backend_name())
        raise ValueError(
            f"no SQLAlchemy dialect `{url.drivername}` is installed; "
            + (brought or "install the package that brings it beside syncer, or correct what stands before `://`")
        ) from None


def _with_password(url: sqlalchemy.URL, password: SecretStr | None) -> sqlalchemy.URL:
    if password is None:
        return url
    if url.password is not None:
        raise ValueError("holds a password and `password` stands beside it; keep one of them")
    return url.set(password=password.get_secret_value())


def _state_url(url: DatabaseUrl) -> DatabaseUrl:
    if url.get_secret_value().get_backend_name() != "postgresql":
        raise ValueError(
            'must be PostgreSQL, such as "postgresql://syncer@db.internal/syncer"; leave it out for the embedded one'
        )
    try:
        conninfo(url.get_secret_value())
    except (psycopg.ProgrammingError, sqlalchemy.exc.ArgumentError):
        raise ValueError(
            "holds options that PostgreSQL's client library does not know; correct what stands after `?`"
        ) from None
    return DatabaseUrl(url.get_secret_value().set(drivername="postgresql+psycopg"))


WarehouseUrl = Annotated[DatabaseUrl, BeforeValidator(_parsed_url, json_schema_input_type=str)]
StateUrl = Annotated[WarehouseUrl, AfterValidator(_state_url)]
