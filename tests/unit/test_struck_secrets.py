"""A receiver that echoes a secret, in whichever spelling, is not repeated."""

import base64
import html
import json
import time
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import errors
from syncer.destinations.webhook import WebhookDestination, WebhookSettings
from syncer.secrets import Secrets
from tests.raw_server import RawServer
from tests.unit.calls import identify

TOKEN = "sk_Live/51H8x+ü=&'q"


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS = {
    "as it is": TOKEN,
    "in upper case": TOKEN.upper().replace("Ü", "ü"),
    "percent-encoded": quote(TOKEN, safe=""),
    "percent-encoded in part": quote(TOKEN),
    "percent-encoded twice": quote(quote(TOKEN, safe=""), safe=""),
    "in lower-case percent-encoding": quote(TOKEN, safe="").lower(),
    "in JSON": json.dumps(TOKEN)[1:-1],
    "in JSON in JSON": json.dumps(json.dumps(TOKEN))[3:-3],
    "in JSON with its slashes escaped": TOKEN.replace("/", r"\/"),
    "in HTML": html.escape(TOKEN),
    "in numbers of HTML": "".join(f"&#{ord(character)};" for character in TOKEN),
    "in base64": basic(TOKEN),
    "in base64 for URLs": base64.urlsafe_b64encode(TOKEN.encode()).decode(),
    "in base64 without its end": basic(TOKEN).rstrip("="),
    "behind a user in base64": basic(f"us:{TOKEN}"),
    "between others in base64": basic(f"u:{TOKEN}:more"),
    "before a colon in base64": basic(f"{TOKEN}:"),
    "in hexadecimal digits": TOKEN.encode().hex(),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("scheme", ["", "Bearer ", "Token token="])
def test_every_spelling_of_a_token_is_struck_out(scheme: str, spelled: str) -> None:
    struck = Secrets([scheme + TOKEN]).struck(f"who are you, {spelled}? not one of us")

    assert "***" in struck
    assert struck.endswith("? not one of us")
    assert len(struck) <= len("who are you, abcdef***? not one of us")


@pytest.mark.parametrize("said", ["ada:hunter2hunter2", "hunter2hunter2", "HUNTER2HUNTER2", "hunter2%68unter2"])
def test_what_basic_authentication_holds_is_struck_out(said: str) -> None:
    assert Secrets([f"Basic {basic('ada:hunter2hunter2')}"]).struck(f"no {said}") == "no ***"


def test_a_long_secret_that_is_echoed_in_part_goes_whole() -> None:
    assert Secrets(["x9" * 500]).struck(f'no "{"x9" * 100}" here') == 'no "***" here'


def test_words_that_are_no_secrets_stay() -> None:
    said = r"the bearer token is invalid: 100% of C:\users &amp; more, see https://x.example/%7Eada"
    assert Secrets([f"Bearer {TOKEN}", "2024-10-01", ""]).struck(said) == said
    assert Secrets([]).struck(said) == said


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_struck(text: str, values: list[str]) -> None:
    struck = Secrets(values).struck(text)

    assert not [value for value in values if len(value) > 3 and value in struck]


@pytest.mark.parametrize("piece", ["\\", "%25", "&amp;", "&a", "aaab", "ü", " "])
def test_no_text_takes_long(piece: str) -> None:
    began = time.monotonic()
    Secrets(["a" * 3000, f"Bearer {'x9' * 900}", "a  b"]).struck(piece * (16_384 // len(piece)))
    assert time.monotonic() - began < 1


def test_no_traceback_quotes_an_answer() -> None:
    said = b"HTTP/1.1 200 OK\r\nhvsecret12 is no header\r\n\r\n"
    with RawServer(lambda connection: connection.sendall(said)) as server:
        told = {"name": "hook", "url": f"{server.url}/hook", "headers": {"X-Key": "hvsecret12"}}
        destination = WebhookDestination(WebhookSettings.model_validate(told))
        [request], _ = destination.requests([identify(1)])
        with pytest.raises(errors.DestinationUnavailableError) as raised:
            destination.send(request)
        destination.close()
    assert "hvsecret12" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("spelled", [TOKEN, quote(TOKEN, safe="").lower(), basic(TOKEN)])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 429, 500])
def test_a_webhook_says_no_token_of_its_headers(status: int, spelled: str) -> None:
    told = WebhookSettings.model_validate(
        {
            "name": "hook",
            "url": "https://x.example/hooks/T0K3N-IN-THE-PATH?key=v4lue-of-a-key",
            "headers": {"Authorization": f"Bearer {TOKEN.replace('ü', 'u')}"},
        }
    )
    spelled = spelled.replace("ü", "u").replace("%c3%bc", "u")
    if spelled.endswith("="):
        spelled = basic(TOKEN.replace("ü", "u"))
    said = json.dumps(
        {"errors": [{"messageId": "m-1", "message": f"{spelled} T0K3N-IN-THE-PATH v4lue-of-a-key"}], "message": spelled}
    ).encode()
    head = f"HTTP/1.1 {status} X\r\nConnection: close\r\nLocation: //{quote(spelled)}/\r\nContent-Length: {len(said)}"
    with RawServer(lambda connection: connection.sendall(f"{head}\r\n\r\n".encode() + said)) as server:
        local = told.model_copy(
            update={"url": type(told.url)(told.url.get_secret_value().replace("https://x.example", server.url))}
        )
        destination = WebhookDestination(local)
        [request], _ = destination.requests([identify(1)])
        try:
            words = str([refusal.reason for refusal in destination.send(request)])
        except errors.DestinationError as error:
            words = f"{error} {getattr(error, 'answer', '')}"
        destination.close()

    assert "hook" in words or "***" in words
    for secret in ("51h8x", spelled.lower(), "t0k3n-in", "v4lue"):
        assert secret not in words.lower()
