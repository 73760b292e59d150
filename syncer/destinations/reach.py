"""Whether a host can be reached, found out without sending it anything: for `syncer check`."""

import socket
import ssl
from urllib.parse import urlsplit

from syncer.fetching import proxy_of

TIMEOUT = 5.0
"""Seconds to wait for a connection."""


def problem(scheme: str, host: str, port: int | None, tls: ssl.SSLContext) -> str | None:
    """What keeps a connection to the host from being opened (name, TCP, and TLS for https); None if nothing does.

    If the environment names a proxy for the host, the proxy is connected to instead.
    """
    proxy = proxy_of(scheme, host)
    if proxy:
        parts = urlsplit(proxy)
        return _connect(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    encrypted = scheme == "https"
    return _connect(host, port or (443 if encrypted else 80), tls if encrypted else None)


def _connect(host: str, port: int, tls: ssl.SSLContext | None = None) -> str | None:
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
            if tls:
                with tls.wrap_socket(connection, server_hostname=host):
                    pass
    except ssl.SSLCertVerificationError as exc:
        return f"the certificate of {host} is not trusted ({exc.verify_message})"
    except TimeoutError:
        return f"{host} port {port} does not answer within {TIMEOUT:g} s"
    except socket.gaierror:
        return f"the name {host} is unknown here"
    except (OSError, UnicodeError) as exc:  # UnicodeError: a host that is no name
        return f"{host} port {port}: {getattr(exc, 'strerror', None) or exc}"
    return None
