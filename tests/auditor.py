"""An auditor who knows nothing of the contract's code, and judges every test that has a world.

It knows what the warehouse said over time and what each receiver was told (`witness`), and what syncer lists (the views
of its state). It asks three things of every destination:

1. Each value that was told was true in some snapshot that is not older than the one of the value told before it.
2. Nobody was told what they knew, without a reason: see `_reason`.
3. In the end belief is what the last snapshot said, or the difference is listed: see `Listing`.

A Segment destination has two keys: the email, by which consumers behind it know a contact, and the user id.
"""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from tests.listing import Listing, snake_case
from tests.witness import Audited, Config, Said, Snapshot, Telling, Watched, same, tellings

ANYTHING: Final = object()
"""As a possible value: a row that cannot be sent names the contact, so that nobody can say."""

Key = tuple[str, str]
"""contact or user, property"""

_CLEAR_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_LONGEST = 250
_MOST_CONTACTS = 100
"""A user id of more contacts than this is no identity."""


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
        return user if self.by_user else _address(email)


class Sayings:
    """What one snapshot says, by contact and property."""

    def __init__(self, snapshot: Snapshot, names: "Names", account: Account) -> None:
        self.values: dict[Key, list[object]] = defaultdict(list)
        self.contacts_of: dict[Key, list[str]] = defaultdict(list)
        self.vague: dict[str | None, set[str | None]] = defaultdict(set)
        self.readable = snapshot.said is not None
        self.names = names
        self.listed = _of(snapshot.config, account.name).get("audiences")
        for said in snapshot.said or ():
            if self.listed is None or names.is_trait(said.name) or names.lists(self.listed, said.name):
                self._add(said, names.property_of(said.name), account)

    def _add(self, said: Said, name: str | None, account: Account) -> None:
        contact = account.contact(said.user, said.email)
        if name is None or contact is None or self.names.is_rival(said.name) or not _is_clear(said):
            for whose in {contact, said.user, _address(said.email)} - {None}:
                self.vague[whose].add(name)
        else:
            self.values[contact, name].append(said.value)
            self.contacts_of[str(said.user), name].append(contact)

    def possible(self, contact: str, users: Iterable[str], name: str) -> Sequence[object]:
        """The values that may be told of this contact, whom these users were. A trait whose row is gone may be kept."""
        if not self.readable:
            return ()
        if any({name, None} & self.vague[whose] for whose in (contact, *users)):
            return (ANYTHING,)
        return self.values.get((contact, name)) or ((ANYTHING,) if name in self.names.traits else (False,))


class Names:
    """The properties of audiences: as configured, as pinned by the state, or the name in snake case."""

    def __init__(self, configs: Iterable[Config], pinned: Mapping[str, str]) -> None:
        self._known: dict[str, str] = {}
        self._traits: set[str] = set()
        for config in configs:
            blocks = [*config.get("audiences", ()), *config.get("computed_traits", ())]
            self._known |= {each["name"]: each["property"] for each in blocks if "property" in each}
            self._traits |= {each["name"] for each in config.get("computed_traits", ())}
        self._pinned = pinned
        self._known |= pinned

    def property_of(self, name: str | None) -> str | None:
        if name is None or not name.strip():
            return None
        known = self._known.get(name, self._known.get(name.strip()))
        return known or snake_case(name)

    def is_rival(self, name: str | None) -> bool:
        """Whether the property of this audience is that of another one, which the state knows."""
        return name not in self._pinned and self.property_of(name) in self._pinned.values()

    def is_trait(self, name: str | None) -> bool:
        return name in self._traits

    @property
    def traits(self) -> set[str | None]:
        return {self.property_of(name) for name in self._traits}

    def lists(self, listed: Sequence[str], name: str | None) -> bool:
        """Whether a destination's `audiences` name it: by its name or its property."""
        return bool({name, self.property_of(name)} & {*listed, *(self.property_of(each) for each in listed)})


@dataclass
class _Knows:
    """What a receiver knows under one key, and when it was told so."""

    value: object
    telling: Telling
    place: int


