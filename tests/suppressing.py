"""Who is suppressed by what the warehouse says, in the words of the contract: for the `witness`."""

import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

Named = tuple[str | None, str | None]
"""user id, email"""

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_MOST_CONTACTS = 100
"""A user id of more contacts than this is no identity."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Contacts (addresses) and user ids of whoever is in no audience."""

    contacts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def has(self, user: str | None, email: str | None) -> bool:
        return user in self.users or address(email) in self.contacts


@functools.lru_cache(maxsize=1 << 16)
def address(email: str | None) -> str | None:
    return None if email is None else email.strip(" \t\r\n\xa0").translate(_LOWER)


def suppressed(listed: Iterable[Named], without_consent: Iterable[Named], rows: Iterable[Named]) -> Suppressed:
    """Those who are named, and whoever is the same person by a row: its user, its address."""
    contacts, users = set(), set()
    for user, email in listed:
        contacts |= {address(email)}
        users |= {user}
    for user, email in without_consent:
        contacts |= {address(email)}
        users |= set() if address(email) else {user}
    contacts, users = contacts - {None, ""}, {user for user in users if address(user)}
    if not contacts and not users:
        return Suppressed()
    addresses = defaultdict(set)
    for user, email in rows:
        addresses[user].add(address(email))
    theirs = {there for user in users for there in addresses[user]} - {None, ""}
    owners = {user for user, there in addresses.items() if there & contacts and len(there) <= _MOST_CONTACTS}
    return Suppressed(
        frozenset(str(each) for each in contacts | theirs),
        frozenset(str(each) for each in users | {user for user in owners if address(user)}),
    )
