"""What a warehouse's snapshots say of the contacts and properties of one destination, for the `auditor` to judge by."""

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.suppressing import address
from tests.witness import Config, Said, Snapshot, Telling

Key = tuple[str, str]
"""contact or user, property"""

_CLEAR_EMAIL: Final = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_LONGEST: Final = 250
_BLANKS: Final = " \t\r\n\xa0"


@dataclass(frozen=True)
class Account:
    """A destination of the configuration, and what its receiver was told."""

    settings: Config
    told: Sequence[Telling]
    shared: bool = False
    """Whether calls of other destinations came there too."""

    @property
    def name(self) -> str:
        return str(self.settings["name"])

    @property
    def by_user(self) -> bool:
        return self.settings.get("identity") == "user_id"

    @property
    def has_profiles(self) -> bool:
        """Whether the receiver also knows people by their user id."""
        return self.settings.get("type", "segment") == "segment" and not self.by_user

    def contact(self, user: str | None, email: str | None) -> str | None:
        return user if self.by_user else address(email)


class Names:
    """The properties of audiences: as configured, as pinned by the state, or the name in snake case."""

    def __init__(self, configs: Iterable[Config], pinned: Mapping[str, str]) -> None:
        self._known: dict[str, str] = {}
        traits: set[str] = set()
        for config in configs:
            self._known |= {each["name"]: each["property"] for each in _blocks(config) if "property" in each}
            traits |= {each["name"] for each in config.get("computed_traits", ())}
        self._pinned = pinned
        self._known |= pinned
        self.traits = {self.property_of(name) for name in traits}

    def property_of(self, name: str | None) -> str | None:
        if is_blank(name):
            return None
        known = self._known.get(str(name), self._known.get(str(name).strip()))
        return known or snake_case(str(name))

    def nulls(self, config: Config) -> set[str | None]:
        """The properties of the computed traits of which null is told to whoever drops out of them."""
        traits = config.get("computed_traits", ())
        return {self.property_of(each["name"]) for each in traits if each.get("on_missing") == "null"}

    def contested(self, config: Config, names: Iterable[str | None]) -> dict[str | None, set[str]]:
        """The properties that several names of one snapshot claim, with those that do not own it."""
        claimed: defaultdict[str | None, set[str]] = defaultdict(set)
        for name in {*names, *(each["name"] for each in _blocks(config))}:
            if not is_blank(name):
                claimed[self.property_of(name)].add(str(name))
        return {key: each - self._pinned.keys() for key, each in claimed.items() if len(each) > 1}

    def lists(self, listed: Sequence[str], name: str | None) -> bool:
        """Whether a destination's `audiences` name it: by its name or its property."""
        return bool({name, self.property_of(name)} & {*listed, *(self.property_of(each) for each in listed)})


@dataclass(frozen=True, slots=True)
class Unclear:
    """A row that may or cannot be sent: what it says of whom. Without a `name` it is about every property.

    `surely`: nobody could send it. Its contact stays as they were, and so does its user who is nowhere else.
    """

    name: str | None
    contact: str | None
    user: str | None
    value: object
    surely: bool


