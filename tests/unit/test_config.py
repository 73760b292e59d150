"""The configuration: what loads, what is refused and in which words, and that no secret is ever printed."""

import json
import re
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg.conninfo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Secret

from syncer import config, errors, models
from syncer.config import rules, source

WAREHOUSE = """
[warehouse]
url = "postgresql://reader@db.internal/analytics"
[warehouse.membership]
table = "analytics.audience_membership"
"""
DESTINATION = """
[[destinations]]
name = "segment"
write_key = "k3y"
"""
MINIMAL = WAREHOUSE + DESTINATION
MAILMODO = """
[[destinations]]
name = "mailmodo"
type = "mailmodo"
api_key = "AAAAAAA-BBBBBBB"
list_name = "Audiences"
"""
WEBHOOK = """
[[destinations]]
name = "webhook"
type = "webhook"
url = "https://example.com/hooks/syncer"
"""
EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"

Load = Callable[..., config.Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str | bytes, **environ: str) -> config.Settings:
        file = tmp_path / "syncer.toml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return config.load(file, environ)

    return load


def segment_in(loaded: config.Settings) -> config.Segment:
    [destination] = loaded.destinations
    assert isinstance(destination, config.Segment)
    return destination


def mailmodo_in(loaded: config.Settings) -> config.Mailmodo:
    [destination] = loaded.destinations
    assert isinstance(destination, config.Mailmodo)
    return destination


def refused(load: Load, text: str | bytes, **environ: str) -> dict[str, str]:
    """The messages by path; no path may be told of twice."""
    with pytest.raises(errors.ConfigError) as caught:
        load(text, **environ)
    problems = {problem.path: problem.message for problem in caught.value.problems}
    assert len(problems) == len(caught.value.problems)
    return problems


# --- what loads --------------------------------------------------------------------------------------------


def test_defaults(load: Load, tmp_path: Path) -> None:
    loaded = load(MINIMAL)
    destination = segment_in(loaded)
    assert loaded.state.url is None
    assert loaded.state.conninfo() is None
    assert loaded.state.data_dir == tmp_path / ".syncer"
    assert loaded.state.schema_name == "syncer"
    assert (loaded.log.format, loaded.log.level) == ("auto", "INFO")
    assert (destination.type, destination.identity) == ("segment", "email")
    assert destination.endpoint == "https://api.segment.io"
    assert (destination.max_events_per_second, destination.timeout, destination.concurrency) == (1000.0, 30.0, 4)
    assert (destination.gzip, destination.integrations) == (False, {})
    assert destination.reach == models.Reach()
    assert loaded.guard.limits == models.Guard()
    assert loaded.history.keep == 400 * 86400


def test_defaults_of_mailmodo(load: Load) -> None:
    destination = mailmodo_in(load(WAREHOUSE + MAILMODO))
    assert (destination.type, destination.identity) == ("mailmodo", "email")
    assert destination.endpoint == "https://api.mailmodo.com/api/v1"
    assert (destination.max_requests_per_second, destination.timeout) == (5.0, 30.0)
    assert (destination.mode, destination.create_list) == ("batch", False)
    assert destination.reach == models.Reach()


def test_destinations_of_both_types_stand_side_by_side(load: Load) -> None:
    loaded = load(
        MINIMAL + MAILMODO + 'mode = "single"\ncreate_list = true\nmax_requests_per_second = 50\nretract = false'
    )
    assert [destination.type for destination in loaded.destinations] == ["segment", "mailmodo"]
    mailmodo = loaded.destinations[1]
    assert isinstance(mailmodo, config.Mailmodo)
    assert (mailmodo.mode, mailmodo.create_list, mailmodo.max_requests_per_second) == ("single", True, 50)
    assert mailmodo.reach == models.Reach(retract=False)


def test_a_relative_config_path_gives_absolute_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "syncer.toml").write_text(MINIMAL + "[state]\ndata_dir = 'data'")
    monkeypatch.chdir(tmp_path)
    assert config.load(Path("conf/syncer.toml"), {}).state.data_dir == tmp_path / "conf" / "data"


def test_an_absolute_data_dir_is_kept(load: Load) -> None:
    assert load(MINIMAL + "[state]\ndata_dir = '/var/lib/syncer'").state.data_dir == Path("/var/lib/syncer")


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode()).destinations[0].name == "segment"


def test_sources_are_the_membership_and_then_the_queries(load: Load) -> None:
    audiences = """
        [[audiences]]
        name = "VIP"
        property = "vips"
        [[audiences]]
        name = "New"
        query = "SELECT 1"
    """
    membership = "audience = 'a'\nuser_id = 'u'\nemail = 'e'\nmember = 'm'"
    loaded = load(WAREHOUSE + membership + DESTINATION + audiences)
    assert loaded.sources == [
        models.Source(
            path="warehouse.membership.table",
            table="analytics.audience_membership",
            audience="a",
            user_id="u",
            email="e",
            member="m",
        ),
        models.Source(
            path="audiences[1].query", query="SELECT 1", audience_name="New", user_id="user_id", email="email"
        ),
    ]
    assert loaded.configured_audiences == [
        models.ConfiguredAudience(path="audiences[0]", name="VIP", property="vips"),
        models.ConfiguredAudience(path="audiences[1]", name="New", has_query=True),
    ]


def test_the_guard_may_be_set_as_a_whole(load: Load) -> None:
    guard = """
        [guard]
        max_removed_fraction = 0
        min_removed = 0
        max_added_fraction = 7
        min_added = 5
        hold_initial = true
        ready = "SELECT true"
    """
    assert load(MINIMAL + guard).guard.limits == models.Guard(
        max_removed_fraction=0,
        min_removed=0,
        max_added_fraction=7,
        min_added=5,
        hold_initial=True,
        ready="SELECT true",
    )


