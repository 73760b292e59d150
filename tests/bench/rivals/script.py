"""The script that people write: a diff in SQL, Segment's library, and a table of what was sent.

Each side is one table scan. The changes are grouped by contact, so it makes as few calls as syncer does. It records
what it sent once the library's queue is empty: a crash before that sends everything again, and a lost answer is never
noticed. By default the library drops events when its queue is full; here it waits.

    python script.py full_join|except URL ENDPOINT
"""

import queue
import sys

import psycopg
from segment.analytics.client import Client

DIFF = {
    "full_join": """
        INSERT INTO script.change (audience, user_id, email, entered)
        SELECT coalesce(m.audience, s.audience), coalesce(m.user_id, s.user_id), coalesce(m.email, s.email),
            s.audience IS NULL
        FROM warehouse.clean AS m
        FULL JOIN script.synced AS s ON s.audience = m.audience AND s.user_id = m.user_id AND s.email = m.email
        WHERE m.audience IS NULL OR s.audience IS NULL
    """,
    "except": """
        INSERT INTO script.change (audience, user_id, email, entered)
        SELECT *, true FROM (
            SELECT audience, user_id, email FROM warehouse.clean
            EXCEPT SELECT audience, user_id, email FROM script.synced) AS entered
        UNION ALL
        SELECT *, false FROM (
            SELECT audience, user_id, email FROM script.synced
            EXCEPT SELECT audience, user_id, email FROM warehouse.clean) AS left_us
    """,
}
READ = """
    SELECT email, min(user_id), jsonb_object_agg(lower(replace(audience, ' ', '_')), entered)
    FROM script.change
    GROUP BY email
"""
APPLY = (
    "DELETE FROM script.synced AS s USING script.change AS c"
    " WHERE NOT c.entered AND s.audience = c.audience AND s.user_id = c.user_id AND s.email = c.email",
    "INSERT INTO script.synced (audience, user_id, email)"
    " SELECT audience, user_id, email FROM script.change WHERE entered",
)


class Patient(queue.Queue):
    """Waits when it is full."""

    def put(self, item, block=False, timeout=None):  # the library asks not to be kept waiting, and drops
        super().put(item, block=True)


def main() -> None:
    how, url, endpoint = sys.argv[1:]
    queue.Queue = Patient
    client = Client("bench", host=endpoint, max_queue_size=10_000, on_error=fail)
    say("reading")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE script.change")
        connection.execute(DIFF[how])
        say("compared")
        with connection.transaction(), connection.cursor("changes") as changes:
            changes.itersize = 5000
            for email, user_id, traits in changes.execute(READ):
                client.identify(user_id, {"email": email, **traits})
        client.flush()
        say("apply")
        with connection.transaction():
            for statement in APPLY:
                connection.execute(statement)
    client.join()
    if failures:
        sys.exit(f"not sent: {failures[0]}")


failures: list[Exception] = []


def fail(error: Exception, _batch: list) -> None:
    failures.append(error)


def say(phase: str) -> None:
    print(phase, file=sys.stderr, flush=True)


main()