class Sayings:
    """What one snapshot says to one destination, by contact and property."""

    def __init__(self, snapshot: Snapshot, names: Names, account: Account) -> None:
        self.values: dict[Key, list[object]] = defaultdict(list)
        self.users: dict[Key, set[str]] = defaultdict(set)
        self.contacts_of: dict[Key, list[str]] = defaultdict(list)
        self.unclear: list[Unclear] = []
        self.readable = snapshot.said is not None
        self._traits, self._nulls = names.traits, names.nulls(snapshot.config)
        said = snapshot.said or ()
        settings = of(snapshot.config, account.name) or account.settings
        self._suppressed = snapshot.suppressed.users if account.by_user else snapshot.suppressed.contacts
        self._freezes = settings.get("suppress") == "freeze"
        self._reach, self._share = settings.get("contacts"), settings.get("rollout")
        listed = settings.get("audiences")
        self.contested = names.contested(snapshot.config, {each.name for each in said})
        for each in said:
            name = names.property_of(each.name)
            if listed is None or name is None or name in names.traits or names.lists(listed, each.name):
                self._add(each, name, account)

    def _add(self, said: Said, name: str | None, account: Account) -> None:
        contact = account.contact(said.user, said.email)
        reached = contact is None or self.may_reach(contact)
        is_rival = said.name in self.contested.get(name, ())
        if name is None or contact is None or is_rival or not _is_clear(said):
            surely = name is None or is_blank(said.user) or "@" not in (said.email or "")
            self.unclear.append(Unclear(name, contact, said.user, said.value, surely))  # names its user, reached or not
            if surely or contact is None:
                return
        elif reached:
            self.values[contact, name].append(said.value)
            self.contacts_of[str(said.user), name].append(contact)
        if reached:
            self.users[contact, str(name)].add(str(said.user))

    def may_reach(self, contact: str) -> bool:
        return bool(self._share) or self.surely_reaches(contact)

    def surely_reaches(self, contact: str) -> bool:
        """Whether the destination's `contacts` and `rollout` surely reach this contact."""
        if self._reach is None:
            return self._share is None
        return contact in {address(each) for each in self._reach}

    def right(self, contact: str, name: str, standing: Collection[object]) -> list[object]:
        """The values that this contact is to believe, who believes one of those that stand."""
        said = [*self.values.get((contact, name), ()), *self._maybe(contact, name)]
        if not said and name in self._traits:
            return [None] if name in self._nulls else [*standing]
        return said or [False]

    def possible(self, contact: str, name: str, standing: Collection[object], users: Collection[str]) -> list[object]:
        """The values that may be told of this contact, who believes one of those that stand, by these users."""
        if self.readable and contact in self._suppressed:
            return self._nothing_or_false(name)
        if not self.readable or not self.may_reach(contact):
            return []
        stays = list(self._leaving(contact, name, users))
        right = self.right(contact, name, standing)
        if not stays and name not in self.contested:
            return right
        if not self.values.get((contact, name)) and any(row.surely and row.contact == contact for row in stays):
            right = [] if True in standing else right  # nobody leaves by a row that cannot be sent
        return [*right, *standing]

    def _nothing_or_false(self, name: str) -> list[object]:
        if self._freezes or (name in self._traits and name not in self._nulls):
            return []
        return [None] if name in self._traits else [False]

    def stay(self, contact: str, name: str, users: Collection[str]) -> set[str]:
        """Those of the users of a contact who stay where they were, because of rows that cannot be sent."""
        rows = [*self._leaving(contact, name, users)]
        return set(users) if any(row.contact == contact for row in rows) else {str(row.user) for row in rows}

    def _leaving(self, contact: str, name: str, users: Collection[str]) -> Iterator[Unclear]:
        """The rows that leave the contact of these users as it was."""
        for row in self.unclear:
            at_contact = row.user in users and (str(row.user), name) not in self.contacts_of
            if row.name in (None, name) and (row.contact == contact or at_contact):
                yield row

    def _maybe(self, contact: str, name: str) -> Iterator[object]:
        for row in self.unclear:
            if row.contact == contact and row.name == name and not row.surely:
                yield row.value


@functools.lru_cache(maxsize=1 << 12)
def snake_case(name: str) -> str:
    """The property of an audience that the state does not know, or knows by another name now."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def of(config: Config, destination: str) -> Config:
    """The settings of a destination."""
    return next((each for each in config.get("destinations", ()) if each["name"] == destination), {})


def is_blank(text: str | None) -> bool:
    return not (text or "").strip(_BLANKS)


def _blocks(config: Config) -> list[Config]:
    return [*config.get("audiences", ()), *config.get("computed_traits", ())]


def _is_clear(said: Said) -> bool:
    """Whether anybody would send this row as it is."""
    email, user = address(said.email) or "", said.user or ""
    return (
        bool(_CLEAR_EMAIL.fullmatch(email) and user.strip() and (user + email).isprintable())
        and max(len(email), len(user.encode())) < _LONGEST
    )
