"""Secrets in texts that are not ours to write: what receivers and databases say.

They may echo a secret with its letters in another case, percent-encoded, as JSON or HTML write it, in base64 (also
behind a user's name, as in basic authentication) or in hexadecimal digits; and a part of a credential alone: the token
of `Bearer TOKEN`, what `Basic …` holds.

A text is read as it stands, and again with its escapes undone, as often as it has any. What is found in a reading is
struck out of the text. All of it takes time in proportion to the text's length, whatever the text.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_SHORTEST_PART = 6
"""Characters. Shorter parts of a credential are not looked for: striking them out would spoil messages."""

_SHORTEST_ENCODED = 8
_LOOKED_AT = 64
"""Bytes of a secret that are looked for; what follows them without a blank goes with them."""

_LAYERS = 3
"""How often escapes are undone: an error may be quoted in an error."""

_BETWEEN = re.compile(r"[\s,;=:\"']+")
_ESCAPE = re.compile(
    rb"%(?P<byte>[0-9a-f]{2})|\\u(?P<four>[0-9a-f]{4})|\\x(?P<two>[0-9a-f]{2})|\\(?P<named>[bfnrt])|\\(?P<same>[^\w\s])"
    rb"|(?P<entity>&\#?\w{1,8};)",
    re.IGNORECASE,
)
_NAMED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_REST = re.compile(rb"[^\s\"'<>]*")
_REST_OF_BASE64 = re.compile(rb"[a-z0-9+/=]*")
_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")


class Secrets:
    """Values that are struck out of texts, and whatever has one of these forms, as it stands there."""

    def __init__(self, values: Iterable[str | re.Pattern[str]]) -> None:
        given = set(values)
        self._forms = [each for each in given if isinstance(each, re.Pattern)]
        whole = {each for each in given if isinstance(each, str) and each}
        wanted = {*whole, *(part for value in whole for part in _parts(value))}
        self._plain = [(needle[:_LOOKED_AT], len(needle) > _LOOKED_AT) for value in wanted for needle in _plain(value)]
        self._encoded = [needle for value in wanted for needle in _in_base64(value)]

    def struck(self, text: str) -> str:
        """The text with `***` for every secret."""
        struck, last = "", 0
        for first, end in _merged(self._places(text)):
            struck, last = f"{struck}{text[last:first]}***", end
        return struck + text[last:]

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """From where to where there is a secret, in characters of the text."""
        for form in self._forms:
            yield from (match.span() for match in form.finditer(text))
        for reading in _readings(text):
            data = reading.data.lower()
            for needle, is_long in self._plain:
                yield from reading.found(data, needle, _REST if is_long else None)
            data = data.translate(_ONE_ALPHABET)
            for needle in self._encoded:
                yield from reading.found(data, needle, _REST_OF_BASE64)


class _Reading(NamedTuple):
    """Bytes that a text may mean; `places` has the character that each comes from, and the end of the text."""

    data: bytes
    places: Sequence[int]

    def found(self, data: bytes, needle: bytes, rest: re.Pattern[bytes] | None) -> Iterator[tuple[int, int]]:
        """The places of a needle in the data, and of the rest that goes with it."""
        first = data.find(needle)
        while first >= 0:
            end = first + len(needle)
            found = rest.match(data, end) if rest else None
            end = found.end() if found else end
            yield self.places[first], self.places[end]
            first = data.find(needle, end)


def _readings(text: str) -> Iterator[_Reading]:
    characters = [character.encode("utf-8", "surrogatepass") for character in text]
    places = [place for place, encoded in enumerate(characters) for _ in encoded]
    reading = _Reading(b"".join(characters), [*places, len(text)])
    yield reading
    for _ in range(_LAYERS):
        unescaped = _unescaped(reading)
        if unescaped.data == reading.data:
            return
        reading = unescaped
        yield reading


def _unescaped(reading: _Reading) -> _Reading:
    data, places, last = bytearray(), list[int](), 0
    for escape in _ESCAPE.finditer(reading.data):
        meaning = _meaning(escape)
        data += reading.data[last : escape.start()] + meaning
        places += reading.places[last : escape.start()]
        places += [reading.places[escape.start()]] * len(meaning)
        last = escape.end()
    return _Reading(bytes(data + reading.data[last:]), [*places, *reading.places[last:]])


def _meaning(escape: re.Match[bytes]) -> bytes:
    if escape["byte"]:
        return bytes.fromhex(escape["byte"].decode())
    if escape["named"]:
        return _NAMED[escape["named"].lower()]
    digits = escape["four"] or escape["two"]
    if digits:
        return chr(int(digits, 16)).encode("utf-8", "surrogatepass")
    return escape["same"] or html.unescape(escape["entity"].decode("utf-8", "replace")).encode("utf-8", "surrogatepass")


def _merged(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The places in order, those that touch as one."""
    first = end = 0
    for begins, ends in sorted(places):
        if begins > end:
            if end:
                yield first, end
            first = begins
        end = max(end, ends)
    if end:
        yield first, end


def _parts(value: str) -> Iterator[str]:
    """What may be repeated of a credential without the rest: its words but the first, which names a scheme."""
    for word in value.split()[1:]:
        named = (word.partition(sign)[2].strip("\"',;") for sign in "=:")
        yield from (part for part in (word, *named, *_BETWEEN.split(word)) if len(part) >= _SHORTEST_PART)
        try:
            inside = base64.b64decode(word, validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        yield from (part for part in (inside, inside.partition(":")[2]) if len(part) >= _SHORTEST_PART)


def _plain(value: str) -> Iterator[bytes]:
    """As it is, as it is in a form and in words of one line, and in hexadecimal digits."""
    data = value.encode("utf-8", "surrogatepass")
    yield data.lower()
    if b" " in data:
        yield data.replace(b" ", b"+").lower()
    if value.split() and value.split() != [value]:
        yield " ".join(value.split()).encode("utf-8", "surrogatepass").lower()
    if len(data) >= _SHORTEST_PART:
        yield data.hex().encode()


def _in_base64(value: str) -> Iterator[bytes]:
    """As it is inside of a longer text, which may begin one, two or three bytes before it."""
    data = value.encode("utf-8", "surrogatepass")[:_LOOKED_AT]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).rstrip(b"=")
        # The characters at both ends also hold bits of what is next to the secret.
        sure = encoded[(0, 2, 3)[before] : len(encoded) - ((before + len(data)) % 3 > 0)]
        if len(sure) >= _SHORTEST_ENCODED:
            yield sure.lower()
