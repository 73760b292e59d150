"""What the warehouse says at first, and what every report in JSON must be."""

from datetime import datetime, timedelta
from typing import Any

from tests.world import Row

ROWS: list[Row] = [
    ("VIP Buyers", "u1", "ann@example.com"),
    ("VIP Buyers", "u2", "bob@example.com"),
    ("Order completed last 30days", "u2", "bob@example.com"),
    ("VIP Buyers", "u3", None),
]

RUN_KEYS = (
    "run_id trigger status started_at finished_at error calls_saved deferred audiences destinations"
    " read read_because read_rows read_bytes rolls_back_run_id"
).split()
AUDIENCE_KEYS = "name property members added removed initial held refreshed problem".split()
DESTINATION_KEYS = "name status error planned succeeded failed unknown aborted requests retries skipped".split()


def assert_contract(report: Any) -> None:
    """The object of `sync --json` and its like: these keys in this order, and counts that add up."""
    assert list(report) == RUN_KEYS
    for audience in report["audiences"]:
        assert list(audience) == AUDIENCE_KEYS
    for destination in report["destinations"]:
        assert list(destination) == DESTINATION_KEYS
        ended = sum(destination[outcome] for outcome in ("succeeded", "failed", "unknown", "aborted"))
        assert report["status"] == "planned" or destination["planned"] == ended
    for key in ("started_at", "finished_at"):
        assert datetime.fromisoformat(report[key]).utcoffset() == timedelta(0)
