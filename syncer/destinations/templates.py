"""Requests of a webhook as their receiver wants them: a template for each kind of call.

    [destinations.templates.entered]
    method = "PUT"
    path = "/lists/{{ constants.lists[property] }}/members/{{ user_id }}"
    body = '{"email": {{ email }}}'

The kinds (`op`) are *entered* and *left* (a call that says true or false about one audience, so only where every
audience has a call of its own), *changed* (every other call, and those two where they have no template) and *event*.

What a template may use, as far as the call has it:

| name                   | what it is                                                                                  |
|------------------------|---------------------------------------------------------------------------------------------|
| `op`                   | the kind                                                                                    |
| `contact`              | what the destination knows the contact by: the address or the user id                       |
| `user_id`, `email`     | the user, and the address                                                                   |
| `traits`               | what goes along, by name                                                                    |
| `properties`           | what the call tells, by property: true, false, or the value of a computed trait (or null)   |
| `property`, `value`    | the only one of them, where every audience has a call of its own, and in an event           |
| `audience`             | the name of the audience that has this property, unless it is a computed trait's            |
| `event`                | the name of an event                                                                        |
| `timestamp`, `unix`    | when it is sent, or was that the event tells: in ISO 8601, UTC, and in seconds since 1970   |
| `message_id`, `run`    | by which the receiver knows a repetition; the run's number (not of events, 0 in a preview)  |
| `secrets`, `constants` | those tables of the destination                                                             |
| `items`                | only in an envelope: the array of what the bodies of the calls make                         |

`read` asks what is believed of a contact: see `questions`.

How a value is written, `sandbox` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec
from pydantic import Field, SecretStr, field_validator

from syncer.calls import Call, Envelope, Identify, Track
from syncer.destinations import sandbox
from syncer.destinations.acceptance import Statuses
from syncer.destinations.encoding import UnsendableError, check_values, stamp
from syncer.destinations.questions import Asking, ReadRequest, ReadTemplate
from syncer.destinations.shaping import Digest, Shape
from syncer.destinations.template_parts import (
    MisplacedError,
    begins_a_path,
    compiled,
    compiled_headers,
    filled,
    filled_headers,
    free_headers,
    literals,
    without_breaks,
)
from syncer.fields import Table, Template, Text
from syncer.models import Identity

Op = Literal["entered", "left", "changed", "event"]
AUDIENCE_OPS: tuple[Op, ...] = ("entered", "left")
OPS: tuple[Op, ...] = (*AUDIENCE_OPS, "changed", "event")

_ALWAYS = "op contact user_id email message_id traits properties timestamp unix secrets constants".split()
_ABOUT = ["property", "value", "audience"]
_NAMES: Mapping[Op, list[str]] = {
    "entered": [*_ALWAYS, *_ABOUT, "run"],
    "left": [*_ALWAYS, *_ABOUT, "run"],
    "changed": [*_ALWAYS, *_ABOUT, "run"],
    "event": [*_ALWAYS, *_ABOUT, "event"],
}
_ITEMS = msgspec.Raw(b"[\t\n\t\n\t]")
"""Stands for the items in an envelope: no value is written like this."""


class CallTemplate(Table):
    """`[destinations.templates.entered]` and the others: the request of one kind of call, which may have no body."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(default="POST", description="The method.")
    path: str = Field(default="", description="A template of what is added to `url`: begins with / or ?.")
    headers: dict[Text, Template] = Field(default={}, description="Templates of headers that go along.")
    body: Text | None = Field(default=None, description="A template of the body, or of one item of a batch.")
    envelope: Text | None = Field(default=None, description="A template of what is around {{ items }}, in a batch.")
    status: Statuses | None = Field(default=None, description="Which statuses accept, instead of those of `accept`.")

    _path = field_validator("path")(begins_a_path)
    _headers = field_validator("headers")(free_headers)


class CallTemplates(Table):
    """`[destinations.templates]`: a table for each kind of call, and one that asks."""

    entered: CallTemplate | None = Field(default=None, description="A call that says true about one audience.")
    left: CallTemplate | None = Field(default=None, description="A call that says false about one audience.")
    changed: CallTemplate | None = Field(default=None, description="Every other call, and those two without one.")
    event: CallTemplate | None = Field(default=None, description="An event.")
    read: ReadTemplate | None = Field(default=None, description="Asks what is believed of a contact.")

    def get(self, op: Op) -> CallTemplate | None:
        """The template of a kind of call, by itself."""
        found: CallTemplate | None = getattr(self, op)
        return found

    @property
    def literals(self) -> list[str]:
        """What headers hold as it stands in the templates, and may be secret."""
        given = [self.entered, self.left, self.changed, self.event, self.read]
        return [text for each in given if each is not None for text in literals(each.headers)]


