"""The kinds of values that a configuration holds, and the table that holds them.

A validator raises ValueError with the sentence that the user reads; no sentence repeats what may be a secret.
"""

import math
import re
import string
from collections.abc import Iterator, Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Annotated, ClassVar, get_args, get_origin
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Secret,
    SecretBytes,
    SecretStr,
    ValidationInfo,
)

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_USUAL_NAME = re.compile(r"(?!xn--)(?![0-9].*[0-9]$)[a-z0-9._-]+")
_DURATION = re.compile("".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit in _SECONDS))

_HOST_ALONE = re.compile(r"https?://[^/?#@]+/?")

# The same as `contact_of` and `skip_reason` in the state's SQL, which decide about the warehouse's rows.
_AROUND_EMAIL = " \t\r\n\xa0"
_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ADDRESS = re.compile(r"[^\x00-\x20\x7f-\x9f@]+@[^\x00-\x20\x7f-\x9f@]+")
_MAX_ADDRESS = 254


class Table(BaseModel):
    """A TOML table: TOML's own types only, no unknown keys, never changed, its input never printed."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        defer_build=True,  # most are only checked as a part of another one, and never by themselves
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
    )

    ways_out: ClassVar[Mapping[str, str]] = {}
    """What to do if a key is missing: for each that is required, by its name in the file."""


def holds_secret(annotation: object) -> bool:
    """Whether values of this type hide what they hold, or hold values that do: then none is ever shown."""
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, Secret | SecretBytes | SecretStr):
        return True
    return any(map(holds_secret, get_args(annotation)))


def secrets_in(value: object, *, hidden: bool = False) -> Iterator[str]:
    """The texts that a value, or what it holds, hides: of a database's address, its password. A web address that is no
    more than a host hides nothing.
    """
    match value:
        case Secret() | SecretStr():
            inner = value.get_secret_value()
            yield from secrets_in(getattr(inner, "password", inner), hidden=True)
        case str() if hidden and value and not _HOST_ALONE.fullmatch(value):
            yield value
        case Mapping():
            for held in value.values():
                yield from secrets_in(held, hidden=hidden)
        case list() | tuple():
            for held in value:
                yield from secrets_in(held, hidden=hidden)


# --- durations ---------------------------------------------------------------------------------------------


def duration(text: object) -> float:
    """Seconds of `30s`, `2h30m`, `400d`, `500ms`: units from large to small, each at most once."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not match or not match.group():
        raise ValueError('must be a duration in quotes such as "30s", "2h30m", "400d" or "500ms"')
    seconds = math.fsum(float(n) * unit for n, unit in zip(match.groups("0"), _SECONDS.values(), strict=True))
    if not math.isfinite(seconds):
        raise ValueError("is longer than any time there is")
    return seconds


# --- texts and secrets -------------------------------------------------------------------------------------


def text(value: object) -> str:
    """The value, if it is a text."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004 - pydantic lets a TypeError through
    return value


def filled(value: str) -> str:
    """The text, if there is something in it that can be stored."""
    if not value.strip():
        raise ValueError("must not be empty")
    if "\0" in value:
        raise ValueError("must not hold a NUL character")
    return value


def _filled_secret(secret: SecretStr) -> SecretStr:
    filled(secret.get_secret_value())
    return secret


def _told_apart(template: SecretStr) -> str:
    """It may hold a secret, so nobody is to read it; but with another one a plan is not what was reviewed."""
    return sha256(template.get_secret_value().encode()).hexdigest()


def _is_one_word(value: str) -> bool:
    return value.isprintable() and " " not in value  # of all blanks only the space is printable


def _one_word_secret(secret: SecretStr) -> SecretStr:
    if not _is_one_word(secret.get_secret_value()):
        raise ValueError("must not hold blanks, line ends or control characters; copy the key again")
    return secret


def _header_value(secret: SecretStr) -> SecretStr:
    value = filled(secret.get_secret_value())
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError("must hold plain letters, digits and signs only, without blanks around them")
    return secret


def _contact(email: str, info: ValidationInfo) -> str:
    """The contact of an email, by the rule that the state is keyed by; a user id stays as it is."""
    if info.data.get("identity") == "user_id":
        return filled(email)
    contact = email.strip(_AROUND_EMAIL).translate(_LOWER_ASCII)
    if len(contact) > _MAX_ADDRESS or not _ADDRESS.fullmatch(contact):
        raise ValueError('is not an email address; write it like "qa@example.com"')
    return contact


_WrittenDuration = Annotated[str, Field(pattern=f"^(?=.){_DURATION.pattern}$")]
Duration = Annotated[float, BeforeValidator(duration, json_schema_input_type=_WrittenDuration)]
Text = Annotated[str, AfterValidator(filled)]
Password = Annotated[SecretStr, AfterValidator(_filled_secret)]
Template = Annotated[Password, PlainSerializer(_told_apart, return_type=str, when_used="json")]
Key = Annotated[Password, AfterValidator(_one_word_secret)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
Contact = Annotated[str, AfterValidator(_contact)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Growth = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]


# --- web addresses -----------------------------------------------------------------------------------------


def http_url(url: str, like: str, *, whole: bool = False) -> SplitResult:
    """The parts of a web address. A `whole` one may have a query; otherwise it is a base that paths are added to.

    Never repeats the address in a message: it may hold a password.
    """
    problem = f'is not a web address; write it like "{like}"'
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not _is_one_word(url):
        raise ValueError(problem)
    if whole and ("@" in parts.netloc or parts.fragment):
        raise ValueError("must not hold a user, a password or `#`; put credentials of a webhook into `headers`")
    if not whole and ("@" in parts.netloc or parts.query or parts.fragment):
        raise ValueError("must not hold a user, a password, `?` or `#`; only the base of the address")
    try:
        hostname(parts)
    except ValueError:
        raise ValueError(problem) from None
    return parts


def hostname(parts: SplitResult) -> str:
    """The host of a web address as httpx reads it, which is imported for unusual ones only.

    Raises `ValueError` for what httpx takes for none.
    """
    host = parts.hostname or ""
    if _is_usual(host, in_brackets="[" in parts.netloc):
        return host
    import httpx

    try:
        return httpx.URL(f"{parts.scheme}://{parts.netloc}").host
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError("has a host that is none") from None


def _is_usual(host: str, *, in_brackets: bool) -> bool:
    """Whether a host is a network address, or a plain name that httpx might not take for one."""
    try:
        return (ip_address(host).version == 6) == in_brackets
    except ValueError:
        return not in_brackets and _USUAL_NAME.fullmatch(host) is not None


def base_address(url: str, info: ValidationInfo, *, like: str, key: str, calls: str) -> str:
    """Without a trailing `/`, nor one of the `calls` that we add: people copy the address with any of them."""
    parts = http_url(url, like)
    check_clear_text(parts, info, key=key)
    return parts._replace(path=re.sub(rf"({calls})?/*$", "", parts.path)).geturl()


def check_clear_text(parts: SplitResult, info: ValidationInfo, *, key: str) -> None:
    """Refuses http:// to another machine unless `allow_http`, a key of the same table, says otherwise."""
    loopback_only = parts.scheme == "http" and not info.data.get("allow_http", True)
    if loopback_only and not is_loopback(parts.hostname or ""):
        raise ValueError(f"would send the {key} in clear; use https://, or set `allow_http = true`")


def is_port(text: str) -> bool:
    """Whether a text is the number of a port. A longer row of digits than any port has is not even read as a number,
    which Python refuses from 4,300 on."""
    return bool(_PORT.fullmatch(text)) and int(text) < 65536


_PORT = re.compile("[0-9]{1,5}")


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
