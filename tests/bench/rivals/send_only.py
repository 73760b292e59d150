"""Segment's library alone: identify calls of five audiences out of a loop, no database, nothing kept.

python send_only.py COUNT ENDPOINT
"""

import queue
import sys

from segment.analytics.client import Client


class Patient(queue.Queue):
    """A full queue is waited for."""

    def put(self, item, block=False, timeout=None):
        super().put(item, block=True)


def main() -> None:
    count, endpoint = int(sys.argv[1]), sys.argv[2]
    queue.Queue = Patient
    client = Client("bench", host=endpoint, max_queue_size=10_000)
    for person in range(count):
        traits = {f"audience_{(person + nth * 11) % 100:03}": True for nth in range(5)}
        client.identify(f"u{person:09}", {"email": f"person{person}@example.com", **traits})
    client.flush()
    client.join()


main()
