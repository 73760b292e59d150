"""The fields of a call in the form that a receiver wants: hashed, in lower case, under another name, or not at all.

A field is what goes along with a call: `email`, `user_id`, a trait by the name that it is sent under, a computed trait
by its property. What an audience says (true or false, under its property) is no field, and is never touched. It happens
where a destination writes a call, so that plan, history, state and `explain` know people by what the warehouse says.

Hashes are what Meta documents ("Customer information parameters", whose examples are our test): without blanks around
it, in lower case, UTF-8, the digest in lower hex. Google asks for the same ("Enhanced conversions"), and for no dots in
Gmail addresses, which stay here. No digit is added to a phone number or taken from it: both are for SQL.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from syncer.calls import Call, Track
from syncer.destinations.encoding import UnsendableError, check_values, encode
from syncer.models import Value

Digest = Literal["sha256", "sha512", "md5"]

PERSON = ("email", "user_id")
"""The fields of every call, beside those that the configuration names."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a destination's fields are to look: see the module."""

    hashed: Mapping[str, Digest]
    renamed: Mapping[str, str]
    lowered: frozenset[str]
    dropped: frozenset[str]

    def of(self, call: Call) -> Call:
        """The call with its fields in form; `email` and `user_id` are empty if they are dropped, and `under` names
        them. Raises `UnsendableError` rather than send in clear what cannot be hashed, or two things under one name."""
        if not (self.hashed or self.renamed or self.lowered or self.dropped):
            return call
        email, user_id = (
            "" if field in self.dropped else cast("str", self._formed(field, value))
            for field, value in zip(PERSON, (call.email, call.user_id), strict=True)
        )
        if isinstance(call, Track):
            return call._replace(email=email, user_id=user_id)
        self._refuse_taken(call.traits)
        self._refuse_taken(call.values)
        return call._replace(
            email=email, user_id=user_id, traits=self._traits(call.traits), values=self._values(call.values)
        )

    @property
    def digests(self) -> Sequence[re.Pattern[str]]:
        """The forms of what it makes of people, by which a receiver's words are not to name them either."""
        return forms_of(self.hashed.values())

    def written(self, name: str, value: Value) -> tuple[str, Value]:
        """The name and the form of a property of a call."""
        if isinstance(value, bool):
            return name, value
        return self.renamed.get(name, name), self._formed(name, value)

    def under(self, field: str, usual: str, value: Value) -> dict[str, Value]:
        """`email` or `user_id` of a call under its name here, which is usually the `usual` one; nothing if dropped."""
        return {} if field in self.dropped else {self.renamed.get(field, usual): value}

    def _traits(self, traits: Mapping[str, Value]) -> dict[str, Value]:
        kept = {name: value for name, value in traits.items() if name not in self.dropped}
        return {self.renamed.get(name, name): self._formed(name, value) for name, value in kept.items()}

    def _values(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        touched = values.keys() & {*self.hashed, *self.renamed, *self.lowered}
        for name in sorted(touched):
            if isinstance(values[name], bool):
                message = f"{name} is true or false, and sent as it is; take it out of `hash`, `rename` and `lowercase`"
                raise UnsendableError(message)
        if not touched:
            return values
        return {self.renamed.get(name, name): self._formed(name, value) for name, value in values.items()}

    def _refuse_taken(self, names: Mapping[str, Value]) -> None:
        """The plan sets an audience aside whose property is a new name; this is for what it could not know."""
        for field, name in self.renamed.items():
            if name in names:
                message = f"`rename` calls {field} {name}, which something else is called already; choose another name"
                raise UnsendableError(message)

    def _formed(self, field: str, value: Value) -> Value:
        if field in self.hashed:
            return _digest(field, value, self.hashed[field])
        if field in self.lowered and isinstance(value, str):
            return value.lower()
        return value


def forms_of(kinds: Iterable[Digest]) -> list[re.Pattern[str]]:
    """What digests of these kinds look like."""
    lengths = {hashlib.new(kind, usedforsecurity=False).digest_size * 2 for kind in kinds}
    return [re.compile(rf"(?<![0-9a-z])[0-9a-f]{{{length}}}(?![0-9a-z])", re.IGNORECASE) for length in lengths]


def _digest(field: str, value: Value, kind: Digest) -> Value:
    """What is not there, or blank, has no digest."""
    if value is None:
        return None
    if isinstance(value, dict | list):
        message = f"{field} is a JSON object or list, of which there is no hash; make it a text, or `drop` it"
        raise UnsendableError(message)
    check_values({field: value})
    text = value if isinstance(value, str) else encode(value).decode()
    normal = text.strip().lower()
    try:
        return hashlib.new(kind, normal.encode(), usedforsecurity=False).hexdigest() if normal else ""
    except UnicodeEncodeError:
        message = f"{field} holds broken Unicode, of which there is no hash"
    raise UnsendableError(message)
