"""No secret is ever printed."""

import json
import traceback
from collections.abc import Callable

import pytest

from syncer import config, errors
from syncer.config import known
from syncer.destinations.mailmodo import MailmodoSettings
from syncer.destinations.registry import DESTINATIONS
from syncer.destinations.segment import SegmentSettings
from tests.unit.config.texts import (
    DESTINATION,
    MAILMODO,
    MINIMAL,
    Load,
)

HOOK = '[[destinations]]\nname = "hook"\ntype = "webhook"\nurl = "https://x.example/h"\n'
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
    assert isinstance(segment, SegmentSettings)
    assert isinstance(mailmodo, MailmodoSettings)
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
        ("postgresql://reader:hunter2@", "postgresql://reader:x@hunter2@"),
        ('write_key = "hunter2"', 'write_key = "k"\nendpoint = "https://api.example/v1?key=hunter2"'),
        ('write_key = "hunter2"', 'write_key = "k"\nendpoint = "htps://api.example/hunter2"'),
        ('write_key = "hunter2"', 'write_key = "k"\nendpoint = "api.example?key=hunter2"'),
        ('write_key = "hunter2"', 'write_key = "k"\nendpoint = "https://hunter2@api.example"'),
        ('write_key = "hunter2"', f'write_key = "k"\n{HOOK}headers = {{ "Bearer hunter2" = "Authorization" }}'),
        ('write_key = "hunter2"', f'write_key = "k"\n{HOOK}headers = {{ "hunter2" = 5 }}'),
        ('write_key = "hunter2"', f'write_key = "k"\n{HOOK}headers = {{ "hunter2" = "${{NOT_SET}}" }}'),
        (
            'write_key = "hunter2"',
            f'write_key = "k"\n{HOOK}headers = {{ "Token hunter2" = "a", "Token hunter2" = "b" }}',
        ),
        ('write_key = "hunter2"', f'write_key = "k"\n{HOOK}headers = {{ "hunter2" = {{ hunter2 = 1 }} }}'),
    ],
)
def test_secrets_are_in_no_problem_and_no_traceback(load: Load, find: str, replace: str) -> None:
    assert find in SECRETS
    with pytest.raises(errors.ConfigError) as caught:
        load(SECRETS.replace(find, replace), SECRET=SPACED_SECRET)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


def test_the_keys_that_are_never_shown_are_those_whose_types_hide_their_values() -> None:
    secret = {
        "url",
        "password",
        "connect_args",
        "write_key",
        "api_key",
        "hmac_secret",
        "headers",
        "secrets",
        "urls",
        "heartbeat_url",
        "token",
    }
    later_types = DESTINATIONS.keys() - {"segment", "mailmodo", "webhook"}
    keys_of_later_types = {key for kind in later_types for key in known.keys_of(DESTINATIONS[kind])}
    assert known.secret_keys() - (keys_of_later_types - secret) == secret


def test_settings_do_not_change(load: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(MINIMAL).log.level = "DEBUG"
