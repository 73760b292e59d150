"""What is said of one HTTP exchange. `fetching` makes them; that takes long to be imported, and is with the first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["busy", "proxy", "unreachable", "late", "broken"]
"""No connection was free; the proxy opened none; there was none; no answer in time; the answer broke off."""


class Transport(Protocol):
    """Connections: one of httpx's transports."""

    def handle_request(self, request: Any, /) -> Any:
        """Sends it, and begins to read the answer."""

    def close(self) -> None:
        """Closes all connections."""


class NoAnswerError(Exception):
    """There is no answer, or not the whole of it. `name`: what httpx calls that, whose error is the cause."""

    def __init__(self, message: str, kind: Kind, name: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name

    @property
    def not_sent(self) -> bool:
        """Whether nothing of the request was sent."""
        return self.kind in ("busy", "proxy", "unreachable")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. `broken`: why its body is not whole; None if it is."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    broken: NoAnswerError | None = None

    @property
    def is_encoded(self) -> bool:
        """Whether the body is in an encoding, although we ask for none."""
        return self.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")

    @property
    def media_type(self) -> str:
        """What the answer says that its body is, in small letters and without parameters; "" if it does not say."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
