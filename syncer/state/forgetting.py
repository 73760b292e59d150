"""Forgets people: what was sent stays countable, and names nobody any more.

A given name with an @ is an email; any other is a user id, and so is one with an @ that is known as a user id and is
nobody's address. The users of an email's rows belong to the person, and so do the addresses of all those users' rows,
in the state, in its history, and in what is left of history that was dropped. It ends there: another person who shares
such a contact keeps their own user id. Every address and every user id becomes one random token, the same one
everywhere, so that keys, joins and counts go on as before; the plan leaves tokens alone, so nothing is sent for them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from syncer import errors
from syncer.state import MAX_CONTACTS_OF_USER, Connection, analyze, execute, fetch_all, fetch_one

REPLACEMENT = "the words were about somebody who was forgotten"
"""Replaces a text that named a person."""

_STEPS = (
    "forget_in_members",
    "forget_counts",
    "forget_sums",
    "forget_in_told_false",
    "forget_in_user_told_false",
    "forget_uncertain",
    "forget_in_held",
    "forget_in_changes",
    "forget_in_exceptions",
    "forget_in_refused",
    "forget_in_runs",
    "forget_in_run_destinations",
    "forget_in_actions",
    "forget_in_requests",
    "forget_unanswered",
    "forget_profiles",
    "forget_events",
    "forget_in_events",
    "forget_skipped",
    "forget_in_held_out",
    "forget_in_reconciliations",
    "forget_past",
    "forget_base",
)

_SAMPLED = ("synced_member", "told_false", "synced_profile", "sync_change", "sync_exception")
"""The tables of whose names and values PostgreSQL keeps samples, for its planner."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a forgetting is about.

    `told`: every contact about which a call was sent, to be erased there, by destination. `contacts`: how many the
    state has of them, told or not. `read_as_users`: how many of the given names have an @ and are user ids all the
    same.
    """

    told: Mapping[str, Sequence[str]]
    contacts: int
    read_as_users: int


@dataclass(frozen=True, slots=True)
class _Told:
    """A contact about which a call left for a destination."""

    destination: str
    contact: str


@dataclass(frozen=True, slots=True)
class _Counted:
    contacts: int
    read_as_users: int


def find(connection: Connection, who: Sequence[str]) -> Found:
    """Whom these names (user ids or emails) are about."""
    with _named_people(connection, who):
        return _found(connection, who)


def forget(connection: Connection, who: Sequence[str], found: Found) -> Mapping[str, int]:
    """Forgets these people in one transaction. Returns how many rows each step rewrote or deleted, by its statement.

    Call it with the lock held and no run open: people whose calls are on their way cannot be forgotten. Raises
    `NotOursError` if the names are not about those any more who were `found`. While the warehouse still has them, a
    keyed hash recognises them, also those that the state never had.
    """
    with _named_people(connection, who):
        if _found(connection, who) != found:
            raise errors.NotOursError("somebody was told in the meantime; nobody was forgotten, ask again")
        execute(connection, "lock_out_reconciliations")
        execute(connection, "create_forgotten_text")
        touched = {step: execute(connection, step, {"words": REPLACEMENT}).rowcount for step in _STEPS}
        execute(connection, "remember_forgotten")
        execute(connection, "drop_forgotten_text")
        _renew_samples(connection)
        return touched


def _found(connection: Connection, who: Sequence[str]) -> Found:
    told: dict[str, list[str]] = {}
    for each in fetch_all(connection, _Told, "list_ever_told"):
        told.setdefault(each.destination, []).append(each.contact)
    counted = fetch_one(connection, _Counted, "count_forgotten", {"who": list(who)})
    return Found(told, counted.contacts, counted.read_as_users)


def _renew_samples(connection: Connection) -> None:
    """Lets PostgreSQL take its samples anew, so that they name nobody who is gone."""
    execute(connection, "add_nobody")
    analyze(connection, *_SAMPLED)
    execute(connection, "delete_nobody")


@contextmanager
def _named_people(connection: Connection, who: Sequence[str]) -> Iterator[None]:
    """A transaction in which private tables hold the names of these people, each with its token."""
    _refuse_unusable(who)
    with connection.transaction():
        named = {"who": list(who)}
        execute(connection, "create_known_person")
        execute(connection, "create_forgotten_email")
        execute(connection, "create_forgotten_user")
        execute(connection, "name_forgotten_users", named)
        execute(connection, "name_forgotten_emails", named)
        analyze(connection, "forgotten_email", "forgotten_user")
        execute(connection, "add_forgotten_users", {"max_contacts": MAX_CONTACTS_OF_USER})
        analyze(connection, "forgotten_user")
        execute(connection, "add_forgotten_emails")
        execute(connection, "create_forgotten_contact")
        analyze(connection, "forgotten_email", "forgotten_contact")
        yield
        execute(connection, "drop_known_person")
        execute(connection, "drop_forgotten_people")


def _refuse_unusable(who: Sequence[str]) -> None:
    """Raises `ConfigError` for names that nobody can have: the database cannot even be asked about them."""
    problems = [errors.Problem("WHO", f"{name!r} {why}") for name in who if (why := _why_unusable(name))]
    if problems:
        raise errors.ConfigError(problems)


def _why_unusable(name: str) -> str | None:
    if name.strip(" \t\r\n\xa0") == "":
        return "names nobody"
    if "\0" in name:
        return "has a NUL in it, which no user id or email can have"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid text; no user id or email can be that"
    return None
