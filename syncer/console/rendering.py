"""How templates show values: on one line, nothing but printable characters, addresses masked; numbers, times, spans."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from syncer.console import charts
from syncer.console.pages import STATUSES
from syncer.console.views import MOST
from syncer.escaping import escaped
from syncer.masking import masked

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def environment(files: Mapping[str, str], *, acts: bool, shows: bool) -> Environment:
    """The templates. `files` are the paths of static files by their names; `acts`: there is a token by which people
    act; `shows`: addresses are not masked."""
    found = Environment(
        loader=PackageLoader("syncer.console"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=partial(_shown, shows=shows),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(
        files=files,
        acts=acts,
        statuses=STATUSES,
        size_chart=charts.size_chart,
        outcome_chart=charts.outcome_chart,
        link=link,
        without=_without,
    )
    found.filters.update(
        number=_number, moment=_moment, span=_span, share=_share, cell=cell, id=_id, as_typed=_as_typed
    )
    found.tests.update(time=_is_time, hidden=_is_hidden)
    return found


def _shown(value: Any, *, shows: bool) -> Any:
    """What a page prints: on one line, nothing but printable characters; addresses masked unless it shows them."""
    if value is None:
        return ""
    if hasattr(value, "__html__") or isinstance(value, bool | int | float):  # markup of ours, or a number
        return value
    return escaped(str(value) if shows else str(masked(str(value))))


def _as_typed(text: str) -> Markup:
    """What whoever asks wrote themselves, for the box in which they wrote it: not masked."""
    return escape(escaped(text))


def _number(number: int) -> str:
    """With commas; of what was counted to an end, that it is more."""
    return f"more than {MOST - 1:,}" if number == MOST else f"{number:,}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _span(seconds: float) -> str:
    """`2 d 3 h`, `5 min`, `12 s`, `0.4 s`: the two largest units."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def _share(part: int, whole: int) -> str:
    """`99.5 %`; never all or nothing by rounding."""
    if not whole:
        return "–"  # noqa: RUF001 - a dash for nothing
    percent = 100 * part / whole
    if 0 < part < whole:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.1f} %"


def cell(value: object) -> str:
    """A value of a list."""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Mapping | list | bool):
        return msgspec.json.encode(value).decode()
    return "" if value is None else str(value)


def _id(name: str) -> str:
    """Stands for a name of others in the id of an element."""
    return hashlib.blake2b(name.encode(), digest_size=6).hexdigest()


def _is_hidden(value: object) -> bool:
    """Whether a page masks it, so that no address of a page may have it either."""
    return str(masked(str(value))) != str(value)


def _without(query: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if key != name}


def _is_time(value: object) -> bool:
    return isinstance(value, datetime)


def link(path: str, **query: object) -> str:
    """An address with what is given behind it."""
    given = {name: str(value) for name, value in query.items() if value is not None and value != ""}
    return f"{path}?{urlencode(given)}" if given else path
