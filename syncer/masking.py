"""Personal data in texts that are not ours to write: what receivers, databases and libraries say."""

import re
from typing import Any

_END = r"""\s"<>(),;:=\[\]{}"""
# Anchored to the start of a word: a long text without an address is passed over once, not once for each letter.
_AT = "(?:@|%(?:25)*40)"
"""Also as it stands in a path or a form: a receiver may answer with the address that it was asked for."""
_EMAIL = re.compile(rf"(?<![^{_END}@])([^{_END}@])[^{_END}@]*?{_AT}([^{_END}@])[^{_END}]*")


def masked(value: Any) -> Any:
    """`value` with every e-mail address in it masked, also inside of lists, tables and unknown objects."""
    match value:
        case bool() | int() | float() | None:
            return value
        case dict():
            return {masked(key): masked(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [masked(item) for item in value]
    text = str(value)
    return _EMAIL.sub(r"\1***@\2***", text) if "@" in text or "40" in text else text
