"""Addresses of databases, as SQLAlchemy writes them; those of PostgreSQL also as its client library takes them.

A PostgreSQL is read without SQLAlchemy, which takes a fifth of a second to be imported.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote, unquote

POSTGRESQL = "postgresql+psycopg"
"""The driver by which a PostgreSQL is read: ours, not SQLAlchemy's."""

_FORM = re.compile(
    r"""
    (?P<drivername>[\w+]+)://
    (?: (?P<username>[^:/]*) (?: :(?P<password>[^@]*) )? @ )?
    (?: \[(?P<in_brackets>[^/?]+)\] | (?P<host>[^/:?]+) )?
    (?: :(?P<port>[^/?]*) )?
    (?: /(?P<database>[^?]*) )?
    (?: \?(?P<query>.*) )?
    """,
    re.VERBOSE,
)
_HOST_WITH_PORT = re.compile(r"[a-zA-Z0-9.-]*:[0-9]*")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address. Is shown without its password, and without its options, which may hold tokens."""

    drivername: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def backend(self) -> str:
        """The kind of database."""
        return self.drivername.partition("+")[0]

    def __str__(self) -> str:
        password = "" if self.password is None else ":***"
        user = "" if self.username is None else f"{quote(self.username, safe=' +')}{password}@"
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host or ""
        port = "" if self.port is None else f":{self.port}"
        database = "" if self.database is None else f"/{quote(self.database, safe=' +/')}"
        return f"{self.drivername}://{user}{host}{port}{database}"


def parse(text: str) -> Address:
    """The address that is written so. Raises `ValueError`, which does not repeat it."""
    found = _FORM.match(text)
    if found is None:
        raise ValueError("is not the address of a database")
    try:
        port = int(found["port"]) if found["port"] else None
    except ValueError:
        raise ValueError("has a port that is no number") from None
    options = parse_qs(found["query"] or "")
    return Address(
        found["drivername"],
        _unquoted(found["username"]),
        _unquoted(found["password"]),
        found["host"] or found["in_brackets"],
        port,
        _unquoted(found["database"]),
        {key: values[0] if len(values) == 1 else tuple(values) for key, values in options.items()},
    )


def libpq(address: Address) -> dict[str, Any]:
    """The parameters of PostgreSQL's client library. Raises `ValueError` for hosts and ports that do not fit."""
    named = {
        "host": address.host,
        "port": address.port,
        "dbname": address.database,
        "user": address.username,
        "password": address.password,
    }
    found: dict[str, Any] = {key: value for key, value in {**named, **address.query}.items() if value}
    hosts, ports = _hosts(address)
    if not all(port.isdecimal() for port in ports if port):
        raise ValueError("has a port that is no number")
    if ports and len(ports) != max(len(hosts), 1):
        raise ValueError("has not as many ports as hosts")
    if len(hosts) > 1:
        ports = ports or [""] * len(hosts)  # a port that the address has beside is that of its own host
    if hosts:
        found["host"] = ",".join(hosts)
    if any(ports) or len(ports) > 1:
        found["port"] = ",".join(ports)
    return found


def _hosts(address: Address) -> tuple[Sequence[str], Sequence[str]]:
    """The hosts among the options, and their ports: `host=a,b&port=1,2`, `host=a:1&host=b:2` or `host=a:1`."""
    hosts, ports = _each(address.query.get("host")), _each(address.query.get("port"))
    if isinstance(address.query.get("host"), tuple):
        if ports:
            raise ValueError("names ports twice")
    elif ports or len(hosts) != 1 or not _HOST_WITH_PORT.fullmatch(hosts[0]):
        return hosts, ports
    split = [host.partition(":") for host in hosts]
    return [host for host, _, _ in split], [port for _, _, port in split]


def of_postgresql(address: Address) -> Address:
    """The same, to be reached by our driver."""
    return replace(address, drivername=POSTGRESQL)


def _each(written: str | tuple[str, ...] | None) -> Sequence[str]:
    return written.split(",") if isinstance(written, str) else written or ()


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)
