"""What is served, and to whom: the tables `[health]` and `[console]`."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from syncer.fields import Key, Table, Text, is_port

_MIN_TOKEN = 24
"""Characters. Nobody guesses so many, whatever they are."""

_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def _long_enough(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if len(value) < _MIN_TOKEN or not value.isascii():
        raise ValueError(
            f"must have at least {_MIN_TOKEN} plain letters, digits and signs; make one with `openssl rand -hex 24`"
        )
    return secret


def _host_name(name: str) -> str:
    if not _HOST_NAME.fullmatch(name):
        raise ValueError('has what is no name of a host; write it like "syncer.internal", without a port')
    return name


ConsoleToken = Annotated[Key, AfterValidator(_long_enough)]
HostName = Annotated[str, AfterValidator(_host_name)]


class Health(Table):
    """`[health]`: where the daemon answers probes and scrapes; nowhere if empty."""

    listen: str = "127.0.0.1:9464"

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, text: str) -> str:
        host, _, port = text.rpartition(":")
        if text and not (host and is_port(port)):
            raise ValueError('must be a host and a port such as "127.0.0.1:9464", or "" for nothing')
        return text


class Console(Table):
    """`[console]`: whether the daemon shows its pages where `[health] listen` is, and what opens more than them.

    `token` lets its holder act and see addresses; `token_name` is how the history calls them. `hosts` are names by
    which people may ask, beside addresses and localhost.
    """

    served: bool = False
    token: ConsoleToken | None = None
    token_name: Text = "console"
    hosts: Annotated[tuple[HostName, ...], Field(strict=False)] = ()
