"""Proxies and certificates that the environment names: used, or one problem that names the variable."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from syncer import environment, errors
from syncer.exchanges import NoAnswerError
from syncer.fetching import fetch, open_transport
from tests import commands
from tests.raw_server import RawServer
from tests.unit.calls import identify
from tests.unit.config.texts import MINIMAL
from tests.unit.segment.tools import build

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
SEGMENT = "https://api.segment.io"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    environment.tls.cache_clear()
    yield
    environment.tls.cache_clear()


# --- which proxy -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "https://x.example", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://x.example", "the proxy p:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://x.example", None),
        ({"HTTPS_PROXY": "p:3128"}, "https://x.example", "the proxy p:3128 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "https://p"}, "https://x.example", "the proxy p:443 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://[::9]:1"}, "https://x.example", "the proxy [::9]:1 (HTTPS_PROXY)"),
        ({"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, "https://x.example", "the proxy a:1 (https_proxy)"),
        ({"ALL_PROXY": "a:1", "HTTP_PROXY": "b:1"}, "https://x.example", "the proxy a:1 (ALL_PROXY)"),
        ({"ALL_PROXY": "a:1"}, "http://127.0.0.1:9", None),
        ({"ALL_PROXY": "a:1"}, "http://[::1]:9", None),
        ({"HTTPS_PROXY": ""}, "https://x.example", None),
        (
            {"HTTPS_PROXY": "http://próxy.example:1"},
            "https://x.example",
            "the proxy xn--prxy-rqa.example:1 (HTTPS_PROXY)",
        ),
        ({"HTTPS_PROXY": "http://ü:p%C3%BC@p:1"}, "https://x.example", "the proxy p:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://u:\udcff@p:1"}, "https://x.example", "the proxy p:1 (HTTPS_PROXY)"),
    ],
)
def test_a_variable_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = environment.proxy_for(urlsplit(url))
    open_transport(url).close()
    assert (None if found is None else str(found)) == proxy


@pytest.mark.parametrize(
    ("entries", "host", "is_direct"),
    [
        ("x.example", "x.example", True),
        ("x.example", "a.x.example", True),
        ("x.example", "ax.example", False),
        (".x.example", "x.example", True),
        ("*.x.example", "a.x.example", True),
        ("X.Example", "x.EXAMPLE", True),
        ("a.example, ,x.example", "x.example", True),
        ("a.example x.example", "x.example", True),
        ("*", "x.example", True),
        ("x.example:443", "x.example", True),
        ("x.example:80", "x.example", False),
        ("x.example:0443", "x.example", True),
        ("x.example:" + "4" * 5000, "x.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.7/8", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("[::1]", "x.example", False),
        ("[fd00::7]", "[fd00::7]", True),
        ("[fd00::7]:443", "[fd00::7]", True),
        ("[fd00::7]:80", "[fd00::7]", False),
        ("fd00::/8", "[fd00::7]", True),
        ("::1,/,//,a/b,[,]:x,10.0.0.0/99,:", "x.example", False),
        ("", "x.example", False),
    ],
)
def test_no_proxy_names_hosts_and_networks(
    monkeypatch: pytest.MonkeyPatch, entries: str, host: str, is_direct: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", entries)
    assert (environment.proxy_for(urlsplit(f"https://{host}")) is None) is is_direct


# --- what cannot be used -----------------------------------------------------------------------------------------


def no_certificate(folder: Path) -> str:
    (folder / "cert.pem").write_text("no certificate")
    return str(folder / "cert.pem")


UNUSABLE: dict[str, tuple[str, str | Callable[[Path], str], str]] = {
    "SOCKS": ("ALL_PROXY", "socks5://ada:s3cret@p:1080", "names a SOCKS proxy"),
    "SOCKS by name": ("all_proxy", "socks5h://ada:s3cret@p", "names a SOCKS proxy"),
    "another scheme": ("HTTPS_PROXY", "ftp://ada:s3cret@p", "is no address of a proxy"),
    "no host": ("HTTPS_PROXY", "http://ada:s3cret@:1", "is no address of a proxy"),
    "no port": ("HTTPS_PROXY", "http://ada:s3cret@p:x", "is no address of a proxy"),
    "half a bracket": ("HTTPS_PROXY", "http://ada:s3cret@[::1", "is no address of a proxy"),
    "no file": ("SSL_CERT_FILE", "/nowhere/cert.pem", "there is no file /nowhere/cert.pem"),
    "a folder": ("SSL_CERT_FILE", str, "there is no file"),
    "endless": ("SSL_CERT_FILE", "/dev/zero", "there is no file /dev/zero"),
    "no certificate": ("SSL_CERT_FILE", no_certificate, "holds no certificate"),
    "a host of bytes": ("HTTPS_PROXY", "http://\udcff:1", "is no address of a proxy"),
    "a host too long": ("HTTPS_PROXY", f"http://{'x' * 70}.example:1", "is no address of a proxy"),
    "no folder": ("SSL_CERT_DIR", "/nowhere/certs", "there is no folder /nowhere/certs"),
}


@pytest.mark.parametrize(("variable", "value", "problem"), UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize("command", ["check", "sync"])
def test_what_cannot_be_used_is_a_problem_of_that_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: Any, problem: str, command: str
) -> None:
    monkeypatch.setenv(variable, value if isinstance(value, str) else value(tmp_path))
    config = tmp_path / "syncer.toml"
    config.write_text(MINIMAL)
    config.chmod(0o600)
    done = commands.call(["--config", str(config), command])
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {variable}: ")
    assert problem in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


# --- what a proxy answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"])
def test_what_a_proxy_refuses_is_its_fault_and_found_by_check(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    said = f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    with RawServer(lambda connection: connection.sendall(said)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:s3cret%21@127.0.0.1:{proxy.port}")
        with closing(build()) as destination:
            [problem] = destination.problems()
            [request], _ = destination.requests([identify()])
            with pytest.raises(errors.DestinationUnavailableError) as raised:
                destination.send(request)
    for words in (problem, str(raised.value)):
        assert f"the proxy 127.0.0.1:{proxy.port} (HTTPS_PROXY) answered {answer}, and opens no connection" in words
        assert "s3cret" not in words
    assert raised.value.maybe_applied is False
    assert len(proxy.requests) == 2
    assert proxy.requests[0].startswith(b"CONNECT api.segment.io:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic YWRhOnMzY3JldCE=\r\n" in proxy.requests[0]


def test_a_proxy_of_requests_in_clear_text_may_want_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with RawServer(lambda connection: connection.sendall(said)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        with closing(build(endpoint="http://x.example", allow_http=True)) as destination:
            [request], _ = destination.requests([identify()])
            with pytest.raises(errors.DestinationUnavailableError) as raised:
                destination.send(request)
    assert f"cannot be reached: the proxy 127.0.0.1:{proxy.port} (HTTP_PROXY) answered 407" in str(raised.value)
    assert raised.value.maybe_applied is False


def test_a_proxy_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:s3cret@127.0.0.1:{port}")
    with closing(build()) as destination:
        [problem] = destination.problems()
    assert f"by way of the proxy 127.0.0.1:{port} (HTTPS_PROXY): 127.0.0.1 port {port}: Connection refused" in problem
    assert "s3cret" not in problem


# --- names -------------------------------------------------------------------------------------------------------


def test_looking_up_a_name_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [over.wait(20)][1:])
    began = time.monotonic()
    with closing(open_transport(SEGMENT)) as transport, pytest.raises(NoAnswerError, match="looked up"):
        fetch(transport, "GET", SEGMENT, 0.2)
    over.set()
    assert time.monotonic() - began < 5


def test_a_name_may_have_an_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in ("127.0.0.9", "127.0.0.1")]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: found if host == "x.example" else real(host, *rest, **more)
    )
    with RawServer(lambda connection: connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        url = f"http://x.example:{server.port}/"
        with closing(open_transport(url)) as transport:
            assert fetch(transport, "GET", url, 5).status == 204
    assert b"Host: x.example" in server.requests[0]


def test_nothing_of_the_environment_is_read_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ALL_PROXY", "socks5://p")
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", "/nowhere")
    with closing(build(endpoint="http://127.0.0.1:9")) as destination:
        [problem] = destination.problems()
    assert "Connection refused" in problem
