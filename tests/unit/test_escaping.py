"""What others wrote moves no cursor, hides nothing, and begins no line of ours."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import cli
from syncer.escaping import escaped, escaped_json, escaped_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café Lovers ☕ 顧客", "Café Lovers ☕ 顧客"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\x1b]8;;https://evil.example\x1b\\link", r"\x1b]8;;https://evil.example\x1b\link"),
        ("gold\u202eexe", r"gold\u202eexe"),
        ("a\u2028b\u2066c\u200bd\ufeff\x85", r"a\u2028b\u2066c\u200bd\ufeff\x85"),
        ("broken \udcff", r"broken \udcff"),
    ],
)
def test_what_is_not_printable_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_the_lines_of_a_traceback_are_none_of_ours() -> None:
    assert escaped_lines("Traceback\nValueError: x\x1b[2J\u2028error: all is well\n") == (
        "  Traceback\n  ValueError: x\\x1b[2J\n  error: all is well"
    )


@given(st.text())
def test_a_text_becomes_one_printable_line(text: str) -> None:
    assert escaped(text).isprintable()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
@given(text=st.text())
def test_json_says_the_same_in_every_encoding(encoding: str, text: str) -> None:
    document = escaped_json(json.dumps([text], ensure_ascii=False), encoding)

    assert document.isprintable()
    assert json.loads(document.encode(encoding)) == [text]  # JSON is UTF-8, whatever wrote it


def test_json_stays_readable_where_it_can() -> None:
    assert escaped_json('["Café\x9b"]') == '["Café\\u009b"]'
    assert escaped_json('["Café"]', "ascii") == '["Caf\\u00e9"]'


def test_the_command_has_one_place_that_makes_texts_for_the_terminal() -> None:
    rooms = Path(cli.__file__).parent
    others = [file.name for file in rooms.glob("*.py") if re.search(r"\bText(\.assemble)?\(", file.read_text())]
    assert others == ["screen.py"]
