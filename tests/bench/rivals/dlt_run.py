"""dlt with a custom destination: one row per contact with all of its audiences, by a cursor after the first run.

It finds members who entered, by a newer `updated_at`, but none who left: a deleted row has no cursor.

    python dlt_run.py URL ENDPOINT FOLDER
"""

import sys

import dlt
import psycopg2
import requests

QUERY = """
    SELECT email, min(user_id) AS user_id, jsonb_object_agg(lower(replace(audience, ' ', '_')), true)::text AS traits,
        max(updated_at) AS updated_at
    FROM warehouse.clean
    WHERE %(since)s::timestamptz IS NULL OR email IN (SELECT email FROM warehouse.clean WHERE updated_at > %(since)s)
    GROUP BY email
"""
url, endpoint, folder = sys.argv[1:]
session = requests.Session()


@dlt.resource(name="contacts", write_disposition="append")
def contacts(updated_at=dlt.sources.incremental("updated_at")):
    with psycopg2.connect(url) as connection, connection.cursor("contacts") as cursor:
        cursor.itersize = 10_000
        cursor.execute(QUERY, {"since": updated_at.last_value})
        while rows := cursor.fetchmany(10_000):
            yield [dict(zip(("email", "user_id", "traits", "updated_at"), row)) for row in rows]


@dlt.destination(batch_size=500, loader_file_format="parquet", name="segment", naming_convention="direct")
def segment(items, table):
    events = ",".join(
        f'{{"type":"identify","userId":"{row["user_id"]}","traits":{{"email":"{row["email"]}",{row["traits"][1:]}}}'
        for row in items.to_pylist()
    )
    body = f'{{"batch":[{events}]}}'.encode()
    session.post(f"{endpoint}/v1/batch", data=body, headers={"Content-Type": "application/json"}).raise_for_status()


def main() -> None:
    pipeline = dlt.pipeline("bench", destination=segment, pipelines_dir=folder, dataset_name="bench")
    pipeline.run(contacts())


main()