class Writer:
    """Writes calls by a template. Raises `MisplacedError` if that cannot be one."""

    def __init__(self, op: Op, template: CallTemplate, *, as_form: bool, in_arrays: bool) -> None:
        names = _NAMES[op]
        self._template = template
        self._path = compiled("path", template.path, sandbox.PATH, names)
        self._headers = compiled_headers(template.headers, names)
        form = sandbox.FORM if as_form else sandbox.JSON
        self._body = None if template.body is None else compiled("body", template.body, form, names)
        self._around = (b"[", b"]") if in_arrays and template.body is not None else (b"", b"")
        self._envelope = None
        if template.envelope is not None:
            self._envelope = compiled("envelope", template.envelope, sandbox.JSON, [*names, "items"])

    def write(self, told: Mapping[str, object]) -> tuple[bytes, Envelope]:
        """What goes out for the object of a call. Raises `MisplacedError`."""
        body = b"" if self._body is None else without_breaks(filled("body", self._body, told))
        opening, closing = self._opened(told)
        headers = filled_headers(self._headers, told)
        path = filled("path", self._path, told)
        return body, Envelope(self._template.method, path, headers, opening, closing, self._template.status)

    @property
    def uses(self) -> set[str]:
        """The names and filters that its templates use."""
        fillings = [self._path, self._body, self._envelope, *self._headers.values()]
        return {name for filling in fillings if filling is not None for name in filling.uses}

    def _opened(self, told: Mapping[str, object]) -> tuple[bytes, bytes]:
        if self._envelope is None:
            return self._around
        parts = filled("envelope", self._envelope, {**told, "items": _ITEMS}).split(bytes(_ITEMS).decode())
        if len(parts) != 2:
            raise MisplacedError("envelope", "must have {{ items }} in it, once")
        return without_breaks(parts[0]) + b"[", b"]" + without_breaks(parts[1])


class Templates:
    """The templates of a destination."""

    def __init__(
        self,
        templates: CallTemplates,
        *,
        as_form: bool,
        in_arrays: bool,
        secrets: Mapping[str, SecretStr],
        constants: Mapping[str, Any],
        shape: Shape,
        identity: Identity,
    ) -> None:
        self._shape = shape
        self._identity = identity
        self._writers = {
            op: Writer(op, template, as_form=as_form, in_arrays=in_arrays)
            for op in OPS
            if (template := templates.get(op)) is not None
        }
        self._asking = None if templates.read is None else Asking(templates.read, as_form=as_form)
        self._shared = {
            "secrets": {name: secret.get_secret_value() for name, secret in secrets.items()},
            "constants": constants,
        }

    @property
    def recognises_events(self) -> bool:
        """Whether the receiver could know that an event comes again: whether it is told its id."""
        return "event" in self._writers and "message_id" in self._writers["event"].uses

    @property
    def digests(self) -> set[Digest]:
        """What its templates may hash somebody's name with."""
        used = {name for writer in self._writers.values() for name in writer.uses}
        return {kind for kind in get_args(Digest) if kind in used}

    def write(self, call: Call, now: datetime) -> tuple[bytes, Envelope]:
        """What goes out for a call, and in what. Raises `UnsendableError`."""
        op = op_of(call)
        used = op if op in self._writers else "changed"
        if used not in self._writers:
            message = f"has no template: templates.{used} is missing"
            raise UnsendableError(message)
        formed = self._formed(call)
        if isinstance(formed, Identify):
            check_values({**formed.traits, **formed.values}, null=True)
        try:
            return self._writers[used].write({**told(formed, now), **self._shared})
        except MisplacedError as error:
            message = f"templates.{used}.{error}"
            raise UnsendableError(message) from None

    def ask(self, who: Identify, now: datetime) -> ReadRequest | None:
        """What asks about a contact, as a call names it; None if nothing does. Raises `UnsendableError`."""
        if self._asking is None:
            return None
        try:
            return self._asking.ask({**told(self._formed(who), now), **self._shared})
        except MisplacedError as error:
            message = f"templates.read.{error}"
            raise UnsendableError(message) from None

    def _formed(self, call: Call) -> Call:
        """The contact is the address or the user id, so it goes out in the form of that."""
        formed = self._shape.of(call)
        by_user = self._identity == "user_id"
        before, after = (call.user_id, formed.user_id) if by_user else (call.email, formed.email)
        return formed if after == before else formed._replace(contact=after)


def op_of(call: Call) -> Op:
    """What kind of call it is."""
    if isinstance(call, Track):
        return "event"
    if call.about == "audience":
        return "entered" if all(value is True for value in call.values.values()) else "left"
    return "changed"