def test_an_audience_may_have_limits_of_its_own(load: Load) -> None:
    audiences = """
        [[audiences]]
        name = "A"
        max_removed_fraction = 1
        [[audiences]]
        name = "B"
        max_added_fraction = 2.5
    """
    assert load(MINIMAL + audiences).configured_audiences == [
        models.ConfiguredAudience(path="audiences[0]", name="A", max_removed_fraction=1),
        models.ConfiguredAudience(path="audiences[1]", name="B", max_added_fraction=2.5),
    ]


def test_a_destination_may_be_about_some_audiences_and_people(load: Load) -> None:
    keys = """
        audiences = ["VIP Buyers", "new"]
        contacts = ["qa@example.com"]
        rollout = 1
        retract = false
    """
    assert load(in_destination(keys)).destinations[0].reach == models.Reach(
        audiences=frozenset({"VIP Buyers", "new"}),
        contacts=frozenset({"qa@example.com"}),
        rollout=1,
        retract=False,
    )


@pytest.mark.parametrize(
    ("written", "contact"),
    [
        (r" \t\r\n\u00a0QA@Example.COM\u00a0 ", "qa@example.com"),
        ("MÜLLER@İ.example", "mÜller@İ.example"),
        (r"\u2003a@x\u2003", "\u2003a@x\u2003"),
        ("a'\u200b+b@x", "a'\u200b+b@x"),
        ("x" * 252 + "@x", "x" * 252 + "@x"),
    ],
)
def test_a_listed_contact_is_the_contact_of_that_email(load: Load, written: str, contact: str) -> None:
    """By the very rule of the warehouse's rows, which a contact has to meet."""
    [destination] = load(in_destination(f'contacts = ["{written}"]')).destinations
    assert destination.reach.contacts == frozenset({contact})


def test_nobody_is_a_share_of_nothing(load: Load) -> None:
    assert load(in_destination("rollout = 0")).destinations[0].reach == models.Reach(rollout=0)


def test_a_membership_query_is_a_source(load: Load) -> None:
    [only] = load(MINIMAL.replace("table = ", "query = ")).sources
    assert (only.path, only.table, only.query) == (
        "warehouse.membership.query",
        None,
        "analytics.audience_membership",
    )
    assert (only.audience, only.user_id, only.email, only.member) == ("audience_name", "user_id", "email", None)


def test_audience_queries_alone_are_enough(load: Load) -> None:
    loaded = load("[warehouse]\nurl='duckdb:///x.db'\n[[audiences]]\nname='A'\nquery='SELECT 1'" + DESTINATION)
    assert [source.path for source in loaded.sources] == ["audiences[0].query"]


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg2"),
        ("sqlite:///x.db", "sqlite"),
    ],
)
def test_postgres_means_psycopg_3(load: Load, written: str, driver: str) -> None:
    url = load(f"[warehouse]\nurl='{written}'\nmembership.table='t'" + DESTINATION).warehouse.url
    assert url.get_secret_value().drivername == driver


def test_a_password_beside_the_url_survives_whatever_it_holds(load: Load) -> None:
    password = "a$b${c@d:e/f?g#h%20 i'j\\k\"l"
    text = """
        [warehouse]
        url = "postgresql://reader@db/a"
        password = "${PASSWORD}"
        membership.table = "t"
        [state]
        url = "postgresql+asyncpg://syncer@db:6543/s?sslmode=require"
        password = "${PASSWORD}"
    """
    loaded = load(text + DESTINATION, PASSWORD=password)
    conninfo = loaded.state.conninfo()
    assert loaded.warehouse.url.get_secret_value().password == password
    assert conninfo is not None
    assert psycopg.conninfo.conninfo_to_dict(conninfo.get_secret_value()) == {
        "user": "syncer",
        "password": password,
        "host": "db",
        "port": "6543",
        "dbname": "s",
        "sslmode": "require",
    }


def test_connect_args_are_handed_on_as_they_are(load: Load) -> None:
    text = MINIMAL.replace("[warehouse.membership]", "connect_args = { a = 1, b.c = '${X}' }\n[warehouse.membership]")
    assert load(text, X="x").warehouse.connect_args.get_secret_value() == {"a": 1, "b": {"c": "x"}}


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ('region = "eu"', "https://events.eu1.segmentapis.com"),
        ('region = "us"', "https://api.segment.io"),
        ('endpoint = "https://x.example/"', "https://x.example"),
        ('endpoint = "https://x.example/v1"', "https://x.example"),
        ('endpoint = "https://x.example/v1/batch/"', "https://x.example"),
        ('endpoint = "https://x.example:8443/batch/v1//"', "https://x.example:8443/batch"),
        ('endpoint = "HTTPS://x.example/segment/v1/batch"', "https://x.example/segment"),
        ('endpoint = "http://localhost:8000"', "http://localhost:8000"),
        ('endpoint = "http://127.1.2.3"', "http://127.1.2.3"),
        ('endpoint = "http://[::1]:80/v1"', "http://[::1]:80"),
        ('endpoint = "http://x.example"\nallow_http = true', "http://x.example"),
    ],
)
def test_the_endpoint_is_the_base_of_the_address(load: Load, written: str, endpoint: str) -> None:
    [destination] = load(MINIMAL + written).destinations
    assert isinstance(destination, config.Segment)
    assert destination.endpoint == endpoint


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("https://api.mailmodo.com/api/v1/", "https://api.mailmodo.com/api/v1"),
        ("https://api.mailmodo.com/api/v1/addToList", "https://api.mailmodo.com/api/v1"),
        ("https://x.example/mailmodo/addToList/batch/", "https://x.example/mailmodo"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://x.example/api/v1'\nallow_http = true #", "http://x.example/api/v1"),
    ],
)
def test_the_endpoint_of_mailmodo(load: Load, written: str, endpoint: str) -> None:
    assert mailmodo_in(load(in_mailmodo(f"endpoint = '{written}'"))).endpoint == endpoint


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("2h30m", 9000),
        ("400d", 34_560_000),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("1.5h", 5400),
        ("1d1h1m1s1ms", 90061.001),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert config.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "30 s", "30m2h", "1h1h", "-1s", "1e3s", "٣s", "30S", 30, True, None])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match='such as "30s", "2h30m", "400d" or "500ms"'):
        config.duration(text)


