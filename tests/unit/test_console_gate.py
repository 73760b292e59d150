"""Who may come in, judged by what a request says."""

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from syncer.config import Console
from syncer.console import gate
from syncer.console.gate import Gate, TurnedAwayError
from syncer.web import Request

TOKEN = "correct-horse-battery-staple"


class Clock:
    """Goes only when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guarded(clock: Clock) -> Gate:
    return Gate(Console(token=SecretStr(TOKEN), hosts=("syncer.internal",)), clock)


def asked(token: str = "", client: str = "10.0.0.1", **headers: str) -> Request:
    given = {"authorization": f"Bearer {token}"} if token else {}
    return Request("/now", headers={"host": "10.0.0.9:9464", **given, **headers}, client=client)


def status(of: Gate, request: Request) -> int:
    """What they are answered; 200 for who comes in."""
    try:
        of.caller(request)
    except TurnedAwayError as error:
        return int(error.status)
    return 200


def test_wrong_tokens_are_slowed_down(guarded: Gate, clock: Clock) -> None:
    with capture_logs() as logged:
        tried = [status(guarded, asked(f"wrong{n}")) for n in range(gate.TRIES + 5)]
    assert tried == [401] * gate.TRIES + [429] * 5
    assert [each["address"] for each in logged] == ["10.0.0.1"] * gate.TRIES
    assert "wrong1" not in str(logged)
    clock.now += 60
    assert [status(guarded, asked("wrong")) for _ in range(60)].count(401) == gate.TRIES


def test_who_tries_without_end_learns_one_token_a_second(guarded: Gate, clock: Clock) -> None:
    compared = 0
    for _ in range(1000):
        compared += status(guarded, asked("wrong")) == 401
        clock.now += 0.1
    assert compared <= gate.TRIES + 101


def test_nobody_locks_others_out(guarded: Gate, clock: Clock) -> None:
    for _ in range(1000):
        status(guarded, asked("wrong"))
    assert status(guarded, asked(TOKEN, client="10.0.0.2")) == 200
    assert status(guarded, asked()) == 200  # whoever gives none sees what they saw
    assert status(guarded, asked(TOKEN)) == 429
    clock.now += 1.5  # whatever was tried meanwhile
    assert status(guarded, asked(TOKEN)) == 200


def test_an_address_of_ipv6_is_as_good_as_its_neighbours(guarded: Gate) -> None:
    tried = [status(guarded, asked("wrong", client=f"2001:db8::{n:x}")) for n in range(1, gate.TRIES + 5)]
    assert tried.count(429) == 4
    assert status(guarded, asked("wrong", client="2001:db8:0:1::1")) == 401
    assert status(guarded, asked("wrong", client="::ffff:10.0.0.3")) == 401


def test_not_all_addresses_are_remembered(guarded: Gate) -> None:
    for n in range(5000):
        status(guarded, asked("wrong", client=f"10.{n // 250}.{n % 250}.1"))
    assert len(guarded._tries._spent_until) == 1024


@pytest.mark.parametrize("host", ["syncer.internal", "SYNCER.internal.:9464", "10.0.0.9", "[::1]:80", "localhost:1"])
def test_names_that_people_chose_are_ours(guarded: Gate, host: str) -> None:
    assert status(guarded, asked(host=host)) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "syncer.internal.evil.example", "", "a, 10.0.0.9", "10.0.0.9.evil.example"]
)
def test_other_names_are_not(guarded: Gate, host: str) -> None:
    assert status(guarded, asked(host=host)) == 421


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        ("http://10.0.0.9:9464", None, 200),
        ("https://10.0.0.9:9464", "same-origin", 200),  # something before us speaks TLS
        (None, "same-origin", 200),
        ("http://10.0.0.9:3000", None, 403),  # another port of this host
        ("http://10.0.0.9:9464", "same-site", 403),
        ("http://evil.example", "cross-site", 403),
        ("http://evil.example/10.0.0.9:9464", None, 403),
        ("null", None, 403),
        ("http://[", None, 403),
        ("", None, 403),
        (None, "none", 403),
        (None, None, 401),
    ],
)
def test_only_a_page_of_ours_has_a_browser_post(
    guarded: Gate, origin: str | None, site: str | None, expected: int
) -> None:
    said = {name: value for name, value in (("origin", origin), ("sec-fetch-site", site)) if value is not None}
    body = f"token={TOKEN}".encode()
    headers = {"host": "10.0.0.9:9464", "content-type": "application/x-www-form-urlencoded", **said}
    assert status(guarded, Request("/now", method="POST", headers=headers, body=body, client="10.0.0.1")) == expected


def test_a_token_in_an_address_is_none(guarded: Gate) -> None:
    """An address is kept by browsers, proxies and logs."""
    request = Request("/now", {"token": [TOKEN]}, headers={"host": "localhost"}, client="10.0.0.1")
    assert not guarded.caller(request).holds_token


def test_whoever_compares_takes_as_long_for_any_token(guarded: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(given: bytes, kept: bytes) -> bool:
        compared.append(given)
        return given == kept

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert [status(guarded, asked(token)) for token in (TOKEN, "x", TOKEN[:-1])] == [200, 401, 401]
    assert compared == [TOKEN.encode(), b"x", TOKEN[:-1].encode()]
