"""The types of destinations: each is one module, and one line here."""

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from syncer.destinations.mailmodo import MailmodoSettings
from syncer.destinations.options import DestinationSettings
from syncer.destinations.segment import SegmentSettings
from syncer.destinations.webhook import WebhookSettings

DESTINATIONS: dict[str, type[DestinationSettings]] = {
    "segment": SegmentSettings,
    "mailmodo": MailmodoSettings,
    "webhook": WebhookSettings,
}
"""By `type`."""


def type_of(destination: object) -> str:
    """Also of what is no table at all: then the default says what is wrong with it."""
    match destination:
        case DestinationSettings():
            return destination.type
        case {"type": written}:
            return str(written)
    return "segment"


def _by_type(_source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    choices = {kind: handler.generate_schema(table) for kind, table in DESTINATIONS.items()}
    return core_schema.tagged_union_schema(choices, type_of)


AnyDestination = Annotated[DestinationSettings, GetPydanticSchema(_by_type)]
"""A table of `[[destinations]]`: its `type` says by whose keys it is judged."""
