"""The fields of a call as a receiver wants them, on the wire of each kind of destination."""

import json
from contextlib import closing
from datetime import UTC, datetime
from hashlib import md5, sha256
from typing import Any

import httpx
import pytest

from syncer import errors
from syncer.calls import Call, Identify, Track
from syncer.destinations.registry import DESTINATIONS
from syncer.destinations.segment import MAX_EVENT_BYTES
from syncer.destinations.webhook import WebhookDestination, WebhookSettings
from tests.unit.calls import identify

GIVEN: dict[str, dict[str, Any]] = {
    "segment": {"write_key": "k3y", "identity": "user_id"},
    "mailmodo": {"api_key": "k3y", "list_name": "l"},
    "webhook": {"url": "https://x.example/hook"},
}
ADA = identify(1, email=" Ada@Example.COM ", traits={"phone": 4912345, "firstName": "Ada", "title": "Dr"})
HASHED = sha256(b"ada@example.com").hexdigest()


def written(kind: str, call: Call, **keys: Any) -> tuple[Any, list[str]]:
    """What goes over the wire for one call, and why it does not."""
    settings = DESTINATIONS[kind].model_validate({"name": "d", "type": kind, **GIVEN[kind], **keys})
    with closing(settings.build()) as destination:
        payloads, refusals = destination.requests([call])
        assert all(each.identify is call for each in refusals)
        body = json.loads(destination.body(payloads[0])) if payloads else None
    return body["batch"][0] if isinstance(body, dict) and "batch" in body else body, [each.reason for each in refusals]


def traits(kind: str, call: Identify = ADA, **keys: Any) -> Any:
    body, refused = written(kind, call, **keys)
    assert refused == []
    return body["values"][0]["data"] if kind == "mailmodo" else body["traits"]


def test_the_fields_of_every_type_are_looked_at() -> None:
    assert GIVEN.keys() == DESTINATIONS.keys()


@pytest.mark.parametrize("kind", ["segment", "webhook"])
@pytest.mark.parametrize("value", ["\ud800", float("nan"), float("inf")])
@pytest.mark.parametrize("hashed", [{}, {"city": "sha256"}])
def test_what_json_cannot_hold_is_refused_hashed_or_not(kind: str, value: Any, hashed: dict[str, str]) -> None:
    body, refused = written(kind, ADA._replace(traits={"city": value}), hash=hashed)

    assert (body, len(refused)) == (None, 1)


@pytest.mark.parametrize("kind", ["segment", "webhook"])
def test_an_email_is_hashed_as_ad_platforms_document_it(kind: str) -> None:
    assert traits(kind, hash={"email": "sha256"})["email"] == HASHED
    told = traits(kind, hash={"email": "md5"}, rename={"email": "em"})
    assert told["em"] == md5(b"ada@example.com").hexdigest()
    assert "email" not in told
    assert told["vip_buyers"] is True