@dataclass
class Auditor:
    """The judge of one destination. `complaints` are sentences, the first ones of each kind."""

    account: Account
    snapshots: Sequence[Snapshot]
    names: Names
    listing: Listing
    users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.sayings = [Sayings(each, self.names, self.account) for each in self.snapshots]
        for said in (said for snapshot in self.snapshots for said in snapshot.said or ()):
            contact = self.account.contact(said.user, said.email)
            if contact is not None and said.user is not None:
                self.users[contact].add(said.user)
        self.known: dict[Key, _Knows] = {}
        self.profiles: dict[Key, _Knows] = {}
        self.emails: dict[str, str | None] = {}
        self.carried: dict[Key, object] = {}
        self.left: set[tuple[str | None, str]] = set()

    def complaints(self) -> list[str]:
        found = [complaint for telling in self.account.told for complaint in self._hear(telling)]
        found += list(self._in_the_end())
        return found

    # --- what was told

    def _hear(self, telling: Telling) -> Iterator[str]:
        contact = self.account.contact(telling.user, telling.email)
        if contact is None:
            yield f"a call about nobody: {telling}"
            return
        if telling.user is not None:
            self.users[contact].add(telling.user)
        news = self._news(contact, telling)
        for name, value in telling.values.items():
            if self._is_property(name):
                yield from self._hear_value(contact, telling, name, value, news=news)

    def _hear_value(self, contact: str, telling: Telling, name: str, value: object, *, news: bool) -> Iterator[str]:
        before = self.known.get((contact, name))
        place = self._place(contact, telling, name, value, before)
        if place is None:
            place = before.place if before else 0
            if self.listing.status(telling.message_id) not in ("unknown", "aborted"):
                yield f"{self._who(contact, name)} was told {value!r}, which no snapshot said since the last time"
        profile = self.profiles.get((telling.user or "", name))
        new_to_user = self.account.has_profiles and (profile is None or not same(profile.value, value))
        known = before is not None and same(before.value, value) and not news and not new_to_user
        if known and before is not None and not self._reason(contact, name, before.telling, telling):
            yield f"{self._who(contact, name)} was told {value!r}, which they knew, without a reason"
        if value is False:
            self.left.add((telling.user, name))
        self.known[contact, name] = _Knows(value, telling, place)
        self.profiles[telling.user or "", name] = _Knows(value, telling, place)

    def _place(self, contact: str, telling: Telling, name: str, value: object, before: _Knows | None) -> int | None:
        """The first snapshot, not older than that of the value told before, in which this was true."""
        for place in range(before.place if before else 0, len(self.snapshots)):
            if self.snapshots[place].began > telling.at:
                break
            possible = self.sayings[place].possible(contact, self.users[contact], name)
            if any(each is ANYTHING or same(each, value) for each in possible):
                return place
        if value is False and self.listing.retired_between(name, before.telling.at if before else None, telling.at):
            return before.place if before else 0
        return None

    def _news(self, contact: str, telling: Telling) -> bool:
        """Whether the call says something new beside its properties: an email, a trait that goes along."""
        changed = self.emails.get(contact, telling.email) != telling.email
        self.emails[contact] = telling.email
        for name, value in telling.values.items():
            if not self._is_property(name):
                changed |= self.carried.get((contact, name), value is None) != value
                self.carried[contact, name] = value
        return changed

    def _reason(self, contact: str, name: str, before: Telling, now: Telling) -> bool:
        """Why somebody is told what they knew: the last answer was not a success, or is not known to syncer (it was
        lost with the process, or with its history); another call in between has no answer; this call is late, of a
        process that was overtaken; all are told again; or the user whom the call names was told false once, at another
        address that they have left."""
        listing = self.listing
        return (
            (self.account.has_profiles and (now.user, name) in self.left)
            or not before.answered
            or listing.status(before.message_id) != "succeeded"
            or listing.status(now.message_id) == "unknown"
            or listing.unknown_between(contact, name, before.message_id, now.message_id)
            or listing.resynced_between(before.at, now.at)
        )

    @functools.cached_property
    def _carries(self) -> bool:
        """Whether calls carry columns of the warehouse too, under whatever name the receiver has for them."""
        return any("traits" in each.config["warehouse"].get("membership", ()) for each in self.snapshots)

    def _is_property(self, name: str) -> bool:
        return not self._carries or name in self._properties

    @functools.cached_property
    def _properties(self) -> set[str]:
        said = {each.name for snapshot in self.snapshots for each in snapshot.said or ()}
        return {name for name in map(self.names.property_of, said) if name} | set(self.listing.pinned.values())

    # --- the end

    def _in_the_end(self) -> Iterator[str]:
        unlisted = []
        known, profiles = _by_property(self.known), _by_property(self.profiles)
        said = [_by_property(sayings.values) for sayings in self.sayings]
        for name, read in self.listing.last_read.items():
            places = self._places_at(read.began, read.ended)
            for contact in sorted(known[name].union(*(said[place][name] for place in places))):
                if not self._is_right(contact, name, places) and not self._is_listed(contact, name):
                    knows = self.known.get((contact, name))
                    unlisted.append(
                        f"{self._who(contact, name)} believes {knows.value if knows else 'nothing'!r} in the end: "
                        f"the last snapshot said {self._said(contact, name, places)}, and nothing is listed"
                    )
            unlisted += self._wrong_profiles(profiles[name], name, places)
        if len(unlisted) > self.listing.deferred:
            yield from unlisted

    def _wrong_profiles(self, users: Iterable[str], name: str, places: Sequence[int]) -> Iterator[str]:
        """Users who are in, and whose profile says that they are not.

        The opposite is not promised: of several users of one contact a call names one, so that a profile may stay true
        whose user left while others were there.
        """
        if not self.account.has_profiles or name in self.names.traits:
            return
        for user in users:
            if self.profiles[user, name].value is not False or self.listing.retired(name):
                continue
            found = [self.sayings[place].contacts_of.get((user, name), []) for place in places]
            at = {contact for contacts in found for contact in contacts}
            is_in = bool(found) and all(found)
            listed = any(self._is_listed(each, name) for each in at | {user})
            if is_in and len(at) <= _MOST_CONTACTS and not listed:
                yield f"user {user!r} at {self.account.name} is in {name}, and their profile says false"

    def _places_at(self, began: datetime, ended: datetime) -> list[int]:
        """The snapshots that a run can have read that began and ended then."""
        starts = [each.began for each in self.snapshots]
        first = max((place for place, start in enumerate(starts) if start <= began), default=0)
        before = [first - 1] if first and starts[first] == began else []
        return before + [place for place, start in enumerate(starts) if place == first or began < start <= ended]

    def _is_right(self, contact: str, name: str, places: Sequence[int]) -> bool:
        knows = self.known.get((contact, name))
        if self.listing.retired(name):
            return knows is None or knows.value is not True
        for place in places:
            possible = self._possible(contact, name, place)
            if knows is None:
                if any(each is ANYTHING or each is False for each in possible):
                    return True
            elif any(each is ANYTHING or same(each, knows.value) for each in possible):
                return True
        return False

    def _possible(self, contact: str, name: str, place: int) -> Sequence[object]:
        return self.sayings[place].possible(contact, self.users.get(contact, ()), name)

    def _said(self, contact: str, name: str, places: Sequence[int]) -> str:
        return " or ".join(sorted({repr(each) for place in places for each in self._possible(contact, name, place)}))

    def _is_listed(self, contact: str, name: str) -> bool:
        return not self._reaches(contact) or self.listing.lists(contact, self.users.get(contact, set()), name)

    def _reaches(self, contact: str) -> bool:
        """Whether the destination's `contacts` and `rollout` surely reach this contact."""
        settings = self.account.settings
        if "rollout" not in settings and "contacts" not in settings:
            return True
        return contact in {_address(each) for each in settings.get("contacts", ())}

    def _who(self, contact: str, name: str) -> str:
        return f"{contact!r} at {self.account.name}, property {name}:"


