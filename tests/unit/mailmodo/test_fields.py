"""Traits as Mailmodo's fields: flat, under its names."""

from contextlib import closing
from typing import Any, cast

import msgspec
import pytest

from syncer.calls import Identify
from syncer.destinations.mailmodo_fields import fields_of
from syncer.models import Value
from tests.unit.mailmodo.tools import build


@pytest.mark.parametrize(
    ("traits", "fields"),
    [
        (
            {"firstName": "Ada", "title": "Countess", "city": "London"},
            {"first_name": "Ada", "designation": "Countess", "city": "London"},
        ),
        ({"address": "12 St James's Square"}, {"address1": "12 St James's Square"}),
        (
            {
                "address": {
                    "street": "12 St James's",
                    "city": "London",
                    "state": None,
                    "country": "UK",
                    "postalCode": "SW1",
                }
            },
            {"address1": "12 St James's", "city": "London", "country": "UK", "postal_code": "SW1"},
        ),
        ({"address": {"city": "London", "floor": 3}, "city": "Ockham"}, {"city": "Ockham", "address_floor": 3}),
        (
            {"company": {"name": "Analytical Engines", "industry": "IT", "employee_count": 2}},
            {"company": "Analytical Engines", "industry": "IT", "company_employee_count": 2},
        ),
        ({"likes": {"tea": True, "cakes": {"scones": 2}}}, {"likes_tea": True, "likes_cakes_scones": 2}),
        ({"tags": ["a", "b", None, 3]}, {"tags": "a, b, 3"}),
        ({"likes": {}, "tags": []}, {"tags": ""}),
    ],
)
def test_fields_are_flat(traits: dict[str, Any], fields: dict[str, Any]) -> None:
    assert fields_of(traits) == fields


def test_what_is_sent_is_flat() -> None:
    traits = cast("dict[str, Value]", {"address": {"city": "London", "country": "UK"}, "lastName": "Lovelace"})
    call = Identify("a@x.io", 0, "u1", "a@x.io", "m1", {"vip": True}, traits)

    with closing(build()) as destination:
        [request], _ = destination.requests([call])

    sent = msgspec.json.decode(request.encoded[0])
    assert sent["data"] == {"city": "London", "country": "UK", "last_name": "Lovelace", "vip": True}
