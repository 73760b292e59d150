"""`accept` as a rule: which statuses accept, what the JSON has to say, and whom it refuses."""

import json
from contextlib import closing
from hashlib import sha256
from typing import Any

import httpx
import pytest

from syncer import errors
from syncer.destinations.webhook import WebhookDestination, WebhookSettings
from tests.unit.calls import identify

CALLS = [identify(number) for number in range(1, 4)]
ID = [call.message_id for call in CALLS]


def answered(accept: Any, answer: object, *, status: int = 200, count: int = 3, **keys: Any) -> dict[str, str]:
    """What is refused, by message id, where this is the answer to so many calls."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    told = {"name": "hook", "url": "https://x.example/hook", "batch": 10, "accept": accept, **keys}
    settings = WebhookSettings.model_validate(told)
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    with closing(WebhookDestination(settings, transport=transport)) as destination:
        [request], _ = destination.requests(CALLS[:count])
        return {each.identify.message_id: each.reason for each in destination.send(request)}


BY_INDEX = {"errors": "/result/errors", "index": "/row", "message": "/why/0"}
BY_ID = {"errors": "/errors", "id": "/ids"}
BY_EMAIL = {"errors": "/bad", "id": "", "by": "email"}


@pytest.mark.parametrize(
    ("accept", "answer", "found"),
    [
        (BY_INDEX, {"result": {"errors": [{"row": 1, "why": ["no"]}]}}, {ID[1]: "no"}),
        (BY_INDEX, {"result": {"errors": [{"row": 0, "code": 7}]}}, {ID[0]: '{"row":0,"code":7}'}),
        (BY_INDEX, {"result": {"errors": []}}, {}),
        (BY_INDEX, {"result": {}}, {}),
        (BY_INDEX, {"result": None}, {}),
        (BY_INDEX, b"", {}),
        (BY_ID, {"errors": [{"ids": [ID[0], ID[2]], "message": "both"}]}, {ID[0]: "both", ID[2]: "both"}),
        (BY_ID, {"errors": {"ids": ID[1], "message": "alone"}}, {ID[1]: "alone"}),
        (BY_EMAIL, {"bad": ["U2@example.com"]}, {ID[1]: "U2@example.com"}),
        ({"pointer": "/ok"}, {"ok": True}, {}),
        ({"pointer": ""}, True, {}),
        ({"pointer": "/a~1b/1", "equals": "x~y"}, {"a/b": [0, "x~y"]}, {}),
        ({"status": [200]}, b"whatever", {}),
    ],
)
def test_an_answer_accepts_all_but_those_whom_it_names(accept: Any, answer: object, found: dict[str, str]) -> None:
    assert answered(accept, answer) == found


def test_who_is_refused_is_named_as_they_were_told() -> None:
    """A receiver of hashes knows no address."""
    [_, second, _] = [sha256(call.email.encode()).hexdigest() for call in CALLS]
    shaped: dict[str, Any] = {"hash": {"email": "sha256"}, "rename": {"email": "em"}, "lowercase": ["user_id"]}
    assert answered(BY_EMAIL, {"bad": [second]}, **shaped) == {ID[1]: "***"}
    with pytest.raises(errors.RequestRefusedError):
        answered(BY_EMAIL, {"bad": [CALLS[1].email]}, **shaped)
    with pytest.raises(errors.RequestRefusedError):
        answered(BY_EMAIL, {"bad": [""]}, drop=["email"])
    by_user = {"errors": "/bad", "id": "/u", "by": "user_id"}
    hashed = sha256(b"u3").hexdigest().upper()
    assert answered(by_user, {"bad": [{"u": hashed}]}, hash={"user_id": "sha256"}).keys() == {ID[2]}


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (BY_INDEX, {"result": {"errors": [{"row": 3}]}}),
        (BY_INDEX, {"result": {"errors": [{"row": True}]}}),
        (BY_INDEX, {"result": {"errors": [{"row": -1}]}}),
        (BY_INDEX, {"result": {"errors": ["no"]}}),
        (BY_ID, {"errors": [{"ids": [ID[0], "somebody"]}]}),
        (BY_ID, {"errors": [{"ids": [ID[0], 7]}]}),
        (BY_ID, {"errors": [{"ids": [ID[0], None]}]}),
        ({"pointer": "/ok/01"}, {"ok": [False, True]}),
        ({"pointer": "/ok/\u0661"}, {"ok": [False, True]}),
        ({"pointer": "/ok/" + "9" * 5000}, {"ok": [True]}),
        (BY_ID, {"errors": [{"message": "no"}]}),
        (BY_EMAIL, {"bad": ["x@example.com"]}),
        ({"pointer": "/ok"}, {"ok": 1}),
        ({"pointer": "/ok"}, {"ok": False}),
        ({"pointer": "/ok/0"}, {"ok": "true"}),
        ({"pointer": "/ok", "equals": 1}, {"ok": True}),
        ({"status": [202, "204-206"]}, {}),
    ],
)
def test_what_names_nobody_of_ours_or_is_no_success_refuses_the_request(accept: Any, answer: object) -> None:
    with pytest.raises(errors.RequestRefusedError):
        answered(accept, answer)


@pytest.mark.parametrize("accept", [BY_INDEX, {"pointer": "/ok"}])
@pytest.mark.parametrize("answer", [b"<html><p>log in</p></html>", b"ok", b'{"result": {"err'])
def test_what_is_no_answer_of_the_receiver_may_have_been_applied(accept: Any, answer: bytes) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        answered(accept, answer)

    assert raised.value.maybe_applied


def test_of_a_call_by_itself_nothing_need_be_said() -> None:
    assert answered(BY_INDEX, {"result": {"errors": [{"why": ["no"]}]}}, count=1) == {ID[0]: "no"}


@pytest.mark.parametrize("status", [404, 409])
def test_a_status_may_say_that_it_is_so_already(status: int) -> None:
    rule = {"status": ["200-299"], "pointer": "/ok"}
    left = {"method": "DELETE", "path": "/{{ user_id }}", "status": [200, 404, 409]}

    assert answered(rule, {"message": "no member"}, status=status, count=1, templates={"changed": left}) == {}
    with pytest.raises(errors.DestinationError):
        answered(rule, {"message": "no member"}, status=status, count=1)


@pytest.mark.parametrize("status", [401, 429, 500, 302])
def test_no_other_answer_is_taken_for_one(status: int) -> None:
    with pytest.raises(errors.DestinationError):
        answered({"status": ["200-299", 404, 422]}, {}, status=status)
