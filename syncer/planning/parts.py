"""How much a call carries at most: an identify of more properties is split into parts (see `split_parts`)."""

from collections.abc import Collection, Mapping

PROPERTIES = 250
BYTES = 20_000


def limits() -> Mapping[str, object]:
    """The limits of a part, as parameters of a statement."""
    return {"part_properties": PROPERTIES, "part_bytes": BYTES}


def may_be_needed(properties: Collection[str]) -> bool:
    """Whether a contact in all of these audiences would be told in more calls than one."""
    return len(properties) > PROPERTIES or sum(len(name) + 9 for name in properties) > BYTES
