"""A mistake in a template, or in a rule of what accepts, is found at start, with its place."""

import json
from contextlib import closing
from pathlib import Path

import pytest

import syncer
from syncer import config, errors
from syncer.destinations import samples
from tests.unit.config.texts import WAREHOUSE, Load, refused

HOOK = f"""{WAREHOUSE}
[[destinations]]
name = "hook"
type = "webhook"
url = "https://x.example/hook"
"""


@pytest.mark.parametrize(
    ("lines", "place", "message"),
    [
        (
            "changed.body = '''{\n\"a\": {{ emial }}}'''",
            "changed.body",
            "line 2: knows no 'emial'; did you mean 'email'?",
        ),
        ("changed.body = '''{\n\n{{ email'''", "changed.body", "line 3: "),
        ("changed.body = '{\"a\": {{ email }},}'", "changed.body", "does not make JSON, in line 1 of what it makes"),
        ('changed.body = \'{"a": "{{ traits }}"}\'', "changed.body", "has a map, a list or null inside of a text"),
        ("changed.body = '[\"{{ email }}\\{{ email }}\"]'", "changed.body", "has a backslash before a value"),
        ("changed.body = '{{ properties.other }}'", "changed.body", "line 1: 'other' is not there"),
        ("changed.body = '{{ audience }}'", "changed.body", "line 1: 'audience' is not there"),
        ("changed.body = '{{ constants.x }}'", "changed.body", "line 1: 'x' is not there"),
        ("changed = { body = '1', path = 'a' }", "changed.path", 'must begin with "/" or "?"'),
        ("changed = { body = '1', path = '/a b' }", "changed.path", "holds what no address can"),
        ("changed = { body = '1', path = '/a/../b' }", "changed.path", "has a step that is . or .."),
        ("changed = { body = '1', method = 'GET' }", "changed.method", "must be "),
        ("changed = { body = '1', headers = { Host = 'x' } }", "changed.headers", "which syncer sets itself"),
        ("changed = { body = '1', headers = { X-A = ' {{ email }}' } }", "changed.headers", "blanks around it"),
        ("changed = { body = '1', headers = { X-A = \"a\\n{{ email }}\" } }", "changed.headers", "no header can carry"),
        ("changed = { body = '1', headers = { X-A = 'ü{{ email }}' } }", "changed.headers", "no header can carry"),
        ("changed = { body = '1', headers = { X-A = 'ü' } }", "changed.headers", "no header can carry"),
        ("changed = { body = '1', status = [500] }", "changed.status", "must hold statuses"),
        ("changed = { body = '1', status = ['200-404'] }", "changed.status", "must hold statuses"),
        ("changed = { body = '1', envelope = '{{ items }}' }", "changed.envelope", "add `batch` and `body`"),
        ("changed = { body = '1', boddy = '1' }", "changed.boddy", "did you mean `body`?"),
        ("entered.body = '1'", "entered", 'add calls = "per_audience"'),
        ("event.body = '1'", "changed", "is missing, and nothing else says what a call is that is entered or left"),
    ],
)
def test_a_mistake_is_found_at_start_with_its_place(load: Load, lines: str, place: str, message: str) -> None:
    found = refused(load, HOOK + "\n".join(f"templates.{line}" for line in [lines]))

    assert message in found[f"destinations[0].templates.{place}"]


@pytest.mark.parametrize(
    ("lines", "place", "message"),
    [
        ("constants = { a = 1 }", "constants", "goes along with `templates` only"),
        ("templates.changed.body = '1'\nconstants = { a = 2026-01-01 }", "constants", "put a date in quotes"),
        ("templates.changed.body = '1'\ncontent_type = 'text/xml'", "content_type", "another kind of JSON"),
        (
            "templates.changed.body = 'a={{ email }}'\nbatch = 2\ncontent_type = 'application/x-www-form-urlencoded'",
            "batch",
            "a form holds one call",
        ),
        (
            "templates.changed = { body = '1', headers = { x-a = '1' } }\nheaders = { X-A = '2' }",
            "templates.changed.headers",
            "keep one of them",
        ),
        ("templates.changed.body = '1'\ntrack = true", "templates.event", "is missing, and `track` needs it"),
        ("templates.changed.body = '1'\nreconcile_every = '1d'", "reconcile_every", "cannot be asked"),
        ("templates.changed.body = '1'\ntemplates.read.path = 'x'", "templates.read.path", 'must begin with "/"'),
        ("templates.changed.body = '1'\ntemplates.read.path = '/{{ op }}'", "templates.read.path", "op"),
        ("templates.changed.body = '1'\ntemplates.read.body = '1'", "templates.read.body", 'add method = "POST"'),
        ("templates.changed.body = '1'\ntemplates.read.values = 'x'", "templates.read.values", "a JSON pointer"),
        (
            "templates.changed.body = '1'\ntemplates.read.unknown = [401]",
            "templates.read.unknown",
            "must hold statuses",
        ),
        (
            "templates.entered.body = '1'\ncalls = 'per_audience'",
            "templates.changed",
            "is missing, and nothing else says what a call is that is left",
        ),
        (
            "templates = { entered = { body = '1' }, left = { body = '0' } }\ncalls = 'per_audience'\n"
            "[[computed_traits]]\nname = 'score'\nquery = 'SELECT 1'",
            "templates.changed",
            "what computed traits send",
        ),
        (
            "templates.changed = { body = '1', envelope = '[{{ items }}, {{ items }}]' }\nbatch = 2",
            "templates.changed.envelope",
            "must have {{ items }} in it, once",
        ),
    ],
)
def test_keys_that_go_with_templates(load: Load, lines: str, place: str, message: str) -> None:
    assert message in refused(load, HOOK + lines)[f"destinations[0].{place}"]


