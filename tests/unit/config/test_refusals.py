"""What is refused, and in which words."""

from pathlib import Path
from typing import Any

import pytest

from syncer import config, errors
from syncer.config import known
from tests.unit.config.refusals import ONE_WORD, REFUSED
from tests.unit.config.texts import MINIMAL, WAREHOUSE, Load, in_destination, in_log, in_membership, refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file; `syncer init` writes one, `--config` names another"),
        (b"a = 1\nb = x", "is not TOML: invalid value (at line 2, column 5); `syncer init` writes an example"),
        (b"a = 1\na = 2", "is not TOML: cannot overwrite a value"),
        (b"a = '\xe9'", "is not UTF-8 text (byte 5); save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "is not TOML: "),
        (b"a = " + b"9" * 10_000, "is not TOML: a number of 10000 digits (at line 1, column 5)"),
        (b".".join([b"a"] * 3_000) + b" = 1", "has tables in one another, more than 50 deep"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "syncer.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(errors.ConfigError) as caught:
        config.load(file, {})
    [problem] = caught.value.problems
    assert problem.path == str(file)
    assert problem.message.startswith(message)
    assert caught.value.__context__ is None


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigError, match="is no ordinary file, but a folder"):
        config.load(tmp_path, {})


def test_an_empty_file_lacks_everything(load: Load) -> None:
    assert refused(load, "") == {
        "warehouse": 'is missing; add [warehouse] with url = "postgresql://reader@db.internal/analytics"',
        "destinations": "is missing; add [[destinations]] with `name` and `write_key`",
    }


def test_every_required_key_has_a_way_out() -> None:
    for place, table in known.tables():
        required = {key for key, field in table.model_fields.items() if field.is_required()}
        assert set(table.ways_out) == required, place


@pytest.mark.parametrize(
    ("text", "path", "message"), REFUSED, ids=[f"{path}-{i}" for i, (_, path, _) in enumerate(REFUSED)]
)
def test_what_is_refused_and_in_which_words(load: Load, text: str, path: str, message: str) -> None:
    problems = refused(load, text)
    assert problems == {path: message}
    assert "hunter2" not in str(problems)


def test_a_value_is_shown_as_it_was_written(load: Load) -> None:
    problems = refused(load, in_log("level = '${LEVEL}'").replace("k3y", "${KEY}"), LEVEL="no", KEY="hunter 2")
    assert problems == {
        "destinations[0].write_key": f'{ONE_WORD} (got "${{KEY}}")',
        "log.level": 'must be "DEBUG", "INFO", "WARNING" or "ERROR" (got "${LEVEL}")',
    }


def test_every_problem_is_told_at_once(load: Load) -> None:
    text = """
        [warehouse]
        urll = "x"
        membership.table = 5
        membership.query = "SELECT 1"
        [guard]
        min_removed = 0.5
        [alerts]
        every = "3h"
        [[destinations]]
        name = "a"
        concurrency = 0
        region = "eu"
        endpoint = "http://x"
        [[destinations]]
        name = "a"
        write_key = "${KEY}"
        [log]
        format = 1
    """
    assert list(refused(load, text)) == [
        "alerts.every",
        "destinations[0].concurrency",
        "destinations[0].endpoint",
        "destinations[0].region",
        "destinations[0].write_key",
        "destinations[1].name",
        "destinations[1].write_key",
        "guard.min_removed",
        "log.format",
        "warehouse.membership.query",
        "warehouse.membership.table",
        "warehouse.url",
        "warehouse.urll",
    ]


def test_the_error_reads_as_lines_of_path_and_message(load: Load) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        load(MINIMAL + "gzip = 1\n[log]\nlevel = 'loud'")
    assert str(caught.value).splitlines() == [
        "destinations[0].gzip: must be true or false, without quotes (got 1)",
        'log.level: must be "DEBUG", "INFO", "WARNING" or "ERROR" (got "loud")',
    ]


@pytest.mark.parametrize(
    ("line", "path", "words"),
    [
        ("urls = ['json://h', 'slakc://s3cret/x']", "alerts.urls[1]", "is no URL that Apprise understands"),
        ("urls = ['']", "alerts.urls[0]", "must not be empty"),
        ("urls = 'json://s3cret'", "alerts.urls", "must be a list"),
        ("heartbeat_url = 's3cret'", "alerts.heartbeat_url", "is not a web address"),
        ("heartbeat_url = 'https://300.1.1.1/s3cret'", "alerts.heartbeat_url", "is not a web address"),
        ("url = 's3cret'", "alerts.url", "urls"),
    ],
)
def test_what_is_refused_about_alerts_shows_no_secret(load: Load, line: str, path: str, words: str) -> None:
    [(found, message)] = refused(load, MINIMAL + f"[alerts]\n{line}").items()
    assert found == path
    assert words in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            in_membership("traits = { first_name = 'firstname' }"),
            {"warehouse.membership.traits": "did you mean 'firstName'?"},
        ),
        (
            in_membership("traits = { a = 'phone', b = 'phone' }"),
            {"warehouse.membership.traits": "sends two columns under one name; keep one of them"},
        ),
        (
            MINIMAL + "[[computed_traits]]\nname = 'x'",
            {"computed_traits[0].query": 'add query = "SELECT user_id, email, value FROM …"'},
        ),
        (
            MINIMAL
            + "[[audiences]]\nname = 'x'\n[[computed_traits]]\nname = 'x'\nquery = 'SELECT 1'\non_missing = 'drop'",
            {
                "computed_traits[0].name": "is the same as that of audiences[0]",
                "computed_traits[0].on_missing": 'must be "keep" or "null"',
            },
        ),
        (
            WAREHOUSE + "[[destinations]]\nname = 'm'\ntype = 'mailmodo'\napi_key = 'k'\nlist_name = 'L'\n"
            "calls = 'per_audience'",
            {"destinations[0].calls": 'must be "combined": Mailmodo updates contacts'},
        ),
        (in_destination("track = { enter = 'x' }"), {"destinations[0].track.enter": "did you mean `entered`?"}),
    ],
)
def test_what_is_refused_about_values_and_events(load: Load, text: str, problems: dict[str, str]) -> None:
    found = refused(load, text)
    assert list(found) == list(problems)
    assert all(words in found[path] for path, words in problems.items()), found


