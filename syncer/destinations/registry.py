"""The types of destinations: each is one module, and one line here."""

from collections.abc import MutableMapping
from functools import partial
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, GetPydanticSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from syncer.destinations.options import DestinationSettings
from syncer.on_demand import OnDemand

DESTINATIONS: MutableMapping[str, type[DestinationSettings]] = OnDemand(
    {
        "segment": "syncer.destinations.segment:SegmentSettings",
        "mailmodo": "syncer.destinations.mailmodo:MailmodoSettings",
        "webhook": "syncer.destinations.webhook:WebhookSettings",
    }
)
"""By `type`. One is imported if a destination has it."""


def type_of(destination: object) -> str:
    """Also of what is no table at all: then the default says what is wrong with it."""
    match destination:
        case DestinationSettings():
            return destination.type
        case {"type": written}:
            return str(written)
    return "segment"


def _by_type(_source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
    choices: dict[Any, CoreSchema] = {
        kind: core_schema.with_info_plain_validator_function(partial(_valid, kind)) for kind in DESTINATIONS
    }
    return core_schema.tagged_union_schema(choices, type_of)


def _valid(kind: str, table: object, info: core_schema.ValidationInfo) -> DestinationSettings:
    return DESTINATIONS[kind].model_validate(table, context=info.context)


def _all_types(_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    choices = {kind: table.__pydantic_core_schema__ for kind, table in DESTINATIONS.items()}
    return handler(core_schema.tagged_union_schema(choices, type_of))


AnyDestination = Annotated[DestinationSettings, GetPydanticSchema(_by_type, _all_types)]
"""A table of `[[destinations]]`: its `type` says by whose keys it is judged."""
