"""Configurations that are not as they should be, and what the command must say of them."""

import re
from collections.abc import Mapping

from tests.acceptance.worlds import PASSWORD
from tests.world import World

NOWHERE = "127.0.0.1:9"
"""The port of discard, where no process listens."""

NAMES = """
[[audiences]]
name = "VIP-Buyers"
[[audiences]]
name = "VIP Buyers"
[[audiences]]
name = "???"
"""

BAD: Mapping[str, tuple[dict[str, str], list[str]]] = {
    "unset variable": ({"write_key": 'write_key = "${NOT_SET}"'}, ["destinations[0].write_key", "NOT_SET", "set it"]),
    "unknown key": ({"type": 'type = "segment"\nwrite_kee = "x"'}, ["destinations[0].write_kee", "write_key"]),
    "unknown dialect": (
        {"url": f'url = "postgresq://me:{PASSWORD}@db/x"'},
        ["warehouse.url", "state.url", "postgresq"],
    ),
    "no URL": ({"url": f'url = "me:{PASSWORD}@db"'}, ["warehouse.url", "is not a database URL", "postgresql://"]),
    "no web address": (
        {"endpoint": 'endpoint = "api.segment.io"'},
        ["destinations[0].endpoint", "api.segment.io", "https://"],
    ),
    "not https": ({"endpoint": 'endpoint = "http://api.segment.io"'}, ["destinations[0].endpoint", "allow_http"]),
    "later type": (
        {"type": 'type = "webhooks"'},
        ["destinations[0].type", 'must be "segment" or "mailmodo" or "webhook"'],
    ),
    "names": ({"table": f'table = "members"{NAMES}'}, ["audiences[1].name", "vip_buyers", "audiences[2].name", "???"]),
    "not TOML": ({"type": "type = "}, ["changed.toml", "is not TOML", "line"]),
}
"""By what is wrong: the lines that replace others, and words that the command must say of it."""


def changed(world: World, **replacements: str) -> str:
    """Another configuration in which the lines of these keys are replaced."""
    text = world.config.read_text()
    for key, line in replacements.items():
        text, count = re.subn(rf"(?m)^{key} = .*$", line.replace("\\", r"\\"), text)
        assert count, key
    path = world.folder / "changed.toml"
    path.write_text(text)
    return str(path)