@pytest.mark.parametrize(
    ("written", "path", "words"),
    [
        ("url = 'ftp://x'", "url", "is not a web address"),
        ("url = 'https://[v1.x]/h'", "url", "is not a web address"),
        ("url = 'https://u:p@x.example'", "url", "put credentials of a webhook into `headers`"),
        ("url = 'http://x.example/h'", "url", "would send the contacts in clear"),
        ("", "url", 'add url = "https://example.com/hooks/syncer"'),
        ("url = 'https://x'\nendpoint = 'https://x'", "endpoint", "or use `url`"),
        ("url = 'https://x'\nheaders = { 'a b' = 'x' }", "headers", "no name of an HTTP header"),
        ("url = 'https://x'\nheaders = { Host = 'x' }", "headers", "which syncer sets itself"),
        ("url = 'https://x'\nheaders = { Token = ' sw0rdfish' }", "headers.Token", "without blanks around them"),
        ("url = 'https://x'\nbatch = 1001", "batch", "at most 1000"),
        ("url = 'https://x'\naccept = 'ok'", "accept", 'must be "no_html", "json" or "any", or what'),
        ("url = 'https://x'\naccept = true", "accept", 'must be "no_html", "json" or "any", or what'),
        ("url = 'https://x'\naccept = {}", "accept", 'must be "no_html", "json" or "any", or what'),
        ("url = 'https://x'\naccept = { at = 2026-01-01 }", "accept", 'must be "no_html", "json" or "any", or what'),
    ],
)
def test_what_is_refused_of_a_webhook(load: Load, written: str, path: str, words: str) -> None:
    problems = refused(load, WAREHOUSE + f"[[destinations]]\nname = 'w'\ntype = 'webhook'\n{written}")
    assert list(problems) == [f"destinations[0].{path}"]
    assert words in problems[f"destinations[0].{path}"]
    assert "sw0rdfish" not in str(problems)
    assert "u:p@" not in str(problems)


def test_mailmodo_takes_no_null(load: Load) -> None:
    trait = "[[computed_traits]]\nname = 'x'\nquery = 'SELECT 1'\non_missing = 'null'\n"
    mailmodo = "[[destinations]]\nname = 'm'\ntype = 'mailmodo'\napi_key = 'k'\nlist_name = 'l'\n"
    assert refused(load, MINIMAL + trait + mailmodo) == {
        "computed_traits[0].on_missing": "must be \"keep\": the destination 'm' is Mailmodo, which takes no null"
    }


def test_any_tree_is_judged_without_a_crash(tmp_path: Path) -> None:
    """Wrong types in any place are problems, never an unexpected error."""
    wrong: list[Any] = ["5", "'x'", "[]", "[1]", "[{}]", "{}", "{ a = 1 }", "true", "2026-01-01", "1.5"]
    file = tmp_path / "syncer.toml"
    keys = ["warehouse", "warehouse.url", "warehouse.membership", "audiences", "state", "destinations", "log", "guard"]
    for key in keys:
        for value in wrong:
            file.write_text(f"{key} = {value}\n")
            with pytest.raises(errors.ConfigError):
                config.load(file, {})
