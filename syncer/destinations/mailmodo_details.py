"""Mailmodo's answer to `/getContactDetails`.

    200 {"contactIdentifier": "…", "email": "ada@example.com", "data": {"vip_buyers": true}, "blocked": false, …}

What it answers about an email that it does not know is not documented. Taken for that is only what says so: a failure
(400, 404, or `success: false`) with the words that it has for it elsewhere ("Email address doesn't exist", of
`DELETE /contacts`) or such as mean the same. Any other failure is no answer. A path that there is not is answered with
a 404 too; that stops us.
"""

import re

from syncer import errors
from syncer.calls import Belief
from syncer.destinations.reading import belief_in

_KNOWS_NONE = re.compile(r"(does ?n.t|does not|do not) exists?|not found|no (such )?contact", re.IGNORECASE)
_NO_SUCH_PATH = "Some Internal Error Occurred: 404"


def details_in(found: object, status: int, contact: str) -> Belief | None:
    """What it believes of a contact; None: it does not know it. Raises `DestinationError`."""
    said = found if isinstance(found, dict) else {}
    if status >= 400 or said.get("success") is False or said.get("error") is not None:
        words = " ".join(each for key in ("message", "error") if isinstance(each := said.get(key), str))
        if _NO_SUCH_PATH in words:
            raise errors.DestinationStoppedError(
                "it has no /getContactDetails there: check endpoint, its host and path", http_status=status
            )
        if _KNOWS_NONE.search(words):
            return None
        message = f"answered {status}, no success, and not that it knows no such contact"
        raise errors.UnreadableError(message)
    email = said.get("email")
    if not isinstance(email, str) or email.strip().lower() != contact.lower():
        message = f"answered {status} about another contact, or about none"
        raise errors.UnreadableError(message)
    return belief_in(said, "/data", None)
