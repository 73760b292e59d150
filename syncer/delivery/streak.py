"""Whether it is the destination that refuses, and not its contacts."""

import threading
from collections.abc import Mapping

from syncer import errors
from syncer.calls import Refusal

_IN_A_ROW = 10
"""How many contacts, each tried alone and answered the same, are no accident."""


class Streak:
    """Contacts that were tried alone, one after the other, and got the same answer: then it is the destination's.

    There are two such answers. A *refusal* counts while nothing was accepted in this run: in the same words to many,
    the destination would refuse all others too, and they would be parked through no fault of their own. A contact that
    is *turned away* (`errors.TurnedAwayError`) got what a bad key or a wrong address gets: that counts from the last
    acceptance on, because a key may be revoked at any time, and by its status only, because a firewall's words name
    each request. And where a run ends with nobody accepted, or refused in another way, the contacts that were turned
    away are not to blame, however few they are: see `end`.

    A contact that got the same status in an earlier run (`refused_before`: status by contact) is no news, and does not
    count: where only such contacts are tried again, the destination does not refuse everybody.

    A verdict is final: by then the destination is being stopped.
    """

    def __init__(self, destination: str, refused_before: Mapping[str, int]) -> None:
        self._destination = destination
        self._refused_before = refused_before
        self._accepted = False
        self._turned_away: errors.TurnedAwayError | None = None  # while contacts had no other answer in this run
        self._answered = False
        self._said: tuple[str, int | None] = ("", None)
        self._contacts: set[str] = set()
        self._lock = threading.Lock()
        self.verdict: errors.DestinationStoppedError | None = None

    @property
    def turns_away(self) -> bool:
        """Whether the last contact that was tried alone was turned away: more would be, as far as is known."""
        with self._lock:
            return self._said[0] == "" and bool(self._contacts)

    def accept(self) -> None:
        """A contact was accepted: whoever was refused before is refused by itself."""
        with self._lock:
            self._accepted = self._answered = True
            self._contacts = set()

    def refuse(self, refusal: Refusal) -> errors.DestinationStoppedError | None:
        """A contact was refused alone. Returns the verdict, if there is one: the error that stops the destination."""
        with self._lock:
            self._answered = True
            if not self._accepted and self._counts(refusal, refusal.reason):
                self.verdict = errors.DestinationStoppedError(
                    self._sentence(refusal.reason, refusal.http_status), http_status=refusal.http_status
                )
            return self.verdict

    def turn_away(self, refusal: Refusal, error: errors.TurnedAwayError) -> errors.DestinationStoppedError | None:
        """A contact was turned away alone. Returns the verdict, as `refuse` does."""
        with self._lock:
            if not self._is_known(refusal):
                self._turned_away = self._turned_away or error
            if self._counts(refusal, ""):
                self.verdict = error
            return self.verdict

    def end(self) -> errors.DestinationStoppedError | None:
        """The verdict of the whole run, once nothing more is sent."""
        with self._lock:
            if self.verdict is None and not self._answered:
                self.verdict = self._turned_away
            return self.verdict

    def _counts(self, refusal: Refusal, words: str) -> bool:
        """Counts a contact in the row; whether that makes it long enough for a verdict, the first one."""
        if self.verdict or self._is_known(refusal):
            return False
        said = (words, refusal.http_status)
        if said != self._said:
            self._said, self._contacts = said, set()
        self._contacts.add(refusal.identify.contact)  # a contact of many parts is one
        return len(self._contacts) >= _IN_A_ROW

    def _is_known(self, refusal: Refusal) -> bool:
        before = self._refused_before.get(refusal.identify.contact)
        return before is not None and before == refusal.http_status

    def _sentence(self, words: str, http_status: int | None) -> str:
        status = f" (status {http_status})" if http_status else ""
        return (
            f'{self._destination} refuses every contact with the same words{status}: "{words}". It accepted nothing '
            f"in this run and refused {_IN_A_ROW} contacts in a row, each tried alone: so it is the "
            "destination that refuses, and nothing is held against the contacts. Check the account, its settings, "
            "and this destination's configuration, then sync again."
        )
