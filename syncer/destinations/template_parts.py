"""What all templates of a webhook have in common: their headers, their paths, and what is wrong with one."""

import re
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from syncer.destinations import sandbox
from syncer.destinations.encoding import UnsendableError
from syncer.destinations.sandbox import Filling, TemplateError

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_MARK = re.compile(r"{{.*?}}|{%.*?%}|{#.*?#}", re.DOTALL)
_OUR_HEADERS = {"content-type", "content-length", "host", "x-syncer-timestamp", "x-syncer-signature"}


def free_headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    """The headers of a configuration, if they may be ours. Raises ValueError."""
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(
                "has a key that is no name of an HTTP header; write name = value, such as Authorization ="
                ' "Bearer ${TOKEN}"'
            )
        if name.lower() in _OUR_HEADERS:
            raise ValueError(f"has {name!r}, which syncer sets itself")
    return headers


def begins_a_path(path: str) -> str:
    """The template of a path, if it may be added to an address."""
    if path and path[0] not in "/?":
        raise ValueError('must begin with "/" or "?": it is added to `url`')
    return path


def literals(headers: Mapping[str, SecretStr]) -> Iterator[str]:
    """What stands between the marks of these templates."""
    for text in headers.values():
        yield from _MARK.split(text.get_secret_value())


def without_breaks(written: str) -> bytes:
    """Without line ends and tabs, which stand between the tokens of JSON only: no text holds them as they are."""
    return written.encode().translate(None, b"\r\n\t")


class MisplacedError(UnsendableError):
    """A template cannot be what it is, or not be filled in; `key` is that of its table."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key = key
        self.why = why


def compiled(key: str, text: str, form: sandbox.Form, names: list[str]) -> Filling:
    """The template that stands at `key`. Raises `MisplacedError`."""
    try:
        return Filling(text, form, names)
    except TemplateError as error:
        raise MisplacedError(key, str(error)) from None


def filled(key: str, filling: Filling, told: Mapping[str, object]) -> str:
    """The template that stands at `key`, filled in. Raises `MisplacedError`."""
    try:
        return filling.fill(told)
    except TemplateError as error:
        raise MisplacedError(key, str(error)) from None


def compiled_headers(headers: Mapping[str, SecretStr], names: list[str]) -> Mapping[str, Filling]:
    """The templates of headers. Raises `MisplacedError`."""
    texts = {name: text.get_secret_value() for name, text in headers.items()}
    return {name: compiled("headers", text, sandbox.HEADER, names) for name, text in texts.items()}


def filled_headers(fillings: Mapping[str, Filling], told: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The headers, filled in. Raises `MisplacedError`."""
    return tuple((name, filled("headers", filling, told)) for name, filling in fillings.items())
