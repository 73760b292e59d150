"""What a database looks for to find the rows that may be about some people, in patterns of LIKE.

What comes back may be about others as well, who are told apart by the rules of contacts. So a text is looked for by its
letters, digits and the few signs that no dialect gives a meaning of its own; anything else in it may be anything.
"""

import re
from collections.abc import Iterable, Sequence

from syncer import models

_MEANS_ITSELF = frozenset("abcdefghijklmnopqrstuvwxyz0123456789@.-+")
_NUMBER = re.compile(r"-?[\d.]*[1-9][\d.]*")


def email_patterns(people: models.People) -> Sequence[str]:
    """What the lower-case text of an email of theirs is like."""
    return sorted(f"%{_pattern(contact)}%" for contact in people.contacts)


def user_patterns(users: Iterable[str]) -> Sequence[str]:
    """What the lower-case text of a user id of theirs is like; a number may come with an exponent."""
    found = {f"%{_pattern(user)}%" for user in users}
    numbers = (user for user in users if _NUMBER.fullmatch(user))
    return sorted(found | {f"%{next(digit for digit in number if digit in '123456789')}%e%" for number in numbers})


def _pattern(text: str) -> str:
    """A pattern of LIKE that the text fits, and that holds nothing that ends or escapes anything."""
    letters = (
        letter if letter in _MEANS_ITSELF else "%" for letter in (c.lower() if c.isascii() else "%" for c in text)
    )
    return re.sub("%+", "%", "".join(letters))
