"""What Mailmodo's answer to `/getContactDetails` means: see `mailmodo_details`."""

import pytest

from syncer import errors
from syncer.calls import Belief
from syncer.destinations.mailmodo_details import details_in

pytestmark = pytest.mark.quick

WHO = "ada@example.com"
DETAILS = {"contactIdentifier": "1", "email": "Ada@Example.com", "data": {"vip_buyers": True}, "blocked": False}


def test_the_documented_answer_is_a_belief() -> None:
    assert details_in(DETAILS, 200, WHO) == Belief({"vip_buyers": True})


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"success": False, "message": "Email address doesn't exist"}),
        (404, {"success": False, "message": "Contact not found"}),
        (404, {"error": "Contact does not exist"}),
        (200, {"success": False, "message": "No such contact"}),
    ],
)
def test_only_words_say_that_it_knows_no_such_contact(status: int, said: object) -> None:
    assert details_in(said, status, WHO) is None


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"success": False, "message": "The provided email is not a valid email id"}),
        (404, {}),
        (200, {"success": False, "message": "try later"}),
        (200, {"error": {"message": 7}}),
        (200, {}),
        (200, []),
        (200, None),
        (200, {**DETAILS, "email": "bob@example.com"}),
        (200, {**DETAILS, "email": 7}),
        (200, {**DETAILS, "data": None}),
        (200, {"email": WHO}),
    ],
)
def test_anything_else_is_no_answer_and_names_nobody(status: int, said: object) -> None:
    with pytest.raises(errors.UnreadableError) as raised:
        details_in(said, status, WHO)
    assert "example.com" not in str(raised.value)


def test_a_wrong_path_stops() -> None:
    said = {"error": "error", "message": "Some Internal Error Occurred: 404"}
    with pytest.raises(errors.DestinationStoppedError):
        details_in(said, 404, WHO)
