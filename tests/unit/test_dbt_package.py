"""What the dbt package repeats of syncer is as syncer has it: the property of a name, and the views of the history."""

import re
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import inflection
import jinja2.sandbox
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer import naming, sql

PACKAGE = Path(naming.__file__).parent / "deploy" / "dbt"
LAST = 0x2FFFF
"""The last character that is looked at. Those behind it are no text in ASCII, nor are those that nobody assigned."""


class Macros:
    """The macros of names in Jinja, as dbt has it: `return` ends a macro, and its value is that of the call."""

    def __init__(self) -> None:
        returned: list[Any] = []
        environment = jinja2.sandbox.SandboxedEnvironment(extensions=["jinja2.ext.do"])
        environment.globals["return"] = returned.append
        environment.globals["modules"] = {"re": re}

        def macro(name: str) -> Any:
            return getattr(environment.from_string((PACKAGE / "macros" / f"{name}.sql").read_text()).module, name)

        macro("ascii_characters")()
        (self.ascii,) = returned
        environment.globals["syncer"] = SimpleNamespace(ascii_characters=lambda: self.ascii)
        self._property_of = macro("property_of")

    def property_of(self, name: str) -> str:
        return str(self._property_of(name)).strip()


MACROS = Macros()


@pytest.mark.parametrize(
    "name",
    [
        *("VIP buyers", "High-Value (US)", "Q4 2025: Churn Risk %", "2FA Enabled", "Last 30Days", "a_b", "__a__b__"),
        *(
            "iOS",
            "iOS Users",
            "VIPs",
            "VIPBuyers",
            "HighValueUsers",
            "Abc2Def",
            "Ab_Cde",
            "AbcDefG",
            "ABCDef",
            "aBcDef",
        ),
        *("Café Lovers", "ﬁrst ½ price", "\uff26\uff35LL width", "Straße", "日本", "ﬀOrd", "ÉcoleNormale"),
        *("null", "true", "it's", "back\\slash", "a-b--c", "%", ""),
    ],
)
def test_a_name_has_the_same_property(name: str) -> None:
    assert MACROS.property_of(name) == naming.property_of(name)


LISTED = {character: plain for plain, characters in MACROS.ascii.items() for character in characters}


def agrees(character: str) -> bool:
    return bool(character < "\x80" or inflection.transliterate(character) == LISTED.get(character, ""))


def test_every_character_that_ascii_can_stand_for_is_listed() -> None:
    assert all(map(agrees, LISTED))
    if unicodedata.unidata_version == "14.0.0":  # a newer Python knows more of them
        assert all(agrees(chr(code)) for code in range(LAST) if not 0xD800 <= code < 0xE000)


@settings(max_examples=50)
@given(st.text(st.sampled_from("aAbBcC1 _-%.éÉﬁ①\u0301ß\u00a0\n"), max_size=12) | st.text(max_size=6))
def test_any_name_has_the_same_property(name: str) -> None:
    known = "".join(filter(agrees, name))
    assert MACROS.property_of(known) == naming.property_of(known)


def promised() -> dict[str, list[str]]:
    """The columns of the views that are for people's own SQL."""
    text = (sql.packaged("_sql", "sql") / "migrations" / "0001_create_state.sql").read_text()
    views: dict[str, list[str]] = {}
    for view, column in re.findall(r"^COMMENT ON COLUMN (\w+)\.(\w+) IS", text, re.MULTILINE):
        views.setdefault(view, []).append(column)
    return views


def test_every_view_of_the_history_has_its_model_with_all_columns() -> None:
    models = {
        file.stem.removeprefix("stg_syncer__"): re.findall(r'^    "?(\w+)"?,?$', file.read_text(), re.MULTILINE)
        for file in (PACKAGE / "models" / "history").glob("*.sql")
    }
    assert models == promised()
    document = yaml.safe_load((PACKAGE / "models" / "history" / "history.yml").read_text())
    assert [table["name"] for table in document["sources"][0]["tables"]] == list(promised())