@pytest.mark.parametrize(
    "lines",
    [
        "templates.changed.path = '/{{ user_id }}'",
        "templates.changed.body = '{{ constants.lists[op] }}'\nconstants = { lists = { other = 7 } }",
        'templates.changed.body = \'{"city": {{ traits.city | default("") }}}\'',
        "templates.entered.body = '{{ audience }}'\ntemplates.left.body = '[]'\ncalls = 'per_audience'",
        "templates.changed.body = '{{ audience }}'\ncalls = 'per_audience'",
    ],
)
def test_what_is_no_mistake(load: Load, lines: str) -> None:
    assert isinstance(load(HOOK + lines), config.Settings)


def test_no_message_shows_a_secret(load: Load) -> None:
    with pytest.raises(errors.ConfigError) as raised:
        load(
            HOOK + "secrets = { key = '${KEY}' }\ntemplates.changed.body = '{\"a\": {{ secrets.key }},}'", KEY="hunter2"
        )

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{ status = [200], erors = '/e' }", "did you mean `errors`?"),
        ("{ status = ['2xx'] }", 'whose `status` must be a list of numbers and ranges, such as [200, "202-204"]'),
        ("{ status = [429] }", "others accept nothing"),
        ("{ status = [true] }", "must be a list of numbers"),
        ("{ status = ['200-'] }", "must be a list of numbers"),
        ("{ status = ['٢٠٠'] }", "must be a list of numbers"),
        ("{ status = [200], pointer = '/a~2' }", "whose `pointer` must be a JSON pointer"),
        ("{ status = [200], pointer = 'ok' }", "whose `pointer` must be a JSON pointer"),
        ("{ errors = '/e', id = '/i', index = '/n' }", "keep one of them"),
        ("{ status = [200], index = '/n' }", 'add errors = "/…"'),
        ("{ status = [200], equals = 1 }", 'add pointer = "/…"'),
        ("{ errors = '/e', by = 'phone' }", "whose `by`"),
    ],
)
def test_a_rule_that_is_none(load: Load, rule: str, message: str) -> None:
    assert message in refused(load, f"{HOOK}accept = {rule}")["destinations[0].accept"]


def test_the_documented_templates_do_what_is_said_of_them(load: Load) -> None:
    document = (Path(syncer.__file__).parent / "deploy" / "README.md").read_text(encoding="utf-8")
    code = document.split("<!-- code: templates -->\n```toml\n")[1].split("```")[0]
    [settings] = load(WAREHOUSE + code, LISTS_TOKEN="t0ken").destinations
    calls = samples.calls_of(settings.sync_mode, "Newsletter", "newsletter")

    with closing(settings.build()) as destination:
        [entered], _ = destination.requests(calls["entered"])
        [left], _ = destination.requests(calls["left"])

        assert destination.head(entered)[0] == "PUT https://lists.example.com/…/lists/7/members/ada%40example.com"
        assert json.loads(destination.body(entered))["name"] == " (u-1)"
        assert destination.head(left)[0] == "DELETE https://lists.example.com/…/lists/7/members/ada%40example.com"
        assert destination.body(left) == b""


def test_a_template_is_no_secret_that_others_may_read(load: Load, tmp_path: Path) -> None:
    text = HOOK.replace("https://x.example/hook", "${URL}")
    text += "templates.changed = { body = '1', headers = { X-Id = '{{ message_id }}' } }"
    settings = load(text, URL="https://x.example/hook")
    file = tmp_path / "syncer.toml"
    file.chmod(0o644)

    assert config.caveats(file, settings) == []
