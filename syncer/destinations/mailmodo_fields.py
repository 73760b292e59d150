"""Traits that go along, as Mailmodo's predefined fields ("User properties") and properties. None holds another:

| Segment                                         | Mailmodo                  | said by                              |
|-------------------------------------------------|---------------------------|--------------------------------------|
| name, gender, age, phone, birthday, company,    | the same                  | the page; RudderStack's destination  |
| description                                     |                           |                                      |
| firstName, lastName                             | first_name, last_name     | the page; RudderStack's destination  |
| title                                           | designation               | inferred: both are described alike   |
| address (a text)                                | address1                  | inferred from RudderStack's          |
| address: street, city, state, country,          | address1, city, state,    | inferred: the page names these, as   |
| postalCode                                      | country, postal_code      | texts                                |
| company: name, industry                         | company, industry         | inferred: the same                   |
| any other key of a JSON object                  | object_key                | values are numbers, booleans, texts  |
| a JSON list                                     | its items, with commas    | and dates                            |
| createdAt                                       | created_at, beside `data` | the API's document; inferred, that   |
|                                                 |                           | it is the same moment                |
| avatar, username, website; Mailmodo's own names | the same                  | unknown names become properties      |
"""

from collections.abc import Mapping
from typing import cast

from syncer.destinations.encoding import encode
from syncer.models import Value

FIELDS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "title": "designation",
    "address": "address1",
}
"""Segment's reserved traits that have another name among Mailmodo's predefined fields. See the module's table."""

OBJECTS: Mapping[str, Mapping[str, str]] = {
    "address": {
        "street": "address1",
        "address1": "address1",
        "address2": "address2",
        "city": "city",
        "state": "state",
        "country": "country",
        "postalCode": "postal_code",
        "postal_code": "postal_code",
        "zip": "postal_code",
    },
    "company": {"name": "company", "industry": "industry"},
}
"""Segment's reserved traits that are objects: which of Mailmodo's predefined fields their keys are."""


def fields_of(traits: Mapping[str, object]) -> dict[str, Value]:
    """Traits under Mailmodo's names. What has a trait of its own is not taken from an object.

    A key without a value is left out: there is nothing to say of it.
    """
    flat: dict[str, Value] = {}
    for name, value in sorted(traits.items(), key=lambda trait: isinstance(trait[1], dict)):
        if isinstance(value, dict):
            known = OBJECTS.get(name, {})
            inside = {known.get(key, f"{name}_{key}"): inner for key, inner in value.items() if inner is not None}
            flat = {**fields_of(inside), **flat}
        elif isinstance(value, list):
            flat[FIELDS.get(name, name)] = ", ".join(
                each if isinstance(each, str) else encode(each).decode() for each in value if each is not None
            )
        else:
            flat[FIELDS.get(name, name)] = cast("Value", value)
    return flat