def told(call: Call, now: datetime) -> dict[str, object]:
    """The object that templates are filled from, but for the tables of the destination."""
    at = call.at if isinstance(call, Track) else now
    values = {call.property: call.value} if isinstance(call, Track) else dict(call.values)
    found: dict[str, object] = {
        "op": op_of(call),
        "contact": call.contact,
        "user_id": call.user_id,
        "email": call.email,
        "message_id": call.message_id,
        "traits": {} if isinstance(call, Track) else dict(call.traits),
        "properties": values,
        "timestamp": stamp(at),
        "unix": int(at.timestamp()),
    }
    if isinstance(call, Track):
        found["event"] = call.event
    else:
        found["run"] = call.run
    if isinstance(call, Track) or call.about is not None:
        [(found["property"], found["value"])] = values.items()
    if isinstance(call, Track) or call.about == "audience":
        found["audience"] = call.name
    return found


# --- at start ----------------------------------------------------------------------------------------------


_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class _AnyTrait(dict[str, object]):
    def __missing__(self, key: object) -> object:
        return 'a "sample"'


class _Alike(dict[str, object]):
    """A table of constants: what is looked up by a name that only a real call has is like its first entry."""

    def __missing__(self, key: object) -> object:
        if not self:
            raise KeyError(key)
        return next(iter(self.values()))


def _alike(value: object) -> object:
    match value:
        case dict():
            return _Alike({key: _alike(each) for key, each in value.items()})
        case list():
            return [_alike(each) for each in value]
    return value


def unfit(templates: CallTemplates, table: Mapping[str, Any], headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Templates that no call would use, calls that would have no template, and what does not go with other keys of the
    destination (`table`, of which these are the `headers`): the key, and why."""
    per_audience = table.get("calls") == "per_audience"
    for op in ("entered", "left"):
        if templates.get(op) and not per_audience:
            yield f"templates.{op}", 'is about one audience: add calls = "per_audience", or use `changed`'
    lacking = [op for op in AUDIENCE_OPS if not (per_audience and templates.get(op))]
    if lacking and templates.changed is None:
        yield "templates.changed", f"is missing, and nothing else says what a call is that is {' or '.join(lacking)}"
    if templates.event is None and table.get("track"):
        yield "templates.event", "is missing, and `track` needs it"
    own = {name.lower() for name in headers}
    for op in OPS:
        template = templates.get(op) or CallTemplate()
        if template.envelope and not (table.get("batch") and template.body):
            message = "goes around the bodies of a batch: add `batch` and `body`, or take it out"
            yield f"templates.{op}.envelope", message
        yield from _doubled_headers(op, template, own)
    if templates.read is not None:
        yield from _doubled_headers("read", templates.read, own)
        if templates.read.body is not None and templates.read.method == "GET":
            yield "templates.read.body", 'is of no request that GETs: add method = "POST", or take it out'


def _doubled_headers(op: str, template: CallTemplate | ReadTemplate, own: set[str]) -> Iterator[tuple[str, str]]:
    if not own.isdisjoint(name.lower() for name in template.headers):
        yield f"templates.{op}.headers", "has a header that `headers` of the destination has; keep one of them"


def mistakes(
    templates: CallTemplates,
    samples: Mapping[str, Sequence[Call]],
    *,
    as_form: bool,
    in_arrays: bool,
    secrets: Mapping[str, object],
    constants: Mapping[str, object],
) -> Iterator[tuple[str, str]]:
    """What is wrong with templates, found by filling each in for samples: the key, and why."""
    shared = {
        "secrets": dict.fromkeys(secrets, "secret"),
        "constants": {name: _alike(value) for name, value in constants.items()},
    }
    for op in OPS:
        template = templates.get(op)
        if template is None:
            continue
        try:
            writer = Writer(op, template, as_form=as_form, in_arrays=in_arrays)
            for call in _samples_of(op, templates, samples):
                writer.write({**told(call, _AT), **shared, "traits": _AnyTrait(city='K"öln')})
        except MisplacedError as error:
            yield f"templates.{op}.{error.key}", error.why
    if templates.read is not None:
        try:
            Asking(templates.read, as_form=as_form).ask({**told(samples["changed"][0], _AT), **shared})
        except MisplacedError as error:
            yield f"templates.read.{error.key}", error.why


def _samples_of(op: Op, templates: CallTemplates, samples: Mapping[str, Sequence[Call]]) -> Sequence[Call]:
    """The samples that are written by a template: `changed` also serves those that have none of their own."""
    if op == "changed":
        served = [call for each in AUDIENCE_OPS if not templates.get(each) for call in samples.get(each, ())]
        return served or samples["changed"]
    return samples.get(op, ())
