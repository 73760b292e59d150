"""The template by which a webhook is asked what it believes of a contact.

    [destinations.templates.read]
    path = "/people/{{ email }}"
    values = "/person/properties"

It knows `contact`, `user_id`, `email`, `timestamp`, `unix`, `secrets` and `constants`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from syncer.destinations import sandbox
from syncer.destinations.acceptance import Statuses
from syncer.destinations.pointers import Pointer
from syncer.destinations.template_parts import (
    begins_a_path,
    compiled,
    compiled_headers,
    filled,
    filled_headers,
    free_headers,
    without_breaks,
)
from syncer.fields import Password, Table, Text

_NAMES = "contact user_id email timestamp unix secrets constants".split()


class ReadTemplate(Table):
    """`[destinations.templates.read]`: the request that asks what is believed of a contact, and where that stands in
    the answer, which is JSON."""

    method: Literal["GET", "POST"] = Field(default="GET", description="The method.")
    path: str = Field(default="", description="A template of what is added to `url`: begins with / or ?.")
    headers: dict[Text, Password] = Field(default={}, description="Templates of headers that go along.")
    body: Text | None = Field(default=None, description="A template of the body; only with POST.")
    values: Pointer = Field(default="", description="Where in the JSON the map of properties to values is.")
    changed_at: Pointer | None = Field(default=None, description="Where it says when the contact was changed last.")
    unknown: Statuses = Field(default=frozenset({404}), description="Which statuses say that it knows no such contact.")

    _path = field_validator("path")(begins_a_path)
    _headers = field_validator("headers")(free_headers)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request that asks about a contact, and what to make of its answer."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    template: ReadTemplate


class Asking:
    """Asks about contacts by a template. Raises `MisplacedError` if that cannot be one."""

    def __init__(self, template: ReadTemplate, *, as_form: bool) -> None:
        self._template = template
        self._path = compiled("path", template.path, sandbox.PATH, _NAMES)
        self._headers = compiled_headers(template.headers, _NAMES)
        form = sandbox.FORM if as_form else sandbox.JSON
        self._body = None if template.body is None else compiled("body", template.body, form, _NAMES)

    def ask(self, told: Mapping[str, object]) -> ReadRequest:
        """What goes out for the object of a contact. Raises `MisplacedError`."""
        body = None if self._body is None else without_breaks(filled("body", self._body, told))
        headers = filled_headers(self._headers, told)
        return ReadRequest(self._template.method, filled("path", self._path, told), headers, body, self._template)
