"""What an error of the state's database means: which of our errors it is, and its sentence.

What is missing here (a value that no column takes, a rule that a row breaks) is a bug of ours, and stays one.
"""

from collections.abc import Mapping

import psycopg

from syncer import errors

_CONFLICTS = "40"
"""Two transactions that cannot both have been: serialization failures and deadlocks."""

_LOCK_NOT_AVAILABLE = "55P03"
_DISK_FULL = "53100"

_SENTENCES: Mapping[str, str] = {
    "25006": "is read-only now, a standby or a server in the middle of a failover; syncer goes on once it can write",
    "28": "refuses the login of `state.url`",
    "3D": "does not exist; create it, or mend `state.url`",
    "3F": "has not the schema that `syncer migrate` makes",
    "42501": "refuses a right that syncer needs",
    "42P01": "is not as `syncer migrate` made it: somebody changed or dropped a part of the schema",
    "42703": "is not as `syncer migrate` made it: somebody changed or dropped a part of the schema",
    "42704": "is not as `syncer migrate` made it: somebody changed or dropped a part of the schema",
    "42883": "is not as `syncer migrate` made it: somebody changed or dropped a part of the schema",
    _DISK_FULL: "has no room left on its disk, and without room no run can be recorded; make room there",
    "53200": "has no memory left",
    "53300": "has no connection left; syncer needs six, three for each destination, and one for a command beside it",
    "53": "has no resources left",
    "54": "met a limit of the server",
    "57014": "cancelled a statement: somebody asked it to, or a time limit did",
    "57P01": "ended our session: an administrator did, or it shuts down",
    "57P02": "ended our session: the server crashed and starts again",
    "57P03": "takes no connections now: it starts, or shuts down",
    "57": "was interrupted by somebody",
    "58": "met an error of its system: a disk or a file failed",
    "XX": "met an error inside of PostgreSQL; its log says more",
}
"""By SQLSTATE, or the two letters of its class: goes on after "the state database"."""


def translated(error: psycopg.Error) -> errors.StateError | None:
    """Our error for one of the driver's; None if it is a bug of ours."""
    words = " ".join(str(error).split()) or type(error).__name__
    code = error.sqlstate or ""
    if code[:2] == _CONFLICTS or code == _LOCK_NOT_AVAILABLE:
        return errors.StateConflictError(
            f"the state database had another session in our way: {words}; nothing was changed, try again",
            quoted=words,
        )
    sentence = _SENTENCES.get(code) or _SENTENCES.get(code[:2])
    if sentence is not None:
        kind = errors.NoRoomError if code == _DISK_FULL else errors.StateError
        return kind(f"the state database {sentence}: {words}", quoted=words)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return errors.StateError(f"the state database failed: {words}", quoted=words)
    return None
