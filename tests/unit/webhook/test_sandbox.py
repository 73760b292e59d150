"""A template fills in, and ends."""

import hashlib
import json
import time

import pytest

from syncer.destinations import sandbox
from syncer.destinations.sandbox import Filling, TemplateError


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ ''.__class__.__mro__ }}", "may use"),
        ("{{ email.__init__ }}", "may use"),
        ("{{ email.format() }}", "may use"),
        ("{{ '{:>999999999}'.format(1) }}", "may use"),
        ("{{ 'x'.format_map({}) }}", "may use"),
        ("{{ email.upper }}", "a method needs its ()"),
        ("{{ " + "not " * 3000 + "1 }}", "too deep"),
        ("{{ " + "[" * 300 + "]" * 300 + " }}", "too deep"),
        ("{{ email.ljust(10) }}", "may use"),
        ("{{ traits.update({}) }}", "may use"),
        ("{{ range(9) }}", "knows no 'range'"),
        ("{{ cycler(1) }}", "knows no 'cycler'"),
        ("{{ self }}", "knows no 'self'"),
        ("{% set x = 1 %}1", "`set` may not be used"),
        ("{% macro m() %}{% endmacro %}1", "`macro` may not be used"),
        ("{% include 'x' %}1", "`include` may not be used"),
        ("{% import 'x' as x %}1", "`import` may not be used"),
        ("{% extends 'x' %}1", "`extends` may not be used"),
        ("{% filter upper %}a{% endfilter %}", "`filter` may not be used"),
        ("{{ 2 ** 99999999 }}", "`pow` may not be used"),
        ("{{ 'x' * 99999999 }}", "calculates with what is no number"),
        ("{{ '%99999999d' % 1 }}", "`mod` may not be used"),
        ("{{ [1] * 99999999 }}", "calculates with what is no number"),
        ("{{ email | tojson }}", "is written as JSON by itself"),
        ("{{ email | center(9) }}", "no filter named 'center'"),
        ("{{ email | replace('', 'x') }}", "too long"),
        ("{{ email | replace('x', 'y' * 2) }}", "calculates"),
        (
            "{% for a in traits %}{% for b in traits %}{% for c in traits %}{% endfor %}{% endfor %}{% endfor %}1",
            "deep",
        ),
        ("{% for a in traits recursive %}{{ loop(traits) }}{% endfor %}1", "recursive"),
        ("{% for a in email %}1{% endfor %}", "is a text"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ long | join(long | join(long | join(long | join('x')))) }}", "too long"),
        ("{{ " + "~".join(["('y' | replace('y', 'z'))"] * 400) + " ~ (long | join(long | join('x'))) }}", "too long"),
        ("{{ long | join('%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%')" + " | urlencode" * 40 + " }}", "too long"),
        ("{{ " + "9" * 5000 + " }}", "number that is too long"),
        ("{% for a in 7 %}1{% endfor %}", "is no list or map"),
        ("{% for a in none %}1{% endfor %}", "is no list or map"),
        ("{{ [1e308 * 10] }}", "a number that JSON cannot hold"),
        ("{{ {'a': [-1e308 * 10]} }}", "a number that JSON cannot hold"),
        ("{{ 'a' ~ none }}", "is null"),
        ("{{ 'a' ~ traits }}", "is a map or a list"),
        ("{{ traits | string }}", "is a map or a list"),
        ("{{ 'a' ~ missing.x }}", "'x' is not there"),
    ],
)
def test_a_template_can_do_nothing_else(source: str, why: str) -> None:
    before = time.monotonic()
    told = {"email": "x@x.io", "traits": {"a": 1}, "missing": {}, "long": ["x"] * 1000}

    with pytest.raises(TemplateError) as raised:
        Filling(source, sandbox.JSON, told).fill(told)

    assert why in str(raised.value)
    assert "x@x.io" not in str(raised.value)
    assert time.monotonic() - before < 5


def test_a_loop_ends() -> None:
    told = {"traits": {str(n): n for n in range(1001)}}

    with pytest.raises(TemplateError, match="line 2: a value has more than 1000 entries"):
        Filling("[\n{% for a in traits %}{{ a }}{% endfor %}]", sandbox.JSON, told).fill(told)


def test_what_it_makes_ends() -> None:
    told = {"email": "x" * 100_000, "traits": {str(n): n for n in range(1000)}}

    source = '"{% for a in traits %}{% for b in traits %}{{ email }}{% endfor %}{% endfor %}"'

    with pytest.raises(TemplateError, match="more than 16,777,216 characters"):
        Filling(source, sandbox.JSON, told).fill(told)


def test_no_filter_calculates_without_end() -> None:
    source = "[{{ 1.55 | round(1) }}, {{ 2.5 | round(999999999) }}, {{ 7 | round }}]"

    assert Filling(source, sandbox.JSON, []).fill({}) == "[1.6, 2.5, 7]"


def test_a_text_is_written_in_one_way_wherever_it_is_made() -> None:
    source = """["{{ yes }}", {{ "" ~ yes }}, {{ [yes, 7] | join("-") }}, {{ yes | string }}, {{ 7 ~ "a" ~ 0.5 }},
        {{ yes | sha256 }}]"""

    [*made, digest] = json.loads(Filling(source, sandbox.JSON, ["yes"]).fill({"yes": True}))

    assert made == ["true", "true", "true-7", "true", "7a0.5"]
    assert digest == hashlib.sha256(b"true").hexdigest()


def test_a_loop_goes_over_whatever_a_filter_makes() -> None:
    source = """[{% for name, value in traits | items %}{{ name }}, {{ value }}, {% endfor %}
        {% for each in [2, 2, 3] | unique %}{{ each }}{% if not loop.last %}, {% endif %}{% endfor %}]"""

    assert json.loads(Filling(source, sandbox.JSON, ["traits"]).fill({"traits": {"a": 1}})) == ["a", 1, 2, 3]
