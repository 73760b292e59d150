"""What the models cannot say: rules between keys, and pydantic's findings in words.

Works on the plain tree, so that every rule is judged even where another key is wrong.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic_core import ErrorDetails

from syncer.config import settings, source
from syncer.config.source import Finding, Location
from syncer.spelling import suggest

_DESTINATIONS = ("destinations", "[]")

# By the places that pydantic's findings have: in those of a destination its type stands before the key.
TABLES: dict[tuple[str, ...], type[settings.Table]] = {
    (): settings.Settings,
    ("warehouse",): settings.Warehouse,
    ("warehouse", "membership"): settings.Membership,
    ("audiences", "[]"): settings.Audience,
    ("computed_traits", "[]"): settings.ComputedTrait,
    ("state",): settings.State,
    **{(*_DESTINATIONS, kind): table for kind, table in settings.DESTINATIONS.items()},
    **{(*_DESTINATIONS, kind, "track"): settings.Track for kind in settings.DESTINATIONS},
    ("guard",): settings.Guard,
    ("history",): settings.History,
    ("schedule",): settings.Schedule,
    ("daemon",): settings.Daemon,
    ("health",): settings.Health,
    ("log",): settings.Log,
    ("alerts",): settings.Alerts,
}

_SECRET_KEYS = {
    "url",
    "password",
    "connect_args",
    "write_key",
    "api_key",
    "hmac_secret",
    "headers",
    "urls",
    "heartbeat_url",
}
_SHOWN_CHARACTERS = 60

WAYS_OUT = {
    "warehouse": 'add [warehouse] with url = "postgresql://reader@db.internal/analytics"',
    "url": 'add url = "postgresql://reader@db.internal/analytics"',
    "destinations": "add [[destinations]] with `name` and `write_key`",
    "name": 'add name = "…"',
    "write_key": 'add write_key = "${SEGMENT_WRITE_KEY}"',
    "api_key": 'add api_key = "${MAILMODO_API_KEY}"',
    "query": 'add query = "SELECT user_id, email, value FROM …"',
    "list_name": 'add list_name = "…", the list that the contacts are put on',
}

# What a key of another type of destination is called here.
_COUNTERPARTS = {
    ("segment", "api_key"): "write_key",
    ("segment", "max_requests_per_second"): "max_events_per_second",
    ("segment", "url"): "endpoint",
    ("mailmodo", "url"): "endpoint",
    ("webhook", "endpoint"): "url",
    ("webhook", "max_events_per_second"): "max_requests_per_second",
    ("mailmodo", "write_key"): "api_key",
    ("mailmodo", "max_events_per_second"): "max_requests_per_second",
}


def keys_of(table: type[settings.Table]) -> list[str]:
    """The keys of a table as they are written in the file."""
    return [field.alias or name for name, field in table.model_fields.items()]


def between_keys(tree: dict[str, Any]) -> Iterator[Finding]:
    """The rules that take more than one key."""
    yield from _same_names(tree, "audiences", "computed_traits")
    yield from _same_names(tree, "destinations")
    if tree.get("destinations") == []:
        yield ("destinations",), f"is empty; {WAYS_OUT['destinations']}"
    for location, table in source.tables(tree, _DESTINATIONS):
        if "endpoint" in table and "region" in table:
            yield (*location, "region"), "`endpoint` and `region` both name the address; keep one of them"
        yield from _same_audiences((*location, "audiences"), table.get("audiences"))
        yield from _null_for_mailmodo(tree, table)
    for location, table in source.tables(tree, ("schedule",)):
        if "cron" in table and "every" in table:
            yield (*location, "cron"), "`every` and `cron` both say when to run; keep one of them"
    for location, table in source.tables(tree, ("warehouse", "membership")):
        if "table" in table and "query" in table:
            yield (*location, "query"), "`table` and `query` both name the members; keep one of them"
        if "table" not in table and "query" not in table:
            yield (*location, "table"), 'is missing; add table = "…" or query = "SELECT …"'
    if not _has_source(tree):
        yield (
            ("warehouse", "membership"),
            'no members to read; add [warehouse.membership] with table = "…", or [[audiences]] with a `query`',
        )


def _same_names(tree: dict[str, Any], *kinds: str) -> Iterator[Finding]:
    seen: dict[str, Location] = {}
    for kind in kinds:
        for location, table in source.tables(tree, (kind, "[]")):
            name = table.get("name")
            if isinstance(name, str) and seen.setdefault(name, location) != location:
                yield (*location, "name"), f"is the same as that of {path_of(seen[name])}; choose another"


def _null_for_mailmodo(tree: dict[str, Any], destination: dict[str, Any]) -> Iterator[Finding]:
    """Told once, by the trait; Mailmodo knows no null (see its API's list of types)."""
    if destination.get("type") != "mailmodo":
        return
    for location, table in source.tables(tree, ("computed_traits", "[]")):
        if table.get("on_missing") == "null":
            name = destination.get("name")
            yield (
                (*location, "on_missing"),
                f'must be "keep": the destination {name!r} is Mailmodo, which takes no null',
            )


def _same_audiences(location: Location, names: Any) -> Iterator[Finding]:
    """By place, not by name: the name may have come out of the environment."""
    seen: dict[str, Location] = {}
    for index, name in enumerate(names if isinstance(names, list) else []):
        place = (*location, index)
        if isinstance(name, str) and seen.setdefault(name, place) != place:
            yield place, f"is the same as {path_of(seen[name])}; keep one of them"


def _has_source(tree: dict[str, Any]) -> bool:
    warehouse = tree.get("warehouse")
    if not isinstance(warehouse, dict) or "membership" in warehouse:
        return True  # or there is another problem, which is told
    return any("query" in table for _, table in source.tables(tree, ("audiences", "[]")))


def in_words(error: ErrorDetails, written: dict[str, Any]) -> Finding:
    """A finding of pydantic as a sentence, with the value as it was written unless it may be a secret."""
    location = _place(error)
    sentence = _sentence(error)
    if error["type"] in ("missing", "extra_forbidden"):
        return location, sentence
    value = _value_at(written, location)
    if _may_be_shown(location, value):
        sentence += f" (got {_shown(value)})"
    return location, sentence


def _place(error: ErrorDetails) -> Location:
    """Where in the file: pydantic also names the type of a destination, and a wrong type not at all."""
    location: Location = error["loc"]
    if error["type"] == "union_tag_invalid":
        return (*location, "type")
    return location[:2] + location[3:] if location[:1] == _DESTINATIONS[:1] else location


def _sentence(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return f"is missing; {_way_out(error['loc'])}"
        case "extra_forbidden":
            return _unknown_key(error["loc"])
        case "value_error":
            return str(context["error"])
        case "union_tag_invalid":
            return f"must be {' or '.join(json.dumps(kind) for kind in settings.DESTINATIONS)}"
        case "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), chr(34))}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "tuple_type":
            return f"must be a list of tables, each under its own header [[{error['loc'][-1]}]]"
    return _TYPES.get(error["type"], error["msg"])


def _way_out(location: Location) -> str:
    key = str(location[-1])
    if key == "url" and location[0] == "destinations":
        return 'add url = "https://example.com/hooks/syncer"'
    return WAYS_OUT[key]


_TYPES = {
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "list_type": 'must be a list in brackets, such as ["…", "…"]',
    "dict_type": "must be a table, such as { key = value }",
    "model_type": "must be a table, under a header of its own",
}


def _unknown_key(location: Location) -> str:
    pattern = tuple("[]" if isinstance(step, int) else step for step in location[:-1])
    known = keys_of(TABLES[pattern])
    if pattern[:-1] == _DESTINATIONS:
        others = [kind for kind, table in settings.DESTINATIONS.items() if location[-1] in keys_of(table)]
        if others:
            return _key_of_another_type(str(location[-1]), pattern[-1], others[0])
    near = suggest(str(location[-1]), known)
    if near:
        return f"unknown key; did you mean `{near[0]}`?"
    return f"unknown key; known here are {', '.join(sorted(known))}"


def _key_of_another_type(key: str, this: str, other: str) -> str:
    instead = _COUNTERPARTS.get((this, key))
    way_out = f"use `{instead}`" if instead else "take it out"
    return f'is a key of type = "{other}", and this destination is of type "{this}"; change `type`, or {way_out}'


def _value_at(tree: Any, location: Location) -> Any:
    """None where the file says nothing: a default, or a key that is missing."""
    try:
        for step in location:
            tree = tree[step]
    except (KeyError, IndexError, TypeError):
        return None
    return tree


def _may_be_shown(location: Location, value: Any) -> bool:
    if isinstance(value, str) and source.REFERENCE.fullmatch(value):
        return True  # only the name of a variable or file
    if value is None or isinstance(value, dict | list) or not _SECRET_KEYS.isdisjoint(location):
        return False
    return "@" not in str(value)  # an address may hold a password


def _shown(value: Any) -> str:
    match value:
        case str() | bool():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def path_of(location: Location) -> str:
    """`destinations[1].api_key`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")