def test_an_endless_duration_is_none() -> None:
    with pytest.raises(ValueError, match="longer"):
        config.duration("9" * 400 + "d")


def test_the_level_is_taken_in_any_case(load: Load) -> None:
    assert load(MINIMAL + "[log]\nlevel = 'debug'").log.level == "DEBUG"


# --- the environment and files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("${A}", "a"),
        ("x${A}y${A}${B}", "xaya${A}"),
        ("$A $$ $${A} {A} $", "$A $$ $a {A} $"),
        ("${file:secret}", "s3cret"),
        ("${file:folder/two lines}!", "one\ntwo!"),
        ("${EMPTY}", ""),
    ],
)
def test_expansion(tmp_path: Path, written: str, expanded: str) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "two lines").write_bytes(b"one\ntwo\r\n")
    environ = {"A": "a", "B": "${A}", "EMPTY": ""}
    assert source.expand({"k": [written]}, environ, tmp_path) == ({"k": [expanded]}, [])


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_references_is_left_alone(text: str) -> None:
    assert source.expand_text(text, {}, Path()) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_expanded_text_is_not_looked_at_again(value: str) -> None:
    assert source.expand_text("<${A}>", {"A": value}, Path()) == f"<{value}>"


def test_only_values_are_expanded_and_only_text(tmp_path: Path) -> None:
    tree = {"${A}": 1, "b": [True, 2.5, {"c": "${A}"}]}
    assert source.expand(tree, {"A": "a"}, tmp_path)[0] == {"${A}": 1, "b": [True, 2.5, {"c": "a"}]}


@pytest.mark.parametrize("written", ["${", "${}", "${A", "${1A}", "${A-B}", "${A:-x}", "${ A }", "${file:}", "${${A}}"])
def test_a_reference_of_another_form_is_a_problem(load: Load, written: str) -> None:
    problems = refused(load, MINIMAL.replace("k3y", written), A="a")
    assert problems == {
        "destinations[0].write_key": "`${` must begin `${NAME}` or `${file:PATH}`, and nothing else may stand inside"
    }


