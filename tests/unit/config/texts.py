"""Texts of configurations, and what is asked of one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from syncer import config, errors
from syncer.destinations.mailmodo import MailmodoSettings
from syncer.destinations.segment import SegmentSettings

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
EXAMPLE = Path(__file__).resolve().parents[3] / "config.example.toml"

Load = Callable[..., config.Settings]


def segment_in(loaded: config.Settings) -> SegmentSettings:
    [destination] = loaded.destinations
    assert isinstance(destination, SegmentSettings)
    return destination


def mailmodo_in(loaded: config.Settings) -> MailmodoSettings:
    [destination] = loaded.destinations
    assert isinstance(destination, MailmodoSettings)
    return destination


def refused(load: Load, text: str | bytes, **environ: str) -> dict[str, str]:
    """The messages by path; no path may be told of twice."""
    with pytest.raises(errors.ConfigError) as caught:
        load(text, **environ)
    problems = {problem.path: problem.message for problem in caught.value.problems}
    assert len(problems) == len(caught.value.problems)
    return problems


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
