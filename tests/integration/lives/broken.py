"""Rows that cannot be sent: whom they still name, so that nobody of them left."""

from collections.abc import Sequence

from tests.integration.lives.audiences import contact_of, is_sendable
from tests.integration.lives.facts import Facts, Pair
from tests.world import Row


def named_by_broken(facts: Facts, rows: Sequence[Row]) -> set[Pair]:
    """(contact, audience) of members and uncertain contacts that a row that cannot be sent names."""
    broken = [row for row in rows if not is_sendable(row)]
    named = {
        (contact, name)
        for contact, name, user in facts.members
        for audience, whose, email in broken
        if (audience or "").strip() in ("", name) and (contact_of(email) == contact or whose == user)
    }
    return named | {
        (contact, name)
        for (contact, name), user in facts.uncertain.items()
        for _, whose, email in broken
        if contact_of(email) == contact or whose == user
    }
