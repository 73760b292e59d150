"""Forgets people: what was sent stays countable, and names nobody any more.

Each given name is read as an email and as a user id. The users of that email's rows belong to the person, and so do the
contacts of all those users' rows, in the state and in its history. It ends there: another person who shares such a
contact keeps their own user id. Every contact and every user id becomes one random token, the same one everywhere, so
that keys, joins and counts go on as before; the plan leaves tokens alone, so nothing is sent for them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from syncer import errors
from syncer.state import Connection, analyze, execute, fetch_all

REPLACEMENT = "the words were about somebody who was forgotten"
"""Replaces a text that named a person."""

_STEPS = (
    "forget_in_members",
    "forget_counts",
    "forget_fingerprints",
    "forget_in_told_false",
    "forget_uncertain",
    "forget_in_held",
    "forget_in_changes",
    "forget_in_exceptions",
    "forget_in_refused",
    "forget_in_runs",
    "forget_in_run_destinations",
    "forget_in_actions",
    "forget_unanswered",
    "forget_profiles",
    "forget_events",
    "forget_skipped",
)


@dataclass(frozen=True, slots=True)
class _Told:
    """A contact about which a call left for a destination."""

    destination: str
    contact: str


def find(connection: Connection, who: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Every contact of these people (user ids or emails) about which a call was sent, to be erased; by destination."""
    with _named_people(connection, who):
        told: dict[str, list[str]] = {}
        for each in fetch_all(connection, _Told, "list_ever_told"):
            told.setdefault(each.destination, []).append(each.contact)
        return told


def forget(connection: Connection, who: Sequence[str]) -> Mapping[str, int]:
    """Forgets these people in one transaction. Returns how many rows each step rewrote or deleted, by its statement.

    Call it with the lock held and no run open: people whose calls are on their way cannot be forgotten. While the
    warehouse still has them, a keyed hash recognises them, also those that the state never had.
    """
    with _named_people(connection, who):
        execute(connection, "create_forgotten_text")
        touched = {step: execute(connection, step, {"words": REPLACEMENT}).rowcount for step in _STEPS}
        execute(connection, "remember_forgotten")
        execute(connection, "drop_forgotten_text")
        return touched


@contextmanager
def _named_people(connection: Connection, who: Sequence[str]) -> Iterator[None]:
    """A transaction in which private tables hold the names of these people, each with its token."""
    _refuse_unusable(who)
    with connection.transaction():
        named = {"who": list(who)}
        execute(connection, "create_forgotten_contact")
        execute(connection, "create_forgotten_user")
        execute(connection, "name_forgotten_contacts", named)
        execute(connection, "name_forgotten_users", named)
        analyze(connection, "forgotten_contact", "forgotten_user")
        execute(connection, "add_forgotten_users")
        analyze(connection, "forgotten_contact", "forgotten_user")
        execute(connection, "add_forgotten_contacts")
        analyze(connection, "forgotten_contact", "forgotten_user")
        yield
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
