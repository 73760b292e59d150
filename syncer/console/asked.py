"""What an action is about: the same names in an address, in a form and in JSON."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from syncer.console.routing import NoQuestionError, refuse_repeated

Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Text = Annotated[str, Meta(min_length=1, max_length=500)]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every action takes: the `digest` of the review that it confirms. Without it nothing is compared."""

    digest: str | None = None


class OfRun(Asked, frozen=True, kw_only=True):
    """What a run held: all of it, or of these audiences and destinations."""

    run: Number
    audiences: tuple[Text, ...] = ()
    destinations: tuple[Text, ...] = ()


class OfSome(Asked, frozen=True, kw_only=True):
    """These audiences at these destinations; all where none is named."""

    audiences: tuple[Text, ...] = ()
    destinations: tuple[Text, ...] = ()


class OfAudience(Asked, frozen=True, kw_only=True):
    """One audience, by its name or its property."""

    audience: Text


class OfPeople(Asked, frozen=True, kw_only=True):
    """These user ids or emails; all where none is given."""

    who: tuple[Text, ...] = ()


Kind = TypeVar("Kind", bound=Asked)


def of_json(body: bytes, kind: type[Kind]) -> Kind:
    """What a program asked; nothing at all, not even a blank, is an empty object."""
    try:
        asked = msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NoQuestionError(f"the body is not what is asked for: {error}") from None
    if b"\\u0000" in body and "\0" in "".join(_texts(asked)):
        raise NoQuestionError("no database has such a text")
    return asked


def of_fields(fields: Mapping[str, Sequence[str]], kind: type[Kind]) -> Kind:
    """What an address, or a form, asked."""
    lists = {field.name for field in msgspec.structs.fields(kind) if field.default == ()}
    refuse_repeated({name: values for name, values in fields.items() if name not in lists})
    named = {name: list(values) if name in lists else values[0] for name, values in fields.items()}
    try:
        return msgspec.convert(named, kind, strict=False)
    except msgspec.ValidationError as error:
        raise NoQuestionError(f"the address is not what is asked for: {error}") from None


def _texts(asked: Asked) -> Sequence[str]:
    values = msgspec.structs.asdict(asked).values()
    return [
        text for value in values for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)
    ]
