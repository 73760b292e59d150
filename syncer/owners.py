"""Who else could change what we read or write: the owner of a file or folder, and of the link that leads to it.

Root may change everything anyway, so what is root's is as good as ours.
"""

import os
import pwd
import stat
from pathlib import Path


def stranger(path: Path) -> str | None:
    """Who owns `path`, or the link in its place, if that is neither we nor root. Nobody owns what is not there."""
    for look in (path.lstat, path.stat):
        try:
            owner = look().st_uid
        except OSError:  # it is not there, or nobody as we may look at it
            continue
        if owner not in (0, os.geteuid()):
            return name_of(owner)
    return None


def everybodys(path: Path) -> bool:
    """Whether every account may write to it."""
    try:
        return bool(path.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return False


def name_of(uid: int) -> str:
    """What an account is called; its number if it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
