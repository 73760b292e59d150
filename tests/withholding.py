"""Who is told nothing of an audience they are in, in the words of the contract: for the `witness`, and for lives."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tests.suppressing import address

Row = tuple[str | None, str | None, str | None]
"""audience, user id, email"""

Held = TypeVar("Held")


def is_held_out(user: str, seed: str, share: float) -> bool:
    return int(hashlib.md5(f"{seed}\x1f{user}".encode()).hexdigest()[:8], 16) < share * 2**32


def withheld(config: Mapping[str, Any], rows: Mapping[Held, Row]) -> set[Held]:
    """Those of the rows that count for nothing: another audience of their person comes first, or they are held out."""
    gone = _outranked(config, rows)
    held_out = {audience["name"]: audience for audience in config.get("audiences", ()) if audience.get("holdout")}
    for key, (name, user, _) in rows.items():
        audience = held_out.get(name)
        if audience is not None and user is not None and address(user):
            seed = audience.get("holdout_seed") or _property(config, name)
            gone |= {key} if is_held_out(user, seed, audience["holdout"]) else set()
    return gone


def _outranked(config: Mapping[str, Any], rows: Mapping[Held, Row]) -> set[Held]:
    gone: set[Held] = set()
    traits = {trait["name"] for trait in config.get("computed_traits", ())}
    for priority in config.get("priority", ()):
        taken: set[tuple[str, str | None]] = set()
        for entry in priority["audiences"]:
            wanted = {entry, _property(config, entry)}
            meant = {
                name for name, _, _ in rows.values() if name == entry or _property(config, name) in wanted
            } - traits
            here = {key: row for key, row in rows.items() if row[0] in meant}
            gone |= {key for key, row in here.items() if _persons(row) & taken}
            taken |= {person for key, row in here.items() if key not in gone for person in _persons(row)}
    return gone


def _persons(row: Row) -> set[tuple[str, str | None]]:
    """What a row knows its person by, each as what it is."""
    _, user, email = row
    named = [("user", user, address(user)), ("contact", address(email), address(email))]
    return {(kind, name) for kind, name, is_something in named if is_something}


def _property(config: Mapping[str, Any], name: str | None) -> str:
    """As configured, or the name in snake case."""
    configured: Iterable[Mapping[str, Any]] = config.get("audiences", ())
    own = next((each["property"] for each in configured if each["name"] == name and "property" in each), None)
    return own or re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")
