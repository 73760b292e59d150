"""What can go wrong, by what the caller has to do about it.

    SyncerError                          exit 1   base of all; the message is the sentence that a user reads
    ├── OutputError                      exit 1   what was printed could not be written
    ├── ConfigError                      exit 2   the configuration is wrong; `problems` holds every problem
    ├── SchemaVersionError               exit 3   the state schema is missing, older or newer
    ├── SyncLockedError                  exit 4   another process is syncing
    ├── StillRunningError                exit 130 somebody stopped waiting for what a daemon does
    ├── HeldError                        exit 5   the guard holds the whole run
    ├── PlanMovedError                   exit 10  a run would not send what was reviewed; holds the differences
    ├── WarehouseError                   exit 6   no whole snapshot: unreachable, cut off, or a query that fails
    ├── StateError                       exit 6   the state database is unreachable, or was lost
    │   ├── RestoredError                exit 6   the state is older than its last use; the message names the way out
    │   ├── NoRoomError                  exit 6   the state database has no room left on its disk
    │   ├── StateConflictError           exit 6   another session was in the way; nothing was done, it may be repeated
    │   └── NotOursError                 exit 6   somebody else took over the run that we were delivering
    └── DestinationError
        ├── DestinationUnavailableError  exit 6   worth another try; knows whether it may have been applied
        ├── DestinationStoppedError      exit 7   it refuses the credentials or the account: a human must act
        │   └── TurnedAwayError          exit 7   the same, unless it is a contact's data that it turns away
        ├── RequestRefusedError          exit 8   it refuses this one request and names no contact
        └── UnreadableError              exit 8   what it says of a contact, when asked, is no answer

A refused contact is data (`calls.Refusal`), not an exception. A stop asked for by a signal is an event, not an
exception. Driver errors are translated where the driver is used: `state`, `warehouses`, `destinations.http`.

Messages are printed, logged and kept. Where one quotes a database or a receiver (`QuotingError`), the addresses in it
are masked, and alerts leave the quoted words out; what is said of a single contact (`RequestRefusedError`) is kept as
it is, in that contact's history.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from syncer.masking import masked


class SyncerError(Exception):
    """Base of everything that we raise on purpose."""

    exit_code = 1


class QuotingError(SyncerError):
    """Its message quotes somebody else, a database or a receiver, who may name a person: addresses are masked.

    A database's words about a row can hold any value of it. So `unquoted` is the message without what was `quoted`, for
    where nobody may be named.
    """

    def __init__(self, message: str, *, quoted: str = "") -> None:
        super().__init__(masked(message))
        self.quoted = str(masked(quoted))
        self.unquoted = str(masked(message.replace(quoted, "…") if quoted else message))


class OutputError(SyncerError):
    """What was printed on stdout could not be written: there is no room, or it had to be read and nobody does."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration: where (`destinations[1].api_key`), and what and what helps."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(SyncerError):
    """The configuration is wrong. Holds every problem, not only the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SchemaVersionError(SyncerError):
    """The state schema does not fit this version; the message names the command that helps."""

    exit_code = 3


class StillRunningError(SyncerError):
    """Somebody stopped waiting for what a daemon does; the message says whether it goes on."""

    exit_code = 130


class SyncLockedError(SyncerError):
    """Another process is syncing; the message names its host, its pid and since when."""

    exit_code = 4


class HeldError(QuotingError):
    """The guard holds the whole run: `guard.ready` did not say true, or could not be asked."""

    exit_code = 5


class PlanMovedError(SyncerError):
    """A run was asked for what somebody had reviewed, and would send something else. Holds every difference."""

    exit_code = 10

    def __init__(self, message: str, differences: Sequence[Problem]) -> None:
        self.problems = (Problem("", message), *differences)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class WarehouseError(QuotingError):
    """The warehouse gave no whole snapshot. Never to be taken for an empty one."""

    exit_code = 6


class StateError(QuotingError):
    """The state database cannot be reached, or the connection to it was lost."""

    exit_code = 6


class RestoredError(StateError):
    """The state came out of a backup: it does not know what was told since. Nothing is sent until somebody says so."""


class NoRoomError(StateError):
    """The state's disk is full: nothing can be recorded, so nothing is sent. It does not pass by itself."""


class StateConflictError(StateError):
    """Another session wrote the same rows, or each waited for the other: nothing of the transaction was done."""


class NotOursError(StateError):
    """A guarded update found another state than the one it expects: somebody took over."""


class DestinationError(SyncerError):
    """A destination did not take a request."""

    exit_code = 6


class DestinationUnavailableError(DestinationError, QuotingError):
    """Worth another try.

    `retry_after` is in seconds, if the receiver named it; such a wait is not counted as an attempt.
    `maybe_applied` is true where the receiver may have applied the request although no answer came.
    """

    def __init__(
        self,
        message: str,
        *,
        maybe_applied: bool,
        retry_after: float | None = None,
        http_status: int | None = None,
        quoted: str = "",
    ) -> None:
        super().__init__(message, quoted=quoted)
        self.maybe_applied = maybe_applied
        self.retry_after = retry_after
        self.http_status = http_status


class DestinationStoppedError(DestinationError, QuotingError):
    """It refuses the credentials, the account or the address: nothing more is sent to it in this run."""

    exit_code = 7

    def __init__(self, message: str, *, http_status: int | None = None, quoted: str = "") -> None:
        super().__init__(message, quoted=quoted)
        self.http_status = http_status


class TurnedAwayError(DestinationStoppedError):
    """It answered a request that holds contacts with 401, 402, 403, 404 or 410.

    As a rule that is about the account or the address. But a firewall, or whoever wrote the receiver, may answer so to
    what is said of one contact: `answer` is what it said, without the advice of the message.
    """

    def __init__(self, message: str, *, answer: str, http_status: int, quoted: str = "") -> None:
        super().__init__(message, http_status=http_status, quoted=quoted)
        self.answer = answer


class RequestRefusedError(DestinationError):
    """It refuses one request, and does not say which of its contacts is to blame."""

    exit_code = 8

    def __init__(self, message: str, *, http_status: int) -> None:
        super().__init__(message)
        self.http_status = http_status


class UnreadableError(DestinationError):
    """It was asked what it believes of a contact, and that is no answer. The message is ours, and names no person."""

    exit_code = 8
