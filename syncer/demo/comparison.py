"""What a receiver believes, beside what the shop's tables say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from syncer import naming
from syncer.receivers.segment_memory import Belief


class Difference(NamedTuple):
    """A property of a contact for which the receiver believes something else than the shop's tables say."""

    contact: str
    property: str
    shop: bool
    receiver: object


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every contact that the shop or the receiver knows, with every property."""

    contacts: int
    properties: int
    differences: Sequence[Difference]


def compare(truth: Mapping[str, frozenset[str]], belief: Belief) -> Comparison:
    """What should be believed, as contact to audiences, beside what is. A property that was never sent counts as
    false."""
    wanted = {contact: {naming.property_of(name) for name in names} for contact, names in truth.items()}
    contacts = sorted(wanted.keys() | belief.keys())
    properties = sorted(set().union(*wanted.values(), *belief.values()))
    found = [
        Difference(contact, name, name in wanted.get(contact, ()), belief.get(contact, {}).get(name, False))
        for contact in contacts
        for name in properties
    ]
    return Comparison(len(contacts), len(properties), [each for each in found if each.receiver is not each.shop])
