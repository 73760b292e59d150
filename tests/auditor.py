"""An auditor who knows nothing of the contract's code, and judges every test that has a world.

It knows what the warehouse said over time and what each receiver was told (`witness`), and what syncer lists (the views
of its state). It asks four things of every destination:

1. Each value that was told was true in the snapshot that its run had read.
2. Nobody was told what they knew, without a reason: see `_reason`.
3. What the history says was accepted was told, and what was told is in the history.
4. In the end belief is what the last snapshot said, or this very difference is listed: see `Listing.lists`.

A Segment destination has two keys: the email, by which consumers behind it know a contact, and the user id.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg

from tests.listing import Listing, Read
from tests.sayings import Account, Key, Names, Sayings
from tests.witness import Audited, Snapshot, Telling, Watched, hears, same, tellings

_MOST_CONTACTS = 100
"""A user id of more contacts than this is no identity."""

_MOST_EXPLAINED = 5
"""Of so many contacts of a property `explain` is asked if it was left to the next run: it makes a plan for each."""


class _Knows(NamedTuple):
    """What a receiver knows under one key: by which call, of which run, and the first snapshot that can have said so.

    `certain`: syncer knows that it was accepted. `users` are those of whom that was said.
    """

    value: object
    telling: Telling
    run: int
    place: int
    certain: bool
    users: Collection[str] = ()


@dataclass
class Auditor:
    """The judge of one destination. `complaints` are sentences. `world` is asked about what waits for the next run."""

    account: Account
    snapshots: Sequence[Snapshot]
    names: Names
    listing: Listing
    world: Audited | None = None
    known: dict[Key, _Knows] = field(default_factory=dict)
    standing: dict[Key, list[_Knows]] = field(default_factory=lambda: defaultdict(list))
    """What may be the last that was accepted: the last call that surely was, and those since."""
    profiles: dict[Key, _Knows] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Whoever was at a contact."""

    def __post_init__(self) -> None:
        self.sayings = [Sayings(each, self.names, self.account) for each in self.snapshots]
        for sayings in self.sayings:
            for (contact, _), users in sayings.users.items():
                self.users[contact] |= users
        self.emails: dict[str, str | None] = {}
        self.carried: dict[Key, object] = {}
        self.told_false: set[Key] = set()
        """user, property: told false, and not told otherwise where they are in."""
        self._first_places: dict[datetime, int] = {}

    def complaints(self) -> list[str]:
        found = [complaint for telling in self.account.told for complaint in self._hear(telling)]
        return [*found, *self._never_told(), *self._in_the_end()]

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
                yield from self._hear_value((contact, name), telling, value, news=news)

    def _hear_value(self, key: Key, telling: Telling, value: object, *, news: bool) -> Iterator[str]:
        before = self.known.get(key)
        call = self.listing.call(telling, key)
        if call is None and not self.listing.forgot(telling.at):
            yield f"{self._who(key)} was told {value!r} by a call that the history does not know"
        run, status = call or (0, "succeeded")
        certain = status == "succeeded" and telling.answered
        read = self.listing.runs.get(run)
        places = self._places(Read(run, read.began if read else self.snapshots[0].began, telling.at))
        place = next((each for each in places if self._is_possible(key, telling, value, read, each)), None)
        if place is None:
            yield f"{self._who(key)} was told {value!r}, which the snapshot of run {run} did not say"
        knows = _Knows(value, telling, run, places[0] if place is None else place, certain)
        if before is not None and same(before.value, value) and not news and not self._reason(key, before, knows):
            yield f"{self._who(key)} was told {value!r}, which they knew, without a reason"
        self._remember(key, knows)

    def _is_possible(self, key: Key, telling: Telling, value: object, read: Read | None, place: int) -> bool:
        """Whether this value could be told from this snapshot."""
        retired = self.listing.retired(key[1], read.began, telling.at) if read else {False}
        if True in retired and value is False:
            return self.sayings[place].may_reach(key[0])
        if False not in retired:
            return False
        users = self._users(key, place) | {str(telling.user)}
        possible = self.sayings[place].possible(*key, self._standing(key), users)
        return any(same(each, value) for each in possible)

    def _remember(self, key: Key, knows: _Knows) -> None:
        sayings = self.sayings[knows.place]
        users = sayings.users.get(key, set()) | sayings.stay(*key, self._users(key, knows.place))
        knows = knows._replace(users=users)
        self.known[key] = knows
        self.standing[key] = [knows] if knows.certain else [*self.standing[key], knows]
        user, name = str(knows.telling.user), key[1]
        self.profiles[user, name] = knows
        if knows.value is False:
            self.told_false.add((user, name))
        elif key[0] in sayings.contacts_of.get((user, name), ()):
            self.told_false.discard((user, name))

    def _news(self, contact: str, telling: Telling) -> bool:
        """Whether the call says something new beside its properties: an email, a trait that goes along."""
        changed = self.emails.get(contact, telling.email) != telling.email
        self.emails[contact] = telling.email
        for name, value in telling.values.items():
            if not self._is_property(name):
                changed |= self.carried.get((contact, name), value is None) != value
                self.carried[contact, name] = value
        return changed

    def _reason(self, key: Key, before: _Knows, now: _Knows) -> bool:
        """Why somebody is told what they knew: syncer does not know that it was accepted (the answer was lost, or the
        history of it); another call in between has no answer; this call is late, of a process that was overtaken; all
        are told again; it would expire; a reconciliation found that they do not know it; or the user whom it names was
        told false at another address, or was to be."""
        listing = self.listing
        return (
            not before.certain
            or now.run < before.run
            or (before.run == 0 and listing.forgot(before.telling.at))
            or listing.unknown_between(key, before.run, now.run)
            or listing.resynced_between(key[1], before.run, now.run)
            or listing.repaired_between(key, before.telling.at, now.telling.at)
            or listing.refreshed(key, now.run)
            or (self.account.has_profiles and self._follows(key, now))
        )

    def _follows(self, key: Key, now: _Knows) -> bool:
        user, name = str(now.telling.user), key[1]
        others = {contact for contact, users in self.users.items() if user in users} - {key[0]}
        profile = self.profiles.get((user, name))
        return (user, name) in self.told_false or self.listing.may_be_false(
            name, others, profile.run if profile else 0, now.run
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

    def _never_told(self) -> Iterator[str]:
        told = {telling.message_id for telling in self.account.told}
        if self.listing.forgets or told == {None}:
            return
        for message_id, (run, status) in self.listing.history.items():
            if status == "succeeded" and message_id not in told:
                yield f"a call of run {run} to {self.account.name} is said to have been accepted, and never came"

    # --- the end

    def _in_the_end(self) -> Iterator[str]:
        known, profiles = _by_property(self.known), _by_property(self.profiles)
        said = [_by_property(sayings.values) for sayings in self.sayings]
        for name, read in self.listing.last_read.items():
            places = self._places(read)
            contacts = known[name].union(*(said[place][name] for place in places))
            wrong = [key for contact in sorted(contacts) if not self._is_right(key := (contact, name), read, places)]
            if not self._are_deferred(wrong, name):
                for key in wrong:
                    knows = self.known.get(key)
                    yield (
                        f"{self._who(key)} believes {knows.value if knows else 'nothing'!r} in the end: "
                        f"the last snapshot said {self._said(key, places)}, and nothing is listed"
                    )
            yield from self._wrong_profiles(profiles[name], read, name, places)

    def _is_right(self, key: Key, read: Read, places: Sequence[int]) -> bool:
        """Whether a contact believes what the last snapshot said, or it is listed why not."""
        knows = self.known.get(key)
        value = knows.value if knows else None
        retired = self.listing.retired(key[1], read.began, read.began) == {True}
        right = any(
            not self.sayings[place].surely_reaches(key[0])
            or (value is not True if retired else any(same(each, value) for each in self._wanted(key, place)))
            for place in places
        )
        users = self._users(key, places[-1]) if value else self.sayings[places[-1]].users.get(key, ())
        if right or self.listing.lists(key, users, value, by_user=self.account.by_user):
            return True
        if self._waits_refused(key, read):
            return True
        # What the last run about it listed, later ones, which were not about it, may have struck off. Whoever was
        # paused meanwhile, and is not any more, has no plan yet that could say anything else.
        return read.run_id < max(self.listing.runs) and (
            bool({None, key[1]} & self.listing.paused)
            or self.listing.resumed
            or any(
                same(each, value)
                for place in places
                for each in self.sayings[place].possible(*key, self._standing(key), self._users(key, place))
            )
        )

    def _waits_refused(self, key: Key, read: Read) -> bool:
        """Whether this waits for the next try of its contact, who refused something else.

        A run about some audiences only, because others are paused, say, does not know what else is to be told.
        """
        listing = self.listing
        about_all = all(listing.last_read.get(name) == read for name in {*listing.pinned.values(), *listing.last_read})
        return (
            key[0] in listing.refused
            and not about_all
            and (self._is_past(read) or any(self._explained(key, waits) for waits in (None, "refused")))
        )

    def _wanted(self, key: Key, place: int) -> list[object]:
        wanted = self.sayings[place].right(*key, self._standing(key))
        # Whoever was never told true, or has no value, is told nothing.
        return [*wanted, None] if not wanted or wanted == [False] else wanted

    def _are_deferred(self, wrong: Sequence[Key], name: str) -> bool:
        """Whether all of them are among those who were left to the next run."""
        if len(wrong) > self.listing.deferred.get(name, 0):
            return False
        return self._is_past(self.listing.last_read[name]) or all(
            self._explained(key, "deferred") for key in wrong[:_MOST_EXPLAINED]
        )

    def _is_past(self, read: Read) -> bool:
        """Whether the warehouse has said something since: what waits by now, and for what, is judged by that."""
        return self._places(read)[-1] < len(self.snapshots) - 1

    def _explained(self, key: Key, waits: str | None) -> bool:
        """Whether it is said that this is to be told by the next run, or why it waits, or that nothing is told now."""
        if {None, key[1]} & self.listing.paused:
            return True
        told = self.world.explain(key[0]).destinations if self.world else ()
        [story] = [each for each in told if each["name"] == self.account.name] or [{"pending": [], "out_of_reach": []}]
        pending = [(each["contact"], each["property"], each["waits"]) for each in story["pending"]]
        return (*key, waits) in pending or key[0] in story["out_of_reach"]

    def _wrong_profiles(self, users: Iterable[str], read: Read, name: str, places: Sequence[int]) -> Iterator[str]:
        """Users who are in, and whose profile says that they are not.

        The opposite is not promised: of several users of one contact a call names one, so that a profile may stay true
        whose user left while others were there.
        """
        if not self.account.has_profiles or name in self.names.traits:
            return
        for user in users:
            if self.profiles[user, name].value is not False or True in self.listing.retired(name, *read[1:]):
                continue
            found = [self.sayings[place].contacts_of.get((user, name), []) for place in places]
            at = {contact for contacts in found for contact in contacts}
            if not all(found) or len(at) > _MOST_CONTACTS:
                continue
            listed = at <= self.listing.refused or any(
                self.listing.lists((each, name), {user}, False, by_user=False) for each in at
            )
            if not listed and not self._follow_next(at, name, read):
                yield f"user {user!r} at {self.account.name} is in {name}, and their profile says false"

    def _follow_next(self, contacts: Collection[str], name: str, read: Read) -> bool:
        """Whether a user's contacts had calls in the last run, each naming one user, and the next one names them."""
        outcomes = self.listing.outcomes.items()
        called = {contact for (contact, _), known in outcomes if known[-1].run_id == read.run_id}
        return called.issuperset(contacts) and (
            self._is_past(read)
            or any(self._explained((each, name), waits) for each in contacts for waits in (None, "deferred"))
        )

    def _places(self, read: Read) -> list[int]:
        """The snapshots that a run can have read."""
        first = self._first_place(read.began)
        later = range(first + 1, len(self.snapshots))
        return [first, *(place for place in later if self.snapshots[place].began <= read.ended)]

    def _first_place(self, began: datetime) -> int:
        """The last snapshot that was surely there."""
        if began not in self._first_places:
            surely = (place for place, each in enumerate(self.snapshots) if each.ended <= began)
            self._first_places[began] = max(surely, default=0)
        return self._first_places[began]

    def _standing(self, key: Key) -> list[object]:
        return [each.value for each in self.standing.get(key, ())]

    def _users(self, key: Key, last: int) -> set[str]:
        """Who was at a contact for this property since it was told, until a snapshot."""
        standing = self.standing.get(key, ())
        first = min((each.place for each in standing), default=last)
        told = {user for each in standing for user in (str(each.telling.user), *each.users)}
        return told.union(*(self.sayings[place].users.get(key, ()) for place in range(first, last + 1)))

    def _said(self, key: Key, places: Sequence[int]) -> str:
        return " or ".join(sorted({repr(each) for place in places for each in self._wanted(key, place)}))

    def _who(self, key: Key) -> str:
        return f"{key[0]!r} at {self.account.name}, property {key[1]}:"


def complaints(watched: Watched) -> list[str]:
    """What is wrong in a test, of all of its worlds and receivers."""
    found = []
    for world in {id(each.witness): each for each in watched.worlds}.values():
        snapshots = [each for each in world.witness.snapshots if each.config]
        if not snapshots:
            continue
        for account in _accounts(snapshots, watched):
            found += _complaints(world, snapshots, account)
    return found


def _complaints(world: Audited, snapshots: Sequence[Snapshot], account: Account) -> list[str]:
    try:
        listing = Listing.of(world, account.name)
    except psycopg.OperationalError:  # a state that nobody can ask lists nothing
        if account.told:
            raise
        return []
    names = Names([each.config for each in snapshots], listing.pinned)
    now, last = world.witness.says_now(), snapshots[-1].said
    if None not in (now, last) and Counter(map(repr, now or ())) != Counter(map(repr, last or ())):
        return ["the warehouse was written past the witness: see Write.changing"]
    if account.shared:
        account = replace(account, told=[each for each in account.told if each.message_id in listing.history])
    return Auditor(account, snapshots, names, listing, world).complaints()


def _accounts(snapshots: Sequence[Snapshot], watched: Watched) -> Iterator[Account]:
    """Every destination that was ever configured, with what the receivers at its addresses were told, in one order.

    A destination whose address changes is one account; and one receiver may be behind several names: see `_complaints`.
    """
    configured = [each for snapshot in snapshots for each in snapshot.config.get("destinations", ())]
    places = [(str(each["name"]), _place(each.get("endpoint") or each.get("url"))) for each in configured]
    heard = {_place(each.http.url): tellings(each) for each in watched.receivers if hears(each)}
    for settings in {each["name"]: each for each in configured}.values():
        own = {place for name, place in places if name == settings["name"]}
        if own <= heard.keys():
            told = sorted((each for place in own for each in heard[place]), key=lambda telling: telling.at)
            yield Account(settings, told, any(place in own and name != settings["name"] for name, place in places))


def _place(url: object) -> str:
    return urlsplit(str(url)).netloc.replace("localhost", "127.0.0.1")


def _by_property(keys: Collection[Key]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for whose, name in keys:
        found[name].add(whose)
    return found
