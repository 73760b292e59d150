"""Compares the warehouse with the table that a script keeps, `script.synced`, in one of four ways; sends nothing.

python compare.py floor|hash_join|except|pull URL
"""

import sys

import psycopg

STATEMENTS = {
    # Every column of every row of both sides, in one process: the least that a comparison in the database can cost.
    "floor": """
        SELECT
            (SELECT sum(octet_length(audience) + octet_length(user_id) + octet_length(email)) FROM warehouse.member),
            (SELECT sum(octet_length(audience) + octet_length(user_id) + octet_length(email)) FROM script.synced)
    """,
    "hash_join": """
        SELECT count(*) FILTER (WHERE s.audience IS NULL), count(*) FILTER (WHERE m.audience IS NULL)
        FROM warehouse.clean AS m
        FULL JOIN script.synced AS s ON s.audience = m.audience AND s.user_id = m.user_id AND s.email = m.email
        WHERE m.audience IS NULL OR s.audience IS NULL
    """,
    "except": """
        SELECT
            (SELECT count(*) FROM (
                SELECT audience, user_id, email FROM warehouse.clean
                EXCEPT SELECT audience, user_id, email FROM script.synced) AS entered),
            (SELECT count(*) FROM (
                SELECT audience, user_id, email FROM script.synced
                EXCEPT SELECT audience, user_id, email FROM warehouse.clean) AS left_us)
    """,
}


def main() -> None:
    how, url = sys.argv[1:]
    with psycopg.connect(url, autocommit=True) as connection:
        say("reading")
        if how == "pull":  # to a client, row by row, which does nothing with them
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "COPY (SELECT audience, user_id, email FROM warehouse.member) TO STDOUT (FORMAT binary)"
                ) as copy,
            ):
                copy.set_types(["text", "text", "text"])
                print(sum(1 for _ in copy.rows()))
            say("compared")
            return
        if how == "floor":
            connection.execute("SET max_parallel_workers_per_gather = 0")
        print(connection.execute(STATEMENTS[how]).fetchone())
        say("compared")


def say(phase: str) -> None:
    print(phase, file=sys.stderr, flush=True)


main()
