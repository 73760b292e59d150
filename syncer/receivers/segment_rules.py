"""What Segment, and a consumer behind it that keys contacts by email, ask of an event: one violation per rule.

The pages are Segment's: "HTTP API source" (HTTP), "Spec: Common fields" (COMMON), "Spec: Identify" (IDENTIFY),
"Unify product limits" (UNIFY), "Warehouse schemas" (WAREHOUSE), and "Mailmodo destination" (MAILMODO). Most of
what breaks them is answered with 200 and dropped, or read by destinations as something else; here it is noted.
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache

MAX_EVENT_BYTES = 32_768
"""HTTP, "Max request size": 32 KB."""

MAX_BODY_BYTES = 500_000
"""HTTP, "Max request size": 500 KB, read strictly."""

MAX_BATCH_EVENTS = 2_500
"""HTTP, "Batch"."""

MAX_PROPERTIES = 250
"""Ours, well below `MAX_TRAITS`."""

MAX_TRAITS = 300
"""UNIFY: an identify with this many is rejected."""

RESERVED_TRAITS = frozenset(
    "address age avatar birthday company createdat created_at description firstname first_name gender id "
    "lastname last_name name phone title username website".split()
)
"""IDENTIFY: reserved traits, camel case or snake case, lower-cased here. `email` is one too, and wanted."""

RESERVED_COLUMNS = frozenset(
    "anonymous_id event group_id id original_timestamp received_at sent_at timestamp user_id uuid uuid_ts".split()
)
"""WAREHOUSE: a trait with the name of such a column is dropped on its way to a warehouse."""

_PROPERTY = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_good_names: set[str] = set()


def identity(event: Mapping[str, object]) -> list[str]:
    """COMMON: a user, and a messageId of fewer than 100 characters, without which retries would be doubled."""
    found = []
    if not (_text(event.get("userId")) or _text(event.get("anonymousId"))):
        found.append("neither userId nor anonymousId (no_user_anon_id): the event is dropped")
    message_id = event.get("messageId")
    if not _text(message_id):
        found.append("no messageId: a retry cannot be recognised")
    elif isinstance(message_id, str) and len(message_id) >= 100:
        found.append(f"messageId of {len(message_id)} characters: the event is dropped")
    return found


def moment(name: str, value: object) -> list[str]:
    """COMMON: times are ISO 8601 with a zone."""
    if value is None:
        return [f"no {name}"]
    if not isinstance(value, str) or not (parsed := _parse(value)):
        return [f"{name} is no ISO 8601 time: {value!r}"]
    return [] if parsed.tzinfo else [f"{name} has no zone: {value!r}"]


@lru_cache(maxsize=64)  # the events of a batch share one
def _parse(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def traits(found: Mapping[str, object], allowed: Collection[str], nulls: Collection[str] = ()) -> list[str]:
    """What a destination reads: proper names, and values that are values.

    `allowed` are reserved ones, `nulls` ones of value null, that are sent on purpose.
    """
    problems = []
    properties = 0
    for name, value in found.items():
        if name == "email":
            continue
        if name not in allowed:
            properties += 1
            if name not in _good_names:
                problems += _name(name)
        if value is not True and value is not False and not (value is None and name in nulls):
            problems += _value(name, value)
    if properties > MAX_PROPERTIES:
        problems.append(f"{properties} properties in one event, more than {MAX_PROPERTIES}")
    return problems


def membership(personas: object, values: Mapping[str, object]) -> bool | None:
    """Whether a destination for audiences reads an entry or an exit out of `traits`, or `properties`; None for neither.

    "Using Engage data", and what destinations make of it: the class, the key, and a JSON boolean under that key.
    """
    if not isinstance(personas, dict) or personas.get("computation_class") not in ("audience", "journey_step"):
        return None
    key = personas.get("computation_key")
    value = values.get(key) if isinstance(key, str) and key else None
    return value if isinstance(value, bool) else None


def personas(event: Mapping[str, object]) -> list[str]:
    """An event that says it is about an audience is no use to anybody unless its membership can be read."""
    context = event.get("context")
    block = context.get("personas") if isinstance(context, dict) else None
    if not isinstance(block, dict) or block.get("computation_class") not in ("audience", "journey_step"):
        return []
    values = event.get("traits" if event.get("type") == "identify" else "properties")
    if membership(block, values if isinstance(values, dict) else {}) is not None:
        return []
    return [f"about the audience {block.get('computation_key')!r}, but without a boolean of that name"]


def dropped(event: Mapping[str, object]) -> bool:
    """Whether Segment answers 200 and drops the event (HTTP, "Errors"; UNIFY)."""
    message_id, found = event.get("messageId"), event.get("traits")
    return (
        not (_text(event.get("userId")) or _text(event.get("anonymousId")))
        or (isinstance(message_id, str) and len(message_id) >= 100)
        or (isinstance(found, dict) and len(found) >= MAX_TRAITS)
    )


def _name(name: str) -> list[str]:
    lowered = name.lower()
    if lowered in RESERVED_TRAITS or lowered in RESERVED_COLUMNS or lowered.startswith("context_"):
        return [f"reserved name: {name}"]
    if not _PROPERTY.fullmatch(name):
        return [f"property that is not snake_case: {name!r}"]
    _good_names.add(name)
    return []


def _value(name: str, value: object) -> list[str]:
    """ "Engage, Use engage data": an exit is the JSON boolean false, never null, never a string."""
    if value is None:
        return [f"{name} is null"]
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return [f"{name} is the string {value!r}, not a boolean"]
    if isinstance(value, list | dict):
        return [f"{name} is no single value: {value!r}"]
    return []


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""