def test_every_reference_that_fails_is_named_once(load: Load, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    text = """
        [warehouse]
        url = "${URL}"
        password = "${file:missing}"
        membership.table = "${BYTES}"
        [state]
        data_dir = "${file:latin}"
        [[destinations]]
        name = "${NAME}"
        write_key = "x${KEY} y"
        timeout = "${TIMEOUT}"
        integrations = { A = ["${DEEP}"] }
        [[destinations]]
        name = "${NAME}"
        type = "${TYPE}"
        write_key = "k"
        endpoint = "${ENDPOINT}"
    """
    problems = refused(load, text, BYTES="\udcff")
    unset = "the environment variable {} is not set; set it, or write the value here"
    assert problems == {
        "warehouse.url": unset.format("URL"),
        "warehouse.password": f"the file {tmp_path / 'missing'} cannot be read: No such file or directory",
        "warehouse.membership.table": "${BYTES} is not UTF-8 text",
        "state.data_dir": f"the file {tmp_path / 'latin'} is not UTF-8 text",
        "destinations[0].name": unset.format("NAME"),
        "destinations[0].write_key": unset.format("KEY"),
        "destinations[0].timeout": unset.format("TIMEOUT"),
        "destinations[0].integrations.A[0]": unset.format("DEEP"),
        "destinations[1].name": unset.format("NAME"),
        "destinations[1].type": unset.format("TYPE"),
        "destinations[1].endpoint": unset.format("ENDPOINT"),
    }


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file; `syncer init` writes one, `--config` names another"),
        (b"a = 1\nb = x", "is not TOML: invalid value (at line 2, column 5); `syncer init` writes an example"),
        (b"a = 1\na = 2", "is not TOML: cannot overwrite a value"),
        (b"a = '\xe9'", "is not UTF-8 text (byte 5); save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "is not TOML: "),
        (b"a = " + b"9" * 10_000, "is not TOML: "),
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
    with pytest.raises(errors.ConfigError, match="cannot be read: Is a directory"):
        config.load(tmp_path, {})


def test_an_empty_file_lacks_everything(load: Load) -> None:
    assert refused(load, "") == {
        "warehouse": 'is missing; add [warehouse] with url = "postgresql://reader@db.internal/analytics"',
        "destinations": "is missing; add [[destinations]] with `name` and `write_key`",
    }


def test_every_required_key_has_a_way_out() -> None:
    required = {
        key for table in rules.TABLES.values() for key, field in table.model_fields.items() if field.is_required()
    }
    assert required == set(rules.WAYS_OUT)


def in_warehouse(line: str) -> str:
    return MINIMAL.replace("[warehouse.membership]", f"{line}\n[warehouse.membership]")


def in_membership(line: str) -> str:
    return WAREHOUSE + line + DESTINATION


def with_url(url: str) -> str:
    return MINIMAL.replace("postgresql://reader@db.internal/analytics", url)


def in_state(line: str) -> str:
    return f"{MINIMAL}[state]\n{line}"


def in_destination(line: str) -> str:
    return MINIMAL + line


def in_mailmodo(line: str) -> str:
    return WAREHOUSE + MAILMODO + line


def in_audience(line: str) -> str:
    return f"{MINIMAL}[[audiences]]\nname = 'A'\n{line}"


def in_guard(line: str) -> str:
    return f"{MINIMAL}[guard]\n{line}"


def in_history(line: str) -> str:
    return f"{MINIMAL}[history]\n{line}"


def in_log(line: str) -> str:
    return f"{MINIMAL}[log]\n{line}"


TABLE_AND_QUERY = "`table` and `query` both name the members; keep one of them"
BAD_URL = (
    'is not a database URL; write it like "postgresql://reader@db.internal:5432/analytics"'
    " and put a password with special characters into `password` beside it"
)
NOT_JSON = "must hold JSON values only: text, numbers, true, false, lists and tables"
NOT_HTTP = 'is not a web address; write it like "https://api.segment.io"'
BARE_ADDRESS = "must not hold a user, a password, `?` or `#`; only the base of the address"
IN_CLEAR = "would send the write key in clear; use https://, or set `allow_http = true`"
ONE_WORD = "must not hold blanks, line ends or control characters; copy the key again"
NO_ADDRESS = 'is not an email address; write it like "qa@example.com"'
NOT_A_LIST = 'must be a list in brackets, such as ["…", "…"]'
NUMBER = "must be a number, without quotes"
WHOLE_NUMBER = "must be a whole number, without quotes"
KEEP = 'must be more than nothing and at most "36500d"'
DURATION = 'must be a duration in quotes such as "30s", "2h30m", "400d" or "500ms"'

REFUSED = [
    # unknown keys
    (
        "color = 1\n" + MINIMAL,
        "color",
        "unknown key; known here are alerts, audiences, computed_traits, daemon, destinations, guard, health, history,"
        " log, schedule, state, warehouse",
    ),
    (in_guard("max_removed = 1"), "guard.max_removed", "unknown key; did you mean `min_removed`?"),
    (in_history("zzz = 1"), "history.zzz", "unknown key; known here are keep"),
    (in_membership("tabel = 'x'"), "warehouse.membership.tabel", "unknown key; did you mean `table`?"),
    (in_state("Schema = 'x'"), "state.Schema", "unknown key; did you mean `schema`?"),
    (in_state("schema_name = 'x'"), "state.schema_name", "unknown key; did you mean `schema`?"),
    (in_destination("write_keys = 'x'"), "destinations[0].write_keys", "unknown key; did you mean `write_key`?"),
    (in_log("zzz = 1"), "log.zzz", "unknown key; known here are format, level"),
    # the warehouse
    (with_url(""), "warehouse.url", BAD_URL),
    (with_url("db.internal"), "warehouse.url", BAD_URL),
    (with_url("postgresql://a:hunter2@h:port/d"), "warehouse.url", BAD_URL),
    (in_warehouse("password = 5"), "warehouse.password", "must be text in quotes"),
    (in_warehouse("password = ''"), "warehouse.password", "must not be empty"),
    (in_warehouse("connect_args = 5"), "warehouse.connect_args", "must be a table, such as { key = value }"),
    (
        with_url("foo+bar://a:hunter2@h"),
        "warehouse.url",
        "no SQLAlchemy dialect `foo+bar` is installed; install the package that brings it beside syncer,"
        " or correct what stands before `://`",
    ),
    (
        with_url("postgresql://a:hunter2@h/d").replace('/d"', '/d"\npassword = "b"'),
        "warehouse.url",
        "holds a password and `password` stands beside it; keep one of them",
    ),
    (
        "warehouse = 5" + DESTINATION,
        "warehouse",
        "must be a table, under a header of its own (got 5)",
    ),
    (in_membership("query = 'SELECT 1'"), "warehouse.membership.query", TABLE_AND_QUERY),
    (
        MINIMAL.replace("table =", "email ="),
        "warehouse.membership.table",
        'is missing; add table = "…" or query = "SELECT …"',
    ),
    (
        "[warehouse]\nurl='duckdb://'\n[[audiences]]\nname='A'" + DESTINATION,
        "warehouse.membership",
        'no members to read; add [warehouse.membership] with table = "…", or [[audiences]] with a `query`',
    ),
    (in_membership("email = ' '"), "warehouse.membership.email", 'must not be empty (got " ")'),
    (
        in_membership(r'member = "a\u0000"'),
        "warehouse.membership.member",
        r'must not hold a NUL character (got "a\u0000")',
    ),
    # the audiences
    (MINIMAL + "[[audiences]]\nproperty='a'", "audiences[0].name", 'is missing; add name = "…"'),
    (MINIMAL + "[[audiences]]\nname=''", "audiences[0].name", 'must not be empty (got "")'),
    (
        MINIMAL + "[[audiences]]\nname='A'\n[[audiences]]\nname='B'\n[[audiences]]\nname='A'",
        "audiences[2].name",
        "is the same as that of audiences[0]; choose another",
    ),
    (
        MINIMAL + "[audiences]\nname='A'",
        "audiences",
        "must be a list of tables, each under its own header [[audiences]]",
    ),
    ("audiences = ['A']" + MINIMAL, "audiences[0]", 'must be a table, under a header of its own (got "A")'),
    (
        in_audience("max_removed_fraction = 1.1"),
        "audiences[0].max_removed_fraction",
        "must be at most 1 (got 1.1)",
    ),
    (in_audience("max_removed_fraction = '1'"), "audiences[0].max_removed_fraction", f'{NUMBER} (got "1")'),
    (in_audience("max_added_fraction = -1"), "audiences[0].max_added_fraction", "must be at least 0 (got -1)"),
    # the state
    (
        in_state("url = 'postgresql://h/d?sslmod=require'"),
        "state.url",
        ("holds options that PostgreSQL's client library does not know; correct what stands after `?`"),
    ),
    (
        in_state("url = 'sqlite:///hunter2.db'"),
        "state.url",
        'must be PostgreSQL, such as "postgresql://syncer@db.internal/syncer"; leave it out for the embedded one',
    ),
    (in_state("data_dir = ''"), "state.data_dir", 'must not be empty (got "")'),
    (in_state("data_dir = 1"), "state.data_dir", "must be text in quotes (got 1)"),
    (in_state("schema = ''"), "state.schema", 'must not be empty (got "")'),
    (
        in_state("schema = 'pg_x'"),
        "state.schema",
        'must not start with pg_, which PostgreSQL keeps for itself (got "pg_x")',
    ),
    (
        in_state(f"schema = '{'é' * 32}'"),
        "state.schema",
        f'must not be longer than 63 bytes, PostgreSQL\'s limit (got "{"é" * 32}")',
    ),
    # the destinations
    (
        "destinations = []" + WAREHOUSE,
        "destinations",
        "is empty; add [[destinations]] with `name` and `write_key`",
    ),
    (
        MINIMAL + DESTINATION,
        "destinations[1].name",
        "is the same as that of destinations[0]; choose another",
    ),
    (
        MINIMAL.replace("[[destinations]]", "[[destinations]]\ntype = 'segmnt'"),
        "destinations[0].type",
        'must be "segment" or "mailmodo" or "webhook" (got "segmnt")',
    ),
    (
        MINIMAL.replace("[[destinations]]", "[[destinations]]\ntype = ['segment']"),
        "destinations[0].type",
        'must be "segment" or "mailmodo" or "webhook"',
    ),
    ("destinations = [5]" + WAREHOUSE, "destinations[0]", "must be a table, under a header of its own (got 5)"),
    (
        MINIMAL.replace("write_key", "gzip = true #"),
        "destinations[0].write_key",
        'is missing; add write_key = "${SEGMENT_WRITE_KEY}"',
    ),
    (MINIMAL.replace("k3y", " "), "destinations[0].write_key", "must not be empty"),
    (MINIMAL.replace("k3y", "a b"), "destinations[0].write_key", ONE_WORD),
    (MINIMAL.replace("k3y", r"a\n"), "destinations[0].write_key", ONE_WORD),
    (MINIMAL.replace("k3y", r"a\u00a0"), "destinations[0].write_key", ONE_WORD),
    (in_destination("region = 'asia'"), "destinations[0].region", 'must be "eu" or "us" (got "asia")'),
    (
        in_destination("region = 'eu'\nendpoint = 'https://x.example'"),
        "destinations[0].region",
        "`endpoint` and `region` both name the address; keep one of them",
    ),
    (in_destination("endpoint = ''"), "destinations[0].endpoint", f'{NOT_HTTP} (got "")'),
    (in_destination("endpoint = 'x.example'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "x.example")'),
    (in_destination("endpoint = 'ftp://x'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "ftp://x")'),
    (in_destination("endpoint = 'https://x:y'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "https://x:y")'),
    (in_destination("endpoint = 'https://x y'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "https://x y")'),
    (in_destination("endpoint = 'https://a:hunter2@x'"), "destinations[0].endpoint", BARE_ADDRESS),
    (in_destination("endpoint = 'https://x?k=v'"), "destinations[0].endpoint", f'{BARE_ADDRESS} (got "https://x?k=v")'),
    (in_destination("endpoint = 'http://x'"), "destinations[0].endpoint", f'{IN_CLEAR} (got "http://x")'),
    (
        in_destination("endpoint = 'http://127.0.0.1.x.example'"),
        "destinations[0].endpoint",
        f'{IN_CLEAR} (got "http://127.0.0.1.x.example")',
    ),
    (
        in_destination("max_events_per_second = -1"),
        "destinations[0].max_events_per_second",
        "must be at least 0 (got -1)",
    ),
    (
        in_destination("max_events_per_second = inf"),
        "destinations[0].max_events_per_second",
        "must be a finite number (got inf)",
    ),
    (
        in_destination("max_events_per_second = '9'"),
        "destinations[0].max_events_per_second",
        'must be a number, without quotes (got "9")',
    ),
    (
        in_destination("integrations = 'All'"),
        "destinations[0].integrations",
        'must be a table, such as { key = value } (got "All")',
    ),
    (in_destination("integrations = { a = 2026-01-01 }"), "destinations[0].integrations", NOT_JSON),
    (in_destination("integrations = { a = nan }"), "destinations[0].integrations", NOT_JSON),
    (
        in_destination(f"integrations = {{ a = '{'é' * 2045}' }}"),
        "destinations[0].integrations",
        "must not take more than 4096 bytes as JSON",
    ),
    (in_destination("gzip = 1"), "destinations[0].gzip", "must be true or false, without quotes (got 1)"),
    (in_destination("gzip = 'yes'"), "destinations[0].gzip", 'must be true or false, without quotes (got "yes")'),
    (in_destination("identity = 'phone'"), "destinations[0].identity", 'must be "email" or "user_id" (got "phone")'),
    (in_destination("timeout = 30"), "destinations[0].timeout", f"{DURATION} (got 30)"),
    (
        in_destination("timeout = '0s'"),
        "destinations[0].timeout",
        'must be more than nothing and at most "1h" (got "0s")',
    ),
    (
        in_destination("timeout = '61m'"),
        "destinations[0].timeout",
        'must be more than nothing and at most "1h" (got "61m")',
    ),
    (in_destination("concurrency = 0"), "destinations[0].concurrency", "must be at least 1 (got 0)"),
    (in_destination("concurrency = 65"), "destinations[0].concurrency", "must be at most 64 (got 65)"),
    (
        in_destination("concurrency = 1.0"),
        "destinations[0].concurrency",
        "must be a whole number, without quotes (got 1.0)",
    ),
    (
        in_destination("concurrency = true"),
        "destinations[0].concurrency",
        "must be a whole number, without quotes (got true)",
    ),
    (in_destination("audiences = 'A'"), "destinations[0].audiences", f'{NOT_A_LIST} (got "A")'),
    (
        in_destination("audiences = []"),
        "destinations[0].audiences",
        "is empty; name an audience, or leave `audiences` out to send all of them",
    ),
    (in_destination("audiences = ['A', 1]"), "destinations[0].audiences[1]", "must be text in quotes (got 1)"),
    (in_destination("audiences = [' ']"), "destinations[0].audiences[0]", 'must not be empty (got " ")'),
    (
        in_destination("audiences = ['A', 'B', 'A']"),
        "destinations[0].audiences[2]",
        "is the same as destinations[0].audiences[0]; keep one of them",
    ),
    (in_destination("contacts = 'a@x'"), "destinations[0].contacts", NOT_A_LIST),
    (
        in_destination("contacts = []"),
        "destinations[0].contacts",
        "is empty; leave `contacts` out to send to everybody, or set `rollout = 0` for nobody",
    ),
    (in_destination("contacts = ['a@x', 5]"), "destinations[0].contacts[1]", "must be text in quotes (got 5)"),
    (in_destination("contacts = ['a@x', 'qa']"), "destinations[0].contacts[1]", f'{NO_ADDRESS} (got "qa")'),
    (in_destination("contacts = ['a b@x']"), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination(r'contacts = ["a\u0085@x"]'), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination("contacts = ['a@b@x']"), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination(f"contacts = ['{'x' * 253}@x']"), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination("rollout = 1.5"), "destinations[0].rollout", "must be at most 1 (got 1.5)"),
    (in_destination("rollout = -0.5"), "destinations[0].rollout", "must be at least 0 (got -0.5)"),
    (in_destination("rollout = nan"), "destinations[0].rollout", "must be a finite number (got nan)"),
    (in_destination("rollout = true"), "destinations[0].rollout", f"{NUMBER} (got true)"),
    (in_destination("rollout = '1%'"), "destinations[0].rollout", f'{NUMBER} (got "1%")'),
    (in_destination("retract = 0"), "destinations[0].retract", "must be true or false, without quotes (got 0)"),
    # those of Mailmodo
    (
        in_mailmodo("").replace("api_key", "create_list = true #"),
        "destinations[0].api_key",
        'is missing; add api_key = "${MAILMODO_API_KEY}"',
    ),
    (
        in_mailmodo("").replace("list_name", "create_list = true #"),
        "destinations[0].list_name",
        'is missing; add list_name = "…", the list that the contacts are put on',
    ),
    (in_mailmodo("").replace('"Audiences"', '" "'), "destinations[0].list_name", 'must not be empty (got " ")'),
    (in_mailmodo("").replace("AAAAAAA-", "hunter2 "), "destinations[0].api_key", ONE_WORD),
    (
        in_mailmodo("").replace("AAAAAAA-", "hunter2é"),
        "destinations[0].api_key",
        "must hold plain letters, digits and signs only; copy the key again",
    ),
    (
        in_mailmodo("endpoint = 'api.mailmodo.com'"),
        "destinations[0].endpoint",
        'is not a web address; write it like "https://api.mailmodo.com/api/v1" (got "api.mailmodo.com")',
    ),
    (
        in_mailmodo("endpoint = 'http://x'"),
        "destinations[0].endpoint",
        'would send the api key in clear; use https://, or set `allow_http = true` (got "http://x")',
    ),
    (
        in_mailmodo("max_requests_per_second = -1"),
        "destinations[0].max_requests_per_second",
        "must be at least 0 (got -1)",
    ),
    (in_mailmodo("mode = 'bulk'"), "destinations[0].mode", 'must be "batch" or "single" (got "bulk")'),
    (in_mailmodo("create_list = 1"), "destinations[0].create_list", "must be true or false, without quotes (got 1)"),
    (
        in_mailmodo("identity = 'user_id'"),
        "destinations[0].identity",
        'must be "email": Mailmodo knows its contacts by nothing else (got "user_id")',
    ),
    (in_mailmodo("identity = 'phone'"), "destinations[0].identity", 'must be "email" (got "phone")'),
    (in_mailmodo("timeout = 30"), "destinations[0].timeout", f"{DURATION} (got 30)"),
    (in_mailmodo("list_nam = 'x'"), "destinations[0].list_nam", "unknown key; did you mean `list_name`?"),
    (
        in_mailmodo("write_key = 'hunter2'"),
        "destinations[0].write_key",
        'is a key of type = "segment", and this destination is of type "mailmodo"; change `type`, or use `api_key`',
    ),
    (
        in_mailmodo("concurrency = 4"),
        "destinations[0].concurrency",
        'is a key of type = "segment", and this destination is of type "mailmodo"; change `type`, or take it out',
    ),
    (
        in_destination("list_name = 'x'"),
        "destinations[0].list_name",
        'is a key of type = "mailmodo", and this destination is of type "segment"; change `type`, or take it out',
    ),
    (
        in_destination("max_requests_per_second = 5"),
        "destinations[0].max_requests_per_second",
        'is a key of type = "mailmodo", and this destination is of type "segment"; change `type`, or use'
        " `max_events_per_second`",
    ),
    # the guard
    ("guard = 5" + MINIMAL, "guard", "must be a table, under a header of its own (got 5)"),
    (in_guard("max_removed_fraction = 25"), "guard.max_removed_fraction", "must be at most 1 (got 25)"),
    (in_guard("max_removed_fraction = -0.1"), "guard.max_removed_fraction", "must be at least 0 (got -0.1)"),
    (in_guard("min_removed = -1"), "guard.min_removed", "must be at least 0 (got -1)"),
    (in_guard("min_removed = 0.5"), "guard.min_removed", f"{WHOLE_NUMBER} (got 0.5)"),
    (in_guard("max_added_fraction = -1"), "guard.max_added_fraction", "must be at least 0 (got -1)"),
    (in_guard("max_added_fraction = inf"), "guard.max_added_fraction", "must be a finite number (got inf)"),
    (in_guard("min_added = true"), "guard.min_added", f"{WHOLE_NUMBER} (got true)"),
    (in_guard("hold_initial = 1"), "guard.hold_initial", "must be true or false, without quotes (got 1)"),
    (in_guard("ready = true"), "guard.ready", "must be text in quotes (got true)"),
    (in_guard("ready = ' '"), "guard.ready", 'must not be empty (got " ")'),
    # the history
    (in_history("keep = 400"), "history.keep", f"{DURATION} (got 400)"),
    (in_history("keep = '0d'"), "history.keep", f'{KEEP} (got "0d")'),
    (in_history("keep = '36501d'"), "history.keep", f'{KEEP} (got "36501d")'),
    # the log
    (in_log("format = 'xml'"), "log.format", 'must be "auto", "human" or "json" (got "xml")'),
    (in_log("level = 5"), "log.level", 'must be "DEBUG", "INFO", "WARNING" or "ERROR" (got 5)'),
    (
        in_log(f"level = '{'x' * 100}'"),
        "log.level",
        f'must be "DEBUG", "INFO", "WARNING" or "ERROR" (got "{"x" * 59}…)',
    ),
]


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


# --- alerts ------------------------------------------------------------------------------------------------


def test_alerts_go_to_the_urls_that_apprise_understands(load: Load) -> None:
    alerts = load(MINIMAL + "[alerts]\nurls = ['${SLACK}', 'json://hook.example/x']", SLACK="json://t0ken@h/").alerts
    assert [url.get_secret_value() for url in alerts.urls] == ["json://t0ken@h/", "json://hook.example/x"]
    assert alerts.heartbeat_url is None
    assert "t0ken" not in repr(alerts)


@pytest.mark.parametrize(
    ("line", "path", "words"),
    [
        ("urls = ['json://h', 'slakc://s3cret/x']", "alerts.urls[1]", "is no URL that Apprise understands"),
        ("urls = ['']", "alerts.urls[0]", "must not be empty"),
        ("urls = 'json://s3cret'", "alerts.urls", "must be a list"),
        ("heartbeat_url = 's3cret'", "alerts.heartbeat_url", "is not a web address"),
        ("url = 's3cret'", "alerts.url", "urls"),
    ],
)
def test_what_is_refused_about_alerts_shows_no_secret(load: Load, line: str, path: str, words: str) -> None:
    [(found, message)] = refused(load, MINIMAL + f"[alerts]\n{line}").items()
    assert found == path
    assert words in message
    assert "s3cret" not in message


# --- values and events -------------------------------------------------------------------------------------


def test_contacts_that_are_user_ids_stay_as_they_are(load: Load) -> None:
    settings = load(in_destination("identity = 'user_id'\ncontacts = ['U1']"))
    assert settings.destinations[0].contacts == ["U1"]
    assert settings.destinations[0].sync_mode.identity == "user_id"


@pytest.mark.parametrize(
    ("written", "events"),
    [
        ("false", None),
        ("true", models.Events()),
        ('{ entered = "In", initial = true }', models.Events("In", "Audience Exited", initial=True)),
    ],
)
def test_events_by_their_usual_names_or_others(load: Load, written: str, events: models.Events | None) -> None:
    assert load(in_destination(f"track = {written}")).destinations[0].sync_mode.events == events


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
        ("url = 'https://u:p@x.example'", "url", "put credentials of a webhook into `headers`"),
        ("url = 'http://x.example/h'", "url", "would send the contacts in clear"),
        ("", "url", 'add url = "https://example.com/hooks/syncer"'),
        ("url = 'https://x'\nendpoint = 'https://x'", "endpoint", "or use `url`"),
        ("url = 'https://x'\nheaders = { 'a b' = 'x' }", "headers", "no name of an HTTP header"),
        ("url = 'https://x'\nheaders = { Host = 'x' }", "headers", "which syncer sets itself"),
        ("url = 'https://x'\nheaders = { Token = ' sw0rdfish' }", "headers.Token", "without blanks around them"),
        ("url = 'https://x'\nbatch = 1001", "batch", "at most 1000"),
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


# --- secrets -----------------------------------------------------------------------------------------------

SPACED_SECRET = "hunter2 hunter2"
SECRETS = f"""
[warehouse]
url = "postgresql://reader:hunter2@db/a?sslpassword=hunter2"
connect_args = {{ token = "hunter2" }}
membership.table = "t"
[state]
url = "postgresql://syncer@db/s"
password = "hunter2"
{DESTINATION.replace("k3y", "hunter2")}
{MAILMODO.replace("AAAAAAA-BBBBBBB", "hunter2")}
"""


@pytest.mark.parametrize(
    "told",
    [
        str,
        repr,
        lambda loaded: loaded.model_dump_json(),
        lambda loaded: str(loaded.model_dump()),
        lambda loaded: json.dumps(loaded.model_dump(mode="json")),
        lambda loaded: f"{loaded.warehouse.url} {loaded.state.url!r} {loaded.state.conninfo()!r}",
    ],
)
def test_secrets_are_not_printed(load: Load, told: Callable[[config.Settings], str]) -> None:
    loaded = load(SECRETS)
    segment, mailmodo = loaded.destinations
    assert isinstance(segment, config.Segment)
    assert isinstance(mailmodo, config.Mailmodo)
    assert segment.write_key.get_secret_value() == mailmodo.api_key.get_secret_value() == "hunter2"
    assert "hunter2" not in told(loaded)
    assert "db" in told(loaded)


@pytest.mark.parametrize(
    ("find", "replace"),
    [
        ("postgresql://reader", "postgresql//reader"),
        ("postgresql://reader", "nonsense://reader"),
        ("postgresql://reader:hunter2@db/a", "postgresql://reader:hunter2@db:x/a"),
        ("postgresql://syncer@db/s", "sqlite:///hunter2"),
        ("postgresql://syncer@db/s", "postgresql://syncer:hunter2@db/s"),
        ("postgresql://syncer@db/s", "postgresql://syncer@db/s?nonsense=hunter2"),
        ('write_key = "hunter2"', 'write_key = "hunter2 "'),
        ('write_key = "hunter2"', 'write_key = ["hunter2"]'),
        ('write_key = "hunter2"', 'write_key = "hunter2${"'),
        ('write_key = "hunter2"', 'write_key = "${SECRET}"'),
        ('api_key = "hunter2"', 'api_key = "hunter2 "'),
        ('api_key = "hunter2"', 'api_key = { key = "hunter2" }'),
        ('api_key = "hunter2"', 'write_key = "hunter2"'),
        ('api_key = "hunter2"', 'api_kee = "hunter2"'),
        ('password = "hunter2"', 'password = "hunter2\\u0000"'),
        ('password = "hunter2"', 'password = { hunter2 = "hunter2" }'),
        ("{ token", '["hunter2"] # '),
        ("membership.table", 'membership.tabel = "hunter2" #'),
        ('password = "hunter2"', 'passwort = "hunter2"'),
        ('password = "hunter2"', 'password = "hunter2'),
        ("[state]", "[state]\nstate = 1\nstate = 2"),
    ],
)
def test_secrets_are_in_no_problem_and_no_traceback(load: Load, find: str, replace: str) -> None:
    assert find in SECRETS
    with pytest.raises(errors.ConfigError) as caught:
        load(SECRETS.replace(find, replace), SECRET=SPACED_SECRET)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_settings_do_not_change(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(MINIMAL).log.level = "DEBUG"


# --- the example is the documentation ----------------------------------------------------------------------

ENVIRON = {
    "WAREHOUSE_URL": "postgresql://reader@db/a",
    "SEGMENT_WRITE_KEY": "k3y",
    "HEARTBEAT_URL": "https://hc-ping.com/0",
    "SLACK_URL": "slack://TokenA/TokenB/TokenC",
    "MAILMODO_API_KEY": "AAAAAAA-BBBBBBB",
    "STATE_PASSWORD": "p",
    "WEBHOOK_TOKEN": "t0ken",
    "WEBHOOK_SECRET": "s3cret",
}
KEY_OR_HEADER = re.compile(r"^# ((?P<key>[a-z_]+) = .+|\[\[?[a-z_.]+\]\]?)$", re.MULTILINE)


def uncommented(*, apart_from: set[str]) -> str:
    """The example with every commented key in force."""
    text = EXAMPLE.read_text("utf-8")
    return KEY_OR_HEADER.sub(lambda match: match[0] if match["key"] in apart_from else match[1], text)


def test_the_example_loads_as_it_stands(load: Load) -> None:
    assert load(EXAMPLE.read_text("utf-8"), **ENVIRON).destinations[0].name == "segment"


def test_the_example_tells_exactly_the_keys_that_there_are() -> None:
    tree = tomllib.loads(uncommented(apart_from=set()))
    destinations = {written["type"]: written for written in tree["destinations"]}
    for pattern, table in rules.TABLES.items():
        if pattern[:1] == ("destinations",):
            continue  # told by the lines below
        [(_, written)] = source.tables(tree, pattern)
        assert set(written) == set(rules.keys_of(table)), pattern
    segment, mailmodo = set(rules.keys_of(config.Segment)), set(rules.keys_of(config.Mailmodo))
    assert set(destinations["segment"]) == segment
    assert mailmodo - segment <= set(destinations["mailmodo"]) <= mailmodo  # the rest is told only once
    webhook = set(rules.keys_of(config.Webhook))
    assert webhook - segment <= set(destinations["webhook"]) <= webhook


def test_the_example_shows_the_defaults(load: Load) -> None:
    """Commented keys that have a default show it, so uncommenting them changes nothing."""
    examples = {
        key
        for table in rules.TABLES.values()
        for key, field in table.model_fields.items()
        if not field.is_required() and field.get_default() in (None, {}, (), Secret({})) and key != "endpoint"
    }
    as_it_stands = load(EXAMPLE.read_text("utf-8"), **ENVIRON)
    text = uncommented(apart_from={*examples, "name", "query", "on_missing"})
    text = text.replace("[[audiences]]", "").replace("[[computed_traits]]", "")
    for name in ("mailmodo", "webhook"):
        text = text.replace(f'# name = "{name}"', f'name = "{name}"')
    with_defaults = load(text.replace('# url = "https:', 'url = "https:'), **ENVIRON)
    segment, mailmodo, webhook = with_defaults.destinations
    assert with_defaults.model_copy(update={"destinations": (segment,)}) == as_it_stands
    assert mailmodo == mailmodo_in(load(WAREHOUSE + MAILMODO))
    assert webhook == load(WAREHOUSE + WEBHOOK).destinations[0]


def test_the_example_loads_with_everything_in_force(load: Load, tmp_path: Path) -> None:
    (tmp_path / "warehouse-password").write_text("p\n")
    loaded = load(uncommented(apart_from={"endpoint", "every"}).replace('query = "SELECT audience', '# "'), **ENVIRON)
    assert len(loaded.sources) == 3
    segment, mailmodo, webhook = loaded.destinations
    assert isinstance(segment, config.Segment)
    assert isinstance(webhook, config.Webhook)
    assert webhook.headers["Authorization"].get_secret_value() == "Bearer t0ken"
    assert segment.endpoint == "https://events.eu1.segmentapis.com"
    assert segment.integrations == {"All": False, "Mailmodo": True}
    assert segment.reach.contacts == frozenset({"qa@example.com"})
    assert mailmodo.name == "mailmodo"
    assert loaded.guard.limits.ready is not None
    assert loaded.state.conninfo() is not None


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
