"""The example is the documentation: it says every key, its default, and loads."""

import re
import tomllib
from pathlib import Path

from pydantic import Secret

from syncer.config import known, source
from syncer.destinations.registry import DESTINATIONS
from syncer.destinations.segment import SegmentSettings
from syncer.destinations.webhook import WebhookSettings
from tests.unit.config.texts import (
    EXAMPLE,
    MAILMODO,
    WAREHOUSE,
    WEBHOOK,
    Load,
    mailmodo_in,
)

ENVIRON = dict.fromkeys(re.findall(r"\$\{(\w+)\}", EXAMPLE.read_text("utf-8")), "a-value") | {
    "WAREHOUSE_URL": "postgresql://reader@db/a",
    "SEGMENT_WRITE_KEY": "k3y",
    "HEARTBEAT_URL": "https://hc-ping.com/0",
    "SLACK_URL": "slack://TokenA/TokenB/TokenC",
    "MAILMODO_API_KEY": "AAAAAAA-BBBBBBB",
    "STATE_PASSWORD": "p",
    "WEBHOOK_TOKEN": "t0ken",
    "WEBHOOK_SECRET": "s3cret",
    "SYNCER_CONSOLE_TOKEN": "t0ken" * 6,
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
    for pattern, table in known.tables():
        if pattern[:1] == ("destinations",):
            continue  # told by the lines below
        [(_, written)] = source.tables(tree, pattern)
        assert set(written) == set(known.keys_of(table)), pattern
    segment = set(known.keys_of(SegmentSettings))
    assert set(destinations.pop("segment")) == segment
    assert set(destinations) == DESTINATIONS.keys() - {"segment"}
    for kind, written in destinations.items():
        keys = set(known.keys_of(DESTINATIONS[kind]))
        assert keys - segment <= set(written) <= keys, kind  # the rest is told only once


def test_the_example_shows_the_defaults(load: Load) -> None:
    """Commented keys that have a default show it, so uncommenting them changes nothing."""
    examples = {
        key
        for _, table in known.tables()
        for key, field in table.model_fields.items()
        if not field.is_required() and field.get_default() in (None, {}, (), Secret({})) and key != "endpoint"
    }
    as_it_stands = load(EXAMPLE.read_text("utf-8"), **ENVIRON)
    text = uncommented(apart_from={*examples, "name", "query", "on_missing"})
    text = re.sub(r"^\[suppress\]$.*?^(?=\[\[audiences\]\]$)", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\[\[priority\]\]$.*?^(?=\[\[computed_traits\]\]$)", "", text, flags=re.DOTALL | re.MULTILINE)
    text = text.replace("[[audiences]]", "").replace("[[computed_traits]]", "").replace("\nholdout = 0.0\n", "\n")
    for name in DESTINATIONS:
        text = text.replace(f'# name = "{name}"', f'name = "{name}"')
    with_defaults = load(text.replace('# url = "https:', 'url = "https:'), **ENVIRON)
    segment, mailmodo, webhook, *_ = with_defaults.destinations
    assert with_defaults.model_copy(update={"destinations": (segment,)}) == as_it_stands
    assert mailmodo == mailmodo_in(load(WAREHOUSE + MAILMODO))
    assert webhook == load(WAREHOUSE + WEBHOOK).destinations[0]


def test_the_example_loads_with_everything_in_force(load: Load, tmp_path: Path) -> None:
    (tmp_path / "warehouse-password").write_text("p\n")
    text = uncommented(apart_from={"endpoint", "every"})
    text = text.replace('query = "SELECT audience', '# "').replace('query = "SELECT email', '# "')
    loaded = load(text.replace('calls = "combined"', 'calls = "per_audience"'), **ENVIRON)  # `lists` need it
    assert len(loaded.sources) == 3
    assert [each.path for each in loaded.suppression] == ["suppress.table", "warehouse.membership.consent"]
    segment, mailmodo, webhook, *_ = loaded.destinations
    assert isinstance(segment, SegmentSettings)
    assert isinstance(webhook, WebhookSettings)
    assert webhook.headers["Authorization"].get_secret_value() == "Bearer t0ken"
    assert segment.endpoint == "https://events.eu1.segmentapis.com"
    assert segment.integrations == {"All": False, "Mailmodo": True}
    assert segment.reach.contacts == frozenset({"qa@example.com"})
    assert mailmodo.name == "mailmodo"
    assert loaded.guard.limits.ready is not None
    assert loaded.state.conninfo() is not None
