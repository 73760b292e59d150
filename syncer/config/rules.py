"""What the models cannot say: rules between keys, and pydantic's findings in words.

Works on the plain tree, so that every rule is judged even where another key is wrong.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import ErrorDetails

from syncer import naming
from syncer.config import shapes, source
from syncer.config.known import Place, keys_of, secret_keys, tables
from syncer.config.serving import Health
from syncer.config.settings import Settings
from syncer.config.source import Finding, Location
from syncer.destinations.options import DestinationSettings
from syncer.destinations.registry import DESTINATIONS, type_of
from syncer.fields import Table, is_loopback
from syncer.spelling import suggest

_DESTINATIONS: Place = ("destinations", "[]")
_SHOWN_CHARACTERS = 60
_HOST = re.compile(r"[a-z0-9+.-]*://[^/?#]*(?=[/?#]\S)|[^\s?#]+(?=\?\S)", re.IGNORECASE)
"""What is shown of a web address: what comes after it may be a token."""
_PLAIN_KEY = re.compile(r"[A-Za-z]+(-[A-Za-z]+)*")


def between_keys(tree: dict[str, Any]) -> Iterator[Finding]:
    """The rules that take more than one key."""
    yield from _same_names(tree, "audiences", "computed_traits")
    yield from _same_names(tree, "priority")
    yield from _priorities(tree)
    yield from _same_names(tree, "destinations")
    if tree.get("destinations") == []:
        yield ("destinations",), f"is empty; {Settings.ways_out['destinations']}"
    for location, table in source.tables(tree, _DESTINATIONS):
        kind = DESTINATIONS.get(type_of(table), DestinationSettings)
        yield from (((*location, *key.split(".")), message) for key, message in kind.between_keys(table))
        yield from shapes.between_keys(location, table, kind, tree)
        yield from _same_audiences((*location, "audiences"), table.get("audiences"))
        yield from _unwritten_traits(location, table, tree)
        if not kind.takes_null:
            yield from _null_for(table, tree)
    yield from _reachable_console(tree)
    for location, table in source.tables(tree, ("schedule",)):
        if "cron" in table and "every" in table:
            yield (*location, "cron"), "`every` and `cron` both say when to run; keep one of them"
    yield from _one_place(tree, ("warehouse", "membership"), "the members", "SELECT …")
    yield from _one_place(tree, ("suppress",), "the suppressed", "SELECT email FROM …")
    if not _has_source(tree):
        yield (
            ("warehouse", "membership"),
            'no members to read; add [warehouse.membership] with table = "…", or [[audiences]] with a `query`',
        )


def _one_place(tree: dict[str, Any], place: tuple[str, ...], what: str, example: str) -> Iterator[Finding]:
    for location, table in source.tables(tree, place):
        if "table" in table and "query" in table:
            yield (*location, "query"), f"`table` and `query` both name {what}; keep one of them"
        if "table" not in table and "query" not in table:
            yield (*location, "table"), f'is missing; add table = "…" or query = "{example}"'


def _reachable_console(tree: dict[str, Any]) -> Iterator[Finding]:
    for location, table in source.tables(tree, ("console",)):
        if (
            table.get("served") is True
            and "token" not in table
            and not all(map(_is_of_this_machine, source.tables(tree, ("health",))))
        ):
            yield (
                (*location, "served"),
                "shows people, and asks nobody who looks; set a `token`, or a [health] listen that only this machine"
                ' reaches, such as "127.0.0.1:9464"',
            )


def _is_of_this_machine(health: tuple[Location, dict[str, Any]]) -> bool:
    listen = health[1].get("listen", Health().listen)
    return not isinstance(listen, str) or is_loopback(listen.rpartition(":")[0].strip("[]"))


def _same_names(tree: dict[str, Any], *kinds: str) -> Iterator[Finding]:
    seen: dict[str, Location] = {}
    for kind in kinds:
        for location, table in source.tables(tree, (kind, "[]")):
            name = table.get("name")
            if isinstance(name, str) and seen.setdefault(name, location) != location:
                yield (*location, "name"), f"is the same as that of {path_of(seen[name])}; choose another"


def _null_for(destination: dict[str, Any], tree: dict[str, Any]) -> Iterator[Finding]:
    """The computed traits that would send null to a destination that takes none."""
    name, kind = destination.get("name"), type_of(destination).capitalize()
    for location, table in source.tables(tree, ("computed_traits", "[]")):
        if table.get("on_missing") == "null":
            message = f'must be "keep": the destination {name!r} is {kind}, which takes no null'
            yield (*location, "on_missing"), message


def _priorities(tree: dict[str, Any]) -> Iterator[Finding]:
    """An audience stands in one list, once: two lists could ask for opposite things. By place, as `_same_audiences`.

    Its property is another name of it.
    """
    configured = (table for _, table in source.tables(tree, ("audiences", "[]")))
    own = {str(table.get("name")): table.get("property") for table in configured}
    seen: dict[str, Location] = {}
    for location, table in source.tables(tree, ("priority", "[]")):
        names = table.get("audiences")
        if not isinstance(names, list):
            continue
        if len(names) < 2:
            yield (*location, "audiences"), "needs two audiences or more, the first one first"
        for index, name in enumerate(names):
            place = (*location, "audiences", index)
            if not isinstance(name, str):
                continue
            wanted = str(own.get(name) or naming.property_of(name) or name)
            if seen.setdefault(wanted, place) != place:
                yield place, f"is the same as {path_of(seen[wanted])}; an audience has one place, in one priority"


def _unwritten_traits(location: Location, destination: dict[str, Any], tree: dict[str, Any]) -> Iterator[Finding]:
    """Templates for entered and left alone say nothing of computed traits."""
    templates = destination.get("templates")
    untold = isinstance(templates, dict) and {"entered", "left"} <= templates.keys() and "changed" not in templates
    if untold and tree.get("computed_traits"):
        yield (*location, "templates", "changed"), "is missing, and nothing else says what computed traits send"


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
        return True  # or there is another problem, which is found elsewhere
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
            return f"must be {' or '.join(json.dumps(kind) for kind in DESTINATIONS)}"
        case "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), chr(34))}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case "tuple_type" if _holds_tables(error["loc"]):
            return f"must be a list of tables, each under its own header [[{error['loc'][-1]}]]"
    return _TYPES.get(error["type"], error["msg"])


def _holds_tables(location: Location) -> bool:
    """Whether it is a list of tables, and not of texts."""
    return any(place == (*location, "[]") for place, _ in tables())


def _way_out(location: Location) -> str:
    return _table_at(location[:-1]).ways_out[str(location[-1])]


def _table_at(location: Location) -> type[Table]:
    return next(
        table
        for place, table in tables()
        if len(place) == len(location)
        and all(step in ("[]", there) for step, there in zip(place, location, strict=True))
    )


_IN_BRACKETS = 'must be a list in brackets, such as ["…", "…"]'
_TYPES = {
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a finite number",
    "list_type": _IN_BRACKETS,
    "tuple_type": _IN_BRACKETS,
    "dict_type": "must be a table, such as { key = value }",
    "model_type": "must be a table, under a header of its own",
}


def _unknown_key(location: Location) -> str:
    table, key = _table_at(location[:-1]), str(location[-1])
    known = keys_of(table)
    if issubclass(table, DestinationSettings):
        others = [kind for kind, other in DESTINATIONS.items() if key in keys_of(other)]
        if others:
            return _key_of_another_type(key, table, str(location[-2]), others[0])
    near = suggest(key, known)
    if near:
        return f"unknown key; did you mean `{near[0]}`?"
    return f"unknown key; known here are {', '.join(sorted(known))}"


def _key_of_another_type(key: str, table: type[DestinationSettings], this: str, other: str) -> str:
    instead = table.counterparts.get(key)
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
    if value is None or isinstance(value, dict | list) or not secret_keys().isdisjoint(location):
        return False
    return "@" not in str(value)  # an address may hold a password


def _shown(value: Any) -> str:
    match value:
        case str():
            host = _HOST.match(value)
            text = json.dumps(f"{host.group()}…" if host else value, ensure_ascii=False)
        case bool():
            text = json.dumps(value)
        case _:
            text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def path_of(location: Location) -> str:
    """`destinations[1].api_key`. Inside of a secret value, what may be the secret itself is left out."""
    first = next((at for at, step in enumerate(location, 1) if step in secret_keys()), len(location))
    shown = [
        *location[:first],
        *(step for step in location[first:] if isinstance(step, int) or _PLAIN_KEY.fullmatch(step)),
    ]
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in shown)
    return "".join(steps).removeprefix(".")