def complaints(watched: Watched) -> list[str]:
    """What is wrong in a test, of all of its worlds and receivers."""
    found = []
    for world in {id(each.witness): each for each in watched.worlds}.values():
        snapshots = [each for each in world.witness.snapshots if each.config]
        if not snapshots:
            continue
        for account in _accounts(snapshots, watched):
            if account.told:
                found += _complaints(world, snapshots, account)
    return found


def _complaints(world: Audited, snapshots: Sequence[Snapshot], account: Account) -> list[str]:
    listing = Listing.of(world, account.name)
    names = Names([each.config for each in snapshots], listing.pinned)
    says_now = world.witness.says_now()
    if says_now is not None and Counter(map(repr, says_now)) != Counter(map(repr, snapshots[-1].said or ())):
        return ["the warehouse was written past the witness: see Write.changing"]
    if account.shared:
        account = replace(account, told=[each for each in account.told if each.message_id in listing.history])
    return Auditor(account, snapshots, names, listing).complaints()


def _accounts(snapshots: Sequence[Snapshot], watched: Watched) -> Iterator[Account]:
    """Every destination that was ever configured, with what the receivers at its addresses were told, in one order.

    A destination whose address changes is one account; and one receiver may be behind several names: see `_complaints`.
    """
    configured = [each for snapshot in snapshots for each in snapshot.config.get("destinations", ())]
    places = [(str(each["name"]), _place(each.get("endpoint") or each.get("url"))) for each in configured]
    heard = {_place(each.http.url): tellings(each) for each in watched.receivers}
    for settings in {each["name"]: each for each in configured}.values():
        own = {place for name, place in places if name == settings["name"]}
        told = sorted((each for place in own for each in heard.get(place, ())), key=lambda telling: telling.at)
        yield Account(settings, told, any(place in own and name != settings["name"] for name, place in places))


def _place(url: object) -> str:
    return urlsplit(str(url)).netloc.replace("localhost", "127.0.0.1")


def _by_property(keys: Iterable[Key]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for whose, name in keys:
        found[name].add(whose)
    return found


def _of(config: Config, destination: str) -> Config:
    return next((each for each in config.get("destinations", ()) if each["name"] == destination), {})


def _address(email: str | None) -> str | None:
    return None if email is None else email.strip(" \t\r\n\xa0").lower()


def _is_clear(said: Said) -> bool:
    """Whether anybody would send this row as it is."""
    email, user = _address(said.email) or "", said.user or ""
    return (
        bool(_CLEAR_EMAIL.fullmatch(email) and user.strip() and (user + email).isprintable())
        and max(len(email), len(user.encode())) < _LONGEST
    )
