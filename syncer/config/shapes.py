"""What `hash`, `rename`, `lowercase` and `drop` of a destination may name."""

from collections.abc import Iterator, Mapping
from typing import Any

from syncer import naming
from syncer.config import source
from syncer.config.source import Finding, Location
from syncer.destinations.options import DestinationSettings
from syncer.destinations.shaping import PERSON
from syncer.spelling import suggest

_KEYS = ("hash", "rename", "lowercase", "drop")


def between_keys(
    location: Location, table: Mapping[str, Any], kind: type[DestinationSettings], tree: dict[str, Any]
) -> Iterator[Finding]:
    """What is wrong with these keys of one destination."""
    computed, audiences = _properties(tree, "computed_traits"), _properties(tree, "audiences")
    in_clear = dict(kind.in_clear)
    if kind.email_in_clear and table.get("identity", "email") == "email":
        in_clear.setdefault("email", kind.email_in_clear)
    refused = {field: f"cannot change `{field}`: {why}" for field, why in in_clear.items()}
    refused |= {name: f"cannot change `{name}`, which is the property of {place}" for name, place in audiences.items()}
    known = [field for field in (*PERSON, *_traits(tree), *computed) if field not in refused]
    found: dict[Location, str] = {}
    for key, place, field in _named(table):
        message = refused.get(field) or _misused(key, field, table, known, computed)
        if message:
            found[*location, key, place] = message
    yield from found.items()
    taken = dict.fromkeys((*_traits(tree), *kind.own_names), "a field of a call")
    taken |= {name: f"the property of {place}" for name, place in {**computed, **audiences}.items()}
    yield from ((at, message) for at, message in _same_names((*location, "rename"), table, taken) if at not in found)


def _misused(
    key: str, field: str, table: Mapping[str, Any], known: list[str], computed: Mapping[str, str]
) -> str | None:
    if field not in known:
        near = suggest(field, known)
        hint = f"did you mean `{near[0]}`?" if near else f"known here are {', '.join(sorted(known)) or 'none'}"
        return f"there is no field `{field}` that it could change; {hint}"
    if key == "drop" and field in computed:
        return f"`{field}` is a computed trait; list in `audiences` what this destination is told"
    if key != "drop" and field in _list(table.get("drop")):
        return f"`{field}` is dropped as well; keep one of them"
    return None


def _same_names(location: Location, table: Mapping[str, Any], taken: dict[str, str]) -> Iterator[Finding]:
    for field, name in _table(table.get("rename")).items():
        if not isinstance(name, str):
            continue  # which is found elsewhere
        if name in taken:
            yield (*location, field), f"`{name}` is {taken[name]} already; choose another name"
        taken.setdefault(name, f"the new name of `{field}`")


def _named(table: Mapping[str, Any]) -> Iterator[tuple[str, str | int, str]]:
    """Each key with each field that it names, and the place of that in it."""
    for key in _KEYS:
        for field in _table(table.get(key)):
            yield key, field, field
        for index, field in enumerate(_list(table.get(key))):
            if isinstance(field, str):
                yield key, index, field


def _traits(tree: dict[str, Any]) -> list[str]:
    """The names under which columns of the membership go along."""
    return [
        name
        for _, table in source.tables(tree, ("warehouse", "membership", "traits"))
        for name in table.values()
        if isinstance(name, str)
    ]


def _properties(tree: dict[str, Any], kind: str) -> dict[str, str]:
    """The properties that tables of this kind have, each with the place of its table."""
    found = {}
    for location, table in source.tables(tree, (kind, "[]")):
        name = table.get("property", table.get("name"))
        if isinstance(name, str):
            found[name if "property" in table else naming.property_of(name)] = f"{kind}[{location[-1]}]"
    return found


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
