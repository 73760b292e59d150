"""How a session with PostgreSQL notices that nobody is at the other end any more.

A network that drops everything without a word (a firewall that forgot the connection, a machine that lost its power)
would otherwise hang a statement for two hours, or for ever.
"""

from collections.abc import Mapping

KEEPALIVE: Mapping[str, int] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq's options, in seconds, the last one in milliseconds: noticed within half a minute, however long a statement
takes. Whoever sets them in a URL knows better. Sessions by a Unix socket need none."""
