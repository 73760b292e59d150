"""Segment's library alone: a loop with one identify call per contact, without a database or any record.

python send_only.py FILE ENDPOINT      a line of the file: {"user_id": …, "traits": {…}}
"""

import json
import queue
import sys
from pathlib import Path

from segment.analytics.client import Client


class Patient(queue.Queue):
    """Waits when it is full."""

    def put(self, item, block=False, timeout=None):  # the library asks not to be kept waiting, and drops
        super().put(item, block=True)


def main() -> None:
    path, endpoint = sys.argv[1:]
    queue.Queue = Patient
    client = Client("bench", host=endpoint, max_queue_size=10_000, on_error=fail)
    say("reading")
    with Path(path).open() as file:
        people = [json.loads(line) for line in file]
    say("compared")
    for person in people:
        client.identify(person["user_id"], person["traits"])
    client.flush()
    client.join()
    if failures:
        sys.exit(f"not sent: {failures[0]}")


failures: list[Exception] = []


def fail(error: Exception, _batch: list) -> None:
    failures.append(error)


def say(phase: str) -> None:
    print(phase, file=sys.stderr, flush=True)


main()
