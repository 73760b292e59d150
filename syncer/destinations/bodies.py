"""What is in the body of an answer: JSON, or the words of the receiver."""

import json

import msgspec


def words(body: bytes) -> str:
    """What a receiver says: the message in its JSON if there is one, else its text; one line, printable."""
    return one_line(_message(body) or body[:65536].decode("utf-8", "replace"))


def one_line(text: str) -> str:
    """The text without line ends and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class NotJSONError(ValueError):
    """A body is no JSON; `text` is what it is."""

    def __init__(self, text: str) -> None:
        super().__init__("no JSON")
        self.text = text


def read_json(body: bytes) -> object:
    """The JSON of a body, in whichever Unicode; what is broken in a text is replaced. Raises `NotJSONError`."""
    text = body.decode(json.detect_encoding(body), "replace")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotJSONError(text) from None


def _message(body: bytes) -> str | None:
    try:
        found = read_json(body)
    except NotJSONError:
        return None
    for _ in range(3):  # {"error": {"message": "…"}} and {"errors": [{"message": "…"}]}
        if isinstance(found, list) and found:
            found = found[0]
        elif isinstance(found, dict):
            keys = ("message", "error", "errors", "reason", "detail")
            found = next((found[key] for key in keys if found.get(key)), None)
    return found if isinstance(found, str) else None