@pytest.mark.parametrize(
    ("given", "digest"),
    [
        (" John_Smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
        (16505551212, "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        ("Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
        ("정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ("VALÉRY\t", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    ],
)
def test_hashes_are_those_of_metas_own_examples(given: object, digest: str) -> None:
    assert traits("webhook", identify(1, traits={"phone": given}), hash={"phone": "sha256"})["phone"] == digest


@pytest.mark.parametrize("kind", GIVEN)
def test_traits_are_hashed_renamed_lowered_and_dropped(kind: str) -> None:
    shaped = traits(
        kind, hash={"phone": "sha256"}, rename={"phone": "ph"}, lowercase=["firstName", "phone"], drop=["title"]
    )
    shaped.pop("email", None)
    first_name = "first_name" if kind == "mailmodo" else "firstName"
    assert shaped == {"ph": sha256(b"4912345").hexdigest(), first_name: "ada", "vip_buyers": True}


@pytest.mark.parametrize("kind", GIVEN)
def test_a_computed_trait_is_a_field_and_what_an_audience_says_is_none(kind: str) -> None:
    call = identify(1, {"vip_buyers": False, "tier": " Gold"})
    told = traits(kind, call, hash={"tier": "sha256"}, rename={"tier": "t"})
    assert (told["vip_buyers"], told["t"]) == (False, sha256(b"gold").hexdigest())
    for keys in ({"hash": {"vip_buyers": "sha256"}}, {"rename": {"vip_buyers": "t"}}, {"lowercase": ["vip_buyers"]}):
        body, [why] = written(kind, call, **keys)
        assert body is None
        assert "vip_buyers is true or false, and sent as it is" in why


@pytest.mark.parametrize("kind", ["segment", "webhook"])
def test_what_is_not_there_has_no_hash(kind: str) -> None:
    missing = identify(1, email="", traits={"phone": "  "})
    told = traits(kind, missing, hash={"email": "sha256", "phone": "sha256"}, rename={"email": "em"})
    assert told.get("em", "") == ""
    assert told["phone"] == ""


@pytest.mark.parametrize("kind", GIVEN)
def test_a_value_without_a_hash_is_refused_and_not_sent_in_clear(kind: str) -> None:
    person = identify(1, traits={"address": {"city": "Secretville"}})
    body, [why] = written(kind, person, hash={"address": "sha256"})
    assert body is None
    assert "address is a JSON object or list" in why
    assert "Secretville" not in why


@pytest.mark.parametrize("kind", GIVEN)
@pytest.mark.parametrize("call", [identify(1, {"ph": True}), identify(1, traits={"ph": "7"})])
def test_a_new_name_never_hides_what_has_it_already(kind: str, call: Identify) -> None:
    body, [why] = written(kind, call, rename={"phone": "ph"})
    assert body is None
    assert "`rename` calls phone ph, which something else is called already" in why


@pytest.mark.parametrize("kind", ["segment", "webhook"])
def test_events_have_the_same_form(kind: str) -> None:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    event = Track("c", 0, "u1", "A@b.example", "m", "Audience Entered", "vip_buyers", value=True, at=at)
    body, _ = written(kind, event, hash={"email": "sha256"}, rename={"email": "em"})
    assert body["context"]["traits"] == {"em": sha256(b"a@b.example").hexdigest()}
    assert body["properties"] == {"audience_key": "vip_buyers", "vip_buyers": True}
    body, _ = written(kind, event, drop=["email"])
    assert body["context"]["traits"] == {}


def test_a_webhook_may_take_the_user_under_another_name_or_not_at_all() -> None:
    told, _ = written("webhook", ADA, hash={"user_id": "sha256"}, rename={"user_id": "external_id"}, drop=["email"])
    assert told["external_id"] == sha256(b"u1").hexdigest()
    assert not {"userId", "user_id"} & told.keys()
    assert "email" not in told["traits"]
    told, _ = written("webhook", ADA, drop=["user_id"])
    assert not {"userId", "user_id"} & told.keys()


def test_the_limit_of_bytes_is_that_of_what_is_sent() -> None:
    long = identify(1, traits={"description": "x" * MAX_EVENT_BYTES})
    assert written("segment", long)[1] != []
    assert written("segment", long, hash={"description": "sha256"})[1] == []


@pytest.mark.parametrize("said", [HASHED, HASHED.upper(), f"no user_data.em[0]='{HASHED}'!"])
def test_a_receiver_that_quotes_a_hash_names_nobody(said: str) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"errors": [{"message": f"unknown {said} ({'a' * 40})"}]})

    given = {"name": "d", "url": "https://x.example/hook", "hash": {"email": "sha256", "phone": "md5"}}
    settings = WebhookSettings.model_validate(given)
    with closing(WebhookDestination(settings, transport=httpx.MockTransport(answer))) as destination:
        [request], _ = destination.requests([ADA])
        [refusal] = destination.send(request)
    assert refusal.reason == f"unknown {said} ({'a' * 40})".replace(HASHED, "***").replace(HASHED.upper(), "***")


@pytest.mark.parametrize("template", [{"path": "/{{ email | lower | md5 }}"}, {"body": '"{{ email | md5 }}"'}])
def test_nor_is_a_hash_repeated_that_a_template_made(template: dict[str, str]) -> None:
    said = md5(b"ada@example.com").hexdigest()
    given = {"name": "d", "url": "https://x.example/hook", "templates": {"changed": template}}
    transport = httpx.MockTransport(lambda _: httpx.Response(422, text=f"Cannot POST /{said} ({'a' * 64})"))
    settings = WebhookSettings.model_validate(given)
    with closing(WebhookDestination(settings, transport=transport)) as destination:
        [request], _ = destination.requests([ADA])
        with pytest.raises(errors.RequestRefusedError, match=rf"Cannot POST /\*\*\* \({'a' * 64}\)"):
            destination.send(request)


@pytest.mark.parametrize("calls", ["combined", "per_audience"])
def test_a_call_about_a_renamed_trait_says_its_new_name(calls: str) -> None:
    call = identify(1, {"tier": "Gold"}, about="trait")
    told, _ = written("segment", call, calls=calls, rename={"tier": "t"})
    assert told["context"]["personas"]["computation_key"] == "t"
    assert told["traits"]["t"] == "Gold"
