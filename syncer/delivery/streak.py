"""Whether it is the destination that refuses, and not its contacts."""

import threading

from syncer import errors, models

_REFUSED_IN_A_ROW = 10
"""How many contacts, each tried alone and refused in the same words, are no accident."""


class Streak:
    """Contacts refused in a row, each alone and in the same words, while nothing was accepted in this run.

    When they are many enough, it is the destination that refuses: it would refuse all other contacts too, and they
    would be parked through no fault of their own. Once anything was accepted, there is no verdict any more. A verdict
    is final: by then the destination is being stopped.
    """

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._accepted = False
        self._said: tuple[str, int | None] = ("", None)
        self._contacts: set[str] = set()
        self._lock = threading.Lock()
        self.verdict: errors.DestinationStoppedError | None = None

    def end(self) -> None:
        """A contact was accepted: from now on there is no verdict."""
        with self._lock:
            self._accepted = True

    def add(self, refusal: models.Refusal) -> errors.DestinationStoppedError | None:
        """A contact was refused alone. Returns the verdict, if there is one: the error that stops the destination."""
        with self._lock:
            if self.verdict is None and not self._accepted:
                self._count(refusal)
            return self.verdict

    def _count(self, refusal: models.Refusal) -> None:
        said = (refusal.reason, refusal.http_status)
        if said != self._said:
            self._said, self._contacts = said, set()
        self._contacts.add(refusal.identify.contact)  # a contact of many parts is one
        if len(self._contacts) >= _REFUSED_IN_A_ROW:
            self.verdict = errors.DestinationStoppedError(self._sentence(*said), http_status=refusal.http_status)

    def _sentence(self, words: str, http_status: int | None) -> str:
        status = f" (status {http_status})" if http_status else ""
        return (
            f'{self._destination} refuses every contact with the same words{status}: "{words}". It accepted nothing '
            f"in this run and refused {_REFUSED_IN_A_ROW} contacts in a row, each tried alone: so it is the "
            "destination that refuses, and nothing is held against the contacts. Check the account, its settings, "
            "and this destination's configuration, then sync again."
        )
