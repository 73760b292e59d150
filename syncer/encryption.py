"""Whether what is said can be read on its way, and for how long that is kept up."""

from datetime import datetime, timedelta

from syncer.fields import is_loopback

WAY_OUT = "encrypt it (for PostgreSQL add ?sslmode=verify-full to the address), or let nobody else be on that network"


_SOON = timedelta(days=14)
"""How long before its end a certificate is noted."""


def ending_soon(host: str, ends: datetime | None, now: datetime) -> list[str]:
    """What to say of the certificate of `host`, by when it ends (None: it shows none); nothing if that is not soon."""
    if ends is None or ends - now > _SOON:
        return []
    return [
        f"the certificate of {host} ends on {ends:%Y-%m-%d %H:%M} UTC, and it can be told nothing after that; ask who"
        " runs it to renew it"
    ]


def clear_text(host: str, *, encrypted: bool) -> str | None:
    """What to say of a session with `host`; None if it is encrypted, or does not leave this machine.

    A host that is a path is a Unix socket, and one without a name is the driver's own, which is near.
    """
    if encrypted or not host or host.startswith(("/", "@")) or is_loopback(host):
        return None
    return f"the connection to {host} is not encrypted, and names, addresses and the password go that way: {WAY_OUT}"
