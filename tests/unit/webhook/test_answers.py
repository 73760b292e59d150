"""What a webhook makes of the errors in an answer: each is somebody's, or nobody was accepted."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import syncer
from syncer import errors
from syncer.destinations.webhook import WebhookDestination, WebhookSettings
from tests.unit.calls import identify

ID = [identify(number).message_id for number in range(1, 4)]


def send_to(body: bytes, count: int = 3, kind: str = "application/json", **keys: Any) -> dict[str, str]:
    """What is refused, by message id, where the answer to these calls is 200 with this body."""
    told = {"name": "hook", "url": "https://x.example/hook", "batch": 10, **keys}
    settings = WebhookSettings.model_validate(told)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body, headers={"Content-Type": kind}))
    with closing(WebhookDestination(settings, transport=transport)) as destination:
        [request], _ = destination.requests([identify(number) for number in range(1, count + 1)])
        return {each.identify.message_id: each.reason for each in destination.send(request)}


def listing(*entries: Any) -> bytes:
    return json.dumps({"errors": entries}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"<html>",
        b"{}",
        b"[]",
        b"null",
        b"7",
        listing(),
        b'{"errors": null}',
        b'{"errors": {}}',
        b'{"accepted": 3}',
        b"[" * 5000,
        "caf\xe9".encode("latin-1"),
    ],
)
def test_an_answer_that_lists_no_errors_accepts_all(body: bytes) -> None:
    assert send_to(body) == {}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("no such mailbox", "no such mailbox"),
        ("two\nlines", "two lines"),
        ("", "refused without saying why"),
        (None, "refused without saying why"),
        (422, "422"),
        (True, "true"),
        ({"code": 7}, '{"code":7}'),
        ({"message": "inside"}, "inside"),
        (["a", "b"], '["a","b"]'),
    ],
)
def test_whatever_the_message_is_the_item_is_refused(message: object, reason: str) -> None:
    assert send_to(listing({"messageId": ID[1], "message": message})) == {ID[1]: reason}


def test_a_message_may_be_missing_and_an_item_named_twice() -> None:
    entries = [{"messageId": ID[0]}, {"messageId": ID[2], "message": "a"}, {"messageId": ID[2], "message": "b"}]

    assert send_to(listing(*entries)) == {ID[0]: "refused without saying why", ID[2]: "a; b"}


HTML = "text/html; charset=utf-8"
PAGE = b"<!DOCTYPE html><html><head><title>Hotel WiFi</title></head><body>Welcome</body></html>"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PAGE, HTML),
        (PAGE, "application/json"),
        (PAGE, ""),
        (b"\xef\xbb\xbf\r\n  " + PAGE.lower(), "text/plain"),
        (b"<html><body>", ""),
        (b"<!-- portal --><script>location = 'https://login.example'</script>", HTML),
        (b"<h1>Log in</h1>", "application/xhtml+xml"),
    ],
)
def test_a_page_for_people_accepts_nobody(body: bytes, kind: str) -> None:
    with pytest.raises(errors.DestinationUnavailableError, match="with a web page") as raised:
        send_to(body, kind=kind)
    assert raised.value.maybe_applied is True
    assert send_to(body, kind=kind, accept="any") == {}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", HTML),
        (b"ok", HTML),
        (b'{"ok": true}', HTML),
        (b"", "application/json"),
        (b"1 < 2", HTML),
        (b"<?xml version='1.0'?><ok/>", "text/xml"),
    ],
)
def test_whatever_else_a_program_answers_accepts(body: bytes, kind: str) -> None:
    assert send_to(body, kind=kind) == {}


@pytest.mark.parametrize("body", [b"", b"ok", PAGE, b"{"])
@pytest.mark.parametrize("accept", ["json", {"ok": True}])
def test_where_json_is_asked_for_nothing_else_accepts(accept: object, body: bytes) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(body, accept=accept)
    assert raised.value.maybe_applied is True


@pytest.mark.parametrize(
    ("accept", "body", "accepted"),
    [
        ("json", {}, True),
        ("json", [], True),
        ({"ok": True}, {"ok": True, "more": 1}, True),
        ({"ok": True}, {"ok": False, "message": "no"}, False),
        ({"ok": True}, {"ok": 1}, False),
        ({"code": 0}, {"code": False}, False),
        ({"code": 0}, {"code": 0.0}, True),
        ({"ok": True}, [], False),
        ({"result": {"status": "done"}}, {"result": {"status": "done", "n": 3}}, True),
        ({"result": {"status": "done"}}, {"result": "done"}, False),
        ({"list": [1]}, {"list": [1]}, True),
    ],
)
def test_the_json_may_have_to_hold_something(accept: object, body: object, accepted: bool) -> None:
    if accepted:
        assert send_to(json.dumps(body).encode(), accept=accept) == {}
        return
    with pytest.raises(errors.RequestRefusedError, match="not what `accept` asks for"):
        send_to(json.dumps(body).encode(), accept=accept)


def test_the_documented_code_verifies_a_signature() -> None:
    document = (Path(syncer.__file__).parent / "deploy" / "README.md").read_text()
    code = document.split("<!-- code: signature -->\n```python\n")[1].split("```")[0]
    found: dict[str, Any] = {}
    exec(code, found)
    told = WebhookSettings.model_validate({"name": "h", "url": "https://x.example/h", "hmac_secret": "old"})
    headers = WebhookDestination(told)._signature(b"[1]")
    assert found["is_ours"](["new", "old"], headers, b"[1]")
    assert not found["is_ours"](["new"], headers, b"[1]")
    assert not found["is_ours"](["old"], headers, b"[2]")
    late = WebhookDestination(told, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))._signature(b"[1]")
    assert not found["is_ours"](["old"], late, b"[1]")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_list_of_errors_is_read_in_any_unicode(encoding: str) -> None:
    body = json.dumps({"errors": [{"messageId": ID[0], "message": "Köln"}]}, ensure_ascii=False).encode(encoding)

    assert send_to(body) == {ID[0]: "Köln"}


def test_words_in_a_broken_encoding_do_not_hide_whom_they_are_about() -> None:
    body = json.dumps({"errors": [{"messageId": ID[0], "message": "Köln"}]}, ensure_ascii=False).encode("latin-1")

    assert send_to(body) == {ID[0]: "K\N{REPLACEMENT CHARACTER}ln"}


UNCLEAR = {
    "without an id": listing({"messageId": ID[0], "message": "a"}, {"message": "b"}),
    "of an id that was not sent": listing({"messageId": "other", "message": "a"}),
    "of an id that is no text": listing({"messageId": 7, "message": "a"}),
    "a text": listing("bad address"),
    "null": listing(None),
    "no list": b'{"errors": "bad address"}',
    "a table": b'{"errors": {"message": "bad address"}}',
    "cut off": listing({"messageId": ID[0], "message": "a"})[:-1],
    "followed by more": listing({"messageId": ID[0], "message": "a"}) + b"<!-- x -->",
    "deep": b'{"errors": ' + b"[" * 5000,
}


@pytest.mark.parametrize("body", UNCLEAR.values(), ids=UNCLEAR)
def test_errors_that_do_not_say_whom_they_are_about_accept_nobody(body: bytes) -> None:
    with pytest.raises(errors.RequestRefusedError, match="do not say whom they are about") as raised:
        send_to(body)
    assert raised.value.http_status == 200


@pytest.mark.parametrize("body", UNCLEAR.values(), ids=UNCLEAR)
def test_a_call_by_itself_need_not_be_named(body: bytes) -> None:
    assert list(send_to(body, 1)) == [ID[0]]
