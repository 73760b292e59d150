"""What Mailmodo's destination makes of every answer."""

from contextlib import closing

import pytest
import structlog.testing

from syncer import errors
from syncer.receivers.mailmodo import MailmodoReceiver
from tests.unit.calls import identify
from tests.unit.mailmodo.tools import ADDED, KEY, at, send_to, telling


@pytest.mark.parametrize(
    "body",
    [
        ADDED,
        {"success": True, "message": "ok"},
        {"message": "ok", "errors": []},
        {"message": "ok", "errors": None, "warnings": None, "Status": 200},
        {},
    ],
)
def test_success(body: object) -> None:
    assert send_to(telling(200, body)) == []


def partly(*refused: object, **rest: object) -> dict[str, object]:
    return {"message": "Some contacts were not added to the list", "errors": list(refused), "listId": "1", **rest}


@pytest.mark.parametrize("status", [207, 200])
def test_whom_the_answer_names_is_refused_in_its_words(status: int) -> None:
    body = partly({"email": "u2@example.com", "failure reason": 'email" is invalid.\n Enter a valid email!'})
    assert send_to(telling(status, body), 3) == [("u2@example.com", 'email" is invalid. Enter a valid email!', status)]


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ([{"email": " U1@Example.com ", "failure reason": "no"}], "no"),
        ([{"email": "u1@example.com"}], "refused without saying why"),
        ([{"email": "u1@example.com", "failure reason": None}], "refused without saying why"),
        ([{"email": "u1@example.com", "failure reason": n} for n in ("no", "never")], "no; never"),
        ([{"email": "u1@example.com", "failure reason": f"{KEY} says no"}], "*** says no"),
    ],
)
def test_words_about_a_contact(refused: list[object], reason: str) -> None:
    assert send_to(telling(207, partly(*refused))) == [("u1@example.com", reason, 207)]


def test_of_a_contact_that_was_sent_alone_nobody_need_say_the_name() -> None:
    body = partly({"email": "mailto:u1@example.com", "failure reason": "odd"})
    assert send_to(telling(207, body), 1) == [("u1@example.com", "odd", 207)]


def test_warnings_are_no_refusals_and_are_logged() -> None:
    warning = {"email": "u1@example.com", "warning": f"{KEY} is odd"}
    with structlog.testing.capture_logs() as logs:
        assert send_to(telling(207, partly(warnings=[warning]))) == []
    [entry] = logs
    assert (entry["destination"], entry["warnings"]) == ("mailmodo", 1)
    assert "*** is odd" in entry["first"]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (207, {"message": "Some contacts were not added to the list"}, "does not say who was refused"),
        (207, partly({"email": "who@else.io", "failure reason": "no"}), "refuses somebody who was not sent"),
        (207, partly({"failure reason": "no"}), "refuses somebody who was not sent"),
        (207, partly("u1@example.com"), "is no answer of Mailmodo's"),
        (200, b"<html>Log in</html>", "is no answer of Mailmodo's: <html>Log in</html>"),
        (200, b"\xff", "is no answer"),
        (200, b"", "is no answer of Mailmodo's: nothing"),
        (204, b"", "is no answer"),
        (200, [], "is no answer"),
    ],
)
def test_an_answer_that_does_not_say_who_was_accepted_is_none(status: int, body: object, words: str) -> None:
    with pytest.raises(errors.DestinationUnavailableError, match=r"mailmodo \(api\.mailmodo\.com\)") as raised:
        send_to(telling(status, body))
    assert words in str(raised.value)
    assert (raised.value.maybe_applied, raised.value.http_status) == (True, status)


@pytest.mark.parametrize("mode", ["batch", "single"])
@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "message": "not today"},
        {"error": "error", "message": "not today"},
        {"success": False, "message": "not today", "errors": [{"email": "u1@example.com"}]},
    ],
)
def test_no_success_with_200_refuses_the_request(mode: str, body: object) -> None:
    with pytest.raises(errors.RequestRefusedError, match="answered 200, but no success: not today") as raised:
        send_to(telling(200, body), 1, mode=mode)
    assert raised.value.http_status == 200


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_batch_is_refused_in_its_words(status: int) -> None:
    words = "email should be unique in values. Found duplicates for 'example@mailmodo.com'"
    body = {"error": "ValidationError", "success": False, "status": "error", "message": words}
    with pytest.raises(errors.RequestRefusedError) as raised:
        send_to(telling(status, body))
    assert str(raised.value) == f"mailmodo (api.mailmodo.com) answered {status}: {words}"


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check api_key"), (403, "check api_key"), (404, "It knows no /api/v1/addToList/batch")]
)
def test_a_human_must_act(status: int, advice: str) -> None:
    with pytest.raises(errors.DestinationStoppedError, match=advice) as raised:
        send_to(telling(status, {"error": "error", "message": f"{KEY} is unknown"}))
    assert raised.value.http_status == status
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(("status", "maybe_applied"), [(408, True), (429, False), (500, True), (503, True)])
def test_worth_another_try(status: int, maybe_applied: bool) -> None:
    with pytest.raises(errors.DestinationUnavailableError) as raised:
        send_to(telling(status, {"message": "slow down"}, headers={"Retry-After": "7"}))
    assert (raised.value.maybe_applied, raised.value.retry_after) == (maybe_applied, 7)


def test_a_static_segment_stops_and_is_no_fault_of_the_contacts(receiver: MailmodoReceiver) -> None:
    with closing(at(receiver, list_name="Segment", create_list=True)) as made:
        [request], _ = made.requests([identify()])
        with pytest.raises(
            errors.DestinationStoppedError, match='"Segment" is a static segment: set list_name'
        ) as raised:
            made.send(request)
    assert raised.value.http_status == 400
    assert "Cannot add users to static segmentation list" in str(raised.value)
