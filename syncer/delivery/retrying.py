"""Whether a request that nobody answered is sent again, and how long delivery waits before that."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and for how long, the requests of a page are sent again. Times are in seconds.

    A wait that the receiver asks for (`Retry-After`) uses up no attempt: it is obeyed for as long as the page has time.
    """

    max_attempts: int = 8
    """Of one request."""
    max_seconds: float = 15 * 60
    """Of a page, all of its requests together."""
    first_wait: float = 0.5
    """Doubled by every attempt after the first."""
    max_wait: float = 60.0
    jitter: float = 1.0
    """At most this much is added to a wait, at random."""
    min_retry_after: float = 1.0
    """`Retry-After: 0` must not make a tight loop, since such waits use up no attempts."""

    def leaves_one(self, attempts: int) -> bool:
        """Whether the next attempt after these is the last."""
        return attempts == self.max_attempts - 1

    def wait(self, attempts: int, spent: float, retry_after: float | None) -> float | None:
        """How long to wait after the failed `attempts` of a request, its page having `spent` so much; None: give up."""
        if attempts >= self.max_attempts or spent >= self.max_seconds:
            return None
        if retry_after is not None:
            return max(retry_after, self.min_retry_after) if spent + retry_after <= self.max_seconds else None
        backoff = min(self.max_wait, self.first_wait * 2.0 ** (attempts - 1))
        return backoff + random.uniform(0, self.jitter)  # nosec B311 # no secret
