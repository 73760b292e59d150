"""What the environment says about connections: proxies, and the certificates that are trusted.

    HTTPS_PROXY, HTTP_PROXY, ALL_PROXY    the proxy for addresses of that scheme, or of any; small letters come first
    NO_PROXY                              hosts that are connected to directly: names with all below them, addresses,
                                          networks (10.0.0.0/8), each with a port or without; * is all
    SSL_CERT_FILE, SSL_CERT_DIR           certificates instead of those that come along

What cannot be used is a problem of that variable, found before anything is sent. No message shows a proxy's password.
"""

import functools
import os
import re
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from syncer import errors
from syncer.fields import is_loopback

PORTS = {"http": 80, "https": 443}
"""Where a scheme's servers listen that name no port."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it. `login` is its user and password, if it wants any."""

    variable: str
    scheme: str
    host: str
    port: int
    login: tuple[bytes, bytes] | None = field(repr=False)

    def __str__(self) -> str:
        return f"the proxy {_in_url(self.host)}:{self.port} ({self.variable})"

    @property
    def url(self) -> str:
        """Its address, without a password."""
        return f"{self.scheme}://{_in_url(self.host)}:{self.port}"


def proxy_for(url: SplitResult) -> Proxy | None:
    """The proxy for an address; None if it is connected to directly, as loopback always is.

    Raises `ConfigError` if the variable names none that can be used.
    """
    host = url.hostname or ""
    if is_loopback(host) or _is_direct(host.rstrip("."), url.port or PORTS[url.scheme]):
        return None
    for name in (f"{url.scheme}_proxy", "all_proxy"):
        variable = next((each for each in (name, name.upper()) if os.environ.get(each)), None)
        if variable is not None:
            return _proxy(variable, os.environ[variable], host)
    return None


def prove(url: SplitResult) -> Proxy | None:
    """As `proxy_for`, and reads the certificates that the environment names. Those that come along can be read."""
    proxy = proxy_for(url)
    encrypted = url.scheme == "https" or (proxy is not None and proxy.scheme == "https")
    if encrypted and (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        tls()
    return proxy


@functools.cache
def tls() -> ssl.SSLContext:
    """The trusted certificates. Loading them takes longer than many requests, so it is done once.

    Raises `ConfigError` if the environment names some that cannot be read.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file and not Path(file).is_file():
        raise _problem("SSL_CERT_FILE", f"there is no file {file}")
    if folder and not file and not any(Path(each).is_dir() for each in folder.split(os.pathsep)):
        raise _problem("SSL_CERT_DIR", f"there is no folder {folder}")
    import httpx  # takes long, and most commands ask nobody

    try:
        return httpx.create_ssl_context()
    except OSError as error:  # also what is wrong with a certificate
        why = "holds no certificate" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        raise _problem("SSL_CERT_FILE", f"the file {file} {why}") from error


def _proxy(variable: str, text: str, host: str) -> Proxy:
    way_out = f"correct it, or add {host} to NO_PROXY"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port, name = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError:  # UnicodeError is one
        raise _problem(variable, f"is no address of a proxy; {way_out}") from None
    if parts.scheme.startswith("socks"):
        raise _problem(variable, f"names a SOCKS proxy, and syncer speaks to HTTP proxies only; {way_out}")
    if parts.scheme not in PORTS or not name or not name.isprintable() or port == 0:
        raise _problem(variable, f"is no address of a proxy, such as http://proxy.internal:3128; {way_out}")
    return Proxy(variable, parts.scheme, name, port or PORTS[parts.scheme], _login(parts))


def _login(parts: SplitResult) -> tuple[bytes, bytes] | None:
    if "@" not in parts.netloc:
        return None
    return unquote_to_bytes(os.fsencode(parts.username or "")), unquote_to_bytes(os.fsencode(parts.password or ""))


def _is_direct(host: str, port: int) -> bool:
    wanted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return any(_covers(entry.lower(), host, port) for entry in re.split(r"[\s,]+", wanted) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY is about this host."""
    if entry == "*":
        return True
    named = _ENTRY.fullmatch(entry)
    name = (named["bracketed"] or named["name"]) if named else entry
    if named and named["port"] and named["port"].lstrip("0") != str(port):
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return host == name or host.endswith(f".{name}")


_ENTRY = re.compile(r"(?:\[(?P<bracketed>[^]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]+))?")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _problem(variable: str, message: str) -> errors.ConfigError:
    return errors.ConfigError([errors.Problem(variable, message)])
