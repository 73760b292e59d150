"""Who asks for something: recorded with what people order, and kept with what is done for somebody.

The account is that of the process, as the system knows it: no variable of the environment has a say in that. Whoever
runs another program than this one may still write another account into the state; the role, with which the session
logged in, is the database's own word. Who asks the console is known by the token that they gave: the account of that
process is not theirs.
"""

import os
import pwd
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asker:
    """An account and its host, its number, and the role of the session that it asked by (None: of the present one).

    Without a number it is a token, by its name, and the address that it came from.
    """

    actor: str
    uid: int | None
    database_user: str | None = None


def this_process() -> Asker:
    """Who runs this process. An account without a name, as in many containers, is called by its number."""
    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        account = str(uid)
    return Asker(f"{account}@{socket.gethostname()}", uid)
