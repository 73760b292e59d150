"""Where the embedded server is reached, whatever the environment says of other databases.

PostgreSQL's client library takes what an address does not say from variables such as PGOPTIONS. So the address says it,
as if there were none.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from psycopg.pq import Conninfo

from syncer import errors

_WITHOUT_DEFAULT = {"options": "", "connect_timeout": "0", "requirepeer": "", "hostaddr": ""}
"""What says nothing, of parameters that have no default of their own."""
_OURS = ("host", "port", "user", "dbname")


def url(socket_folder: Path, database: str) -> str:
    """The URL of a database of the server whose socket lies there."""
    at = {"host": str(socket_folder), "port": "5432", **dict(_overruled())}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in at.items())
    return f"postgresql://syncer@/{database}?{query}"


def refuse_service() -> None:
    """Raises `ConfigError` if the environment names a service: no address can say that there is none."""
    if "PGSERVICE" in os.environ:
        sentence = (
            "names the service of every database, also of the embedded one, which is in none; unset it, and write"
            " ?service=… into `warehouse.url` if that one needs it"
        )
        raise errors.ConfigError([errors.Problem("PGSERVICE", sentence)])


def _overruled() -> Iterator[tuple[str, str]]:
    for option in Conninfo.get_defaults():
        name = option.keyword.decode()
        if option.envvar is None or option.envvar.decode() not in os.environ or name in _OURS:
            continue
        value = _WITHOUT_DEFAULT.get(name) if option.compiled is None else option.compiled.decode()
        if value is not None:
            yield name, value
