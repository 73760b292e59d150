"""Whether what is said to a database can be read on its way."""

from syncer.fields import is_loopback

WAY_OUT = "encrypt it (for PostgreSQL add ?sslmode=verify-full to the address), or let nobody else be on that network"


def clear_text(host: str, *, encrypted: bool) -> str | None:
    """What to say of a session with `host`; None if it is encrypted, or does not leave this machine.

    A host that is a path is a Unix socket, and one without a name is the driver's own, which is near.
    """
    if encrypted or not host or host.startswith(("/", "@")) or is_loopback(host):
        return None
    return f"the connection to {host} is not encrypted, and names, addresses and the password go that way: {WAY_OUT}"
