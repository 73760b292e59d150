"""What loads, and what it becomes."""

import sys
from pathlib import Path

import psycopg.conninfo
import pytest

from syncer import config, errors, models
from syncer.destinations.mailmodo import MailmodoSettings
from syncer.destinations.segment import SegmentSettings
from syncer.fields import duration
from tests.unit.config.texts import (
    DESTINATION,
    MAILMODO,
    MINIMAL,
    WAREHOUSE,
    Load,
    in_destination,
    in_mailmodo,
    mailmodo_in,
    segment_in,
)


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
    assert isinstance(mailmodo, MailmodoSettings)
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
        models.ConfiguredAudience(path="audiences[1]", name="New"),
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
    assert isinstance(destination, SegmentSettings)
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
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "30 s", "30m2h", "1h1h", "-1s", "1e3s", "٣s", "30S", 30, True, None])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match='such as "30s", "2h30m", "400d" or "500ms"'):
        duration(text)


def test_an_endless_duration_is_none() -> None:
    with pytest.raises(ValueError, match="longer"):
        duration("9" * 400 + "d")


def test_the_level_is_taken_in_any_case(load: Load) -> None:
    assert load(MINIMAL + "[log]\nlevel = 'debug'").log.level == "DEBUG"


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


def test_alerts_without_apprise_say_what_to_install(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(errors.ConfigError, match=r"alerts\.urls\[0\]: .*pip install 'engage-syncer\[alerts\]'"):
        load(MINIMAL + "[alerts]\nurls = ['json://hook.example/x']")


def test_alerts_go_to_the_urls_that_apprise_understands(load: Load) -> None:
    alerts = load(MINIMAL + "[alerts]\nurls = ['${SLACK}', 'json://hook.example/x']", SLACK="json://t0ken@h/").alerts
    assert [url.get_secret_value() for url in alerts.urls] == ["json://t0ken@h/", "json://hook.example/x"]
    assert alerts.heartbeat_url is None
    assert "t0ken" not in repr(alerts)
