"""The JSON that Mailmodo is sent, and that it answers."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from syncer.models import Value


class SentContact(msgspec.Struct, omit_defaults=True, gc=False):
    """A contact as it is sent; in a batch the list is named once, beside all of them."""

    email: str
    data: Mapping[str, Value]
    list_name: str | None = msgspec.field(name="listName", default=None)
    created_at: Value = None


class SentEvent(msgspec.Struct, gc=False):
    """An event as `/addEvent` takes it; `ts` in seconds since 1970."""

    email: str
    event_name: str
    ts: int
    event_properties: Mapping[str, Value]


class Refused(msgspec.Struct):
    """A contact that was not added."""

    email: str = ""
    reason: str | None = msgspec.field(name="failure reason", default=None)


class Reply(msgspec.Struct):
    """What every answer may hold. Only failures hold `error`; the batch says of no success that it is one."""

    success: bool = True
    error: object = None

    @property
    def failed(self) -> bool:
        """Whether it says so itself."""
        return not self.success or self.error is not None


class Added(Reply):
    """The answer to contacts. `errors` is missing where all were added."""

    errors: list[Refused] | None = None
    warnings: list[object] | None = None


class Listed(msgspec.Struct):
    """A list of the account."""

    name: str


class Lists(Reply):
    """The answer of `/getAllContactLists`, whole: there are no pages."""

    lists: list[Listed] | None = msgspec.field(name="listDetails", default=None)


AnyReply = TypeVar("AnyReply", bound=Reply)
