"""Very many memberships, and a state that has told all of them, made by set-based SQL within minutes.

syncer itself tells one member of each audience, and runs once more. Then warehouse, state and the snapshot that the
warehouse keeps are filled up with the others, as if the same run had told them and retention had dropped its history
since: every other row is one that syncer wrote, with the counts of all. Names are short, so that many fit on a disk: a
user id has six characters, an address eleven.

People are in blocks of sixteen. Each of the hundred audiences has one person of each block, chosen by a hash: so a
person is in some six audiences, and both sides can be written in their own order without sorting anything: the
warehouse audience by audience, the people of each mixed; the state contact by contact.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg

from syncer.sql import query
from tests.bench import ours, sink
from tests.bench.contestants import Place
from tests.bench.ours import Setup
from tests.bench.server import Server

AUDIENCES = 100
PEOPLE_A_BLOCK = 16

# `shift`: the next one of the block instead, who is not in this audience.
_KEY = f"""lpad(
    to_hex(
        block * {PEOPLE_A_BLOCK}
        + ((hashint8extended(block * {AUDIENCES} + {{audience}}, 7) & 1023) + {{shift}}) % {PEOPLE_A_BLOCK}
    ),
    {{width}}, '0'
)"""

# The multiplier has no factor in common with the number of blocks, so each of them comes once.
_BY_AUDIENCE = f"""
SELECT 'A' || lpad(audience::text, 2, '0') AS audience, key AS user_id, key || '@x.io' AS email
FROM generate_series(0, {AUDIENCES - 1}) AS audience
CROSS JOIN LATERAL generate_series(0 * audience, {{until}} - 1) AS nth
CROSS JOIN LATERAL (SELECT (nth::bigint * 48271 + audience) % {{blocks}} AS block) AS mixed
CROSS JOIN LATERAL (SELECT {_KEY.replace("{audience}", "audience")} AS key) AS person
"""

_BY_CONTACT = f"""
SELECT 1, told.audience_id, 1, 1, timestamptz '{{entered_at}}', told.key || '@x.io', told.key
FROM generate_series(0::bigint, {{blocks}} - 1) AS block
CROSS JOIN LATERAL (
    SELECT audience_id, {_KEY.replace("{audience}", "nth - 1")} AS key
    FROM unnest('{{audience_ids}}'::integer[]) WITH ORDINALITY AS audience (audience_id, nth)
    ORDER BY key, audience_id
) AS told
"""

_LEAVE = """
DELETE FROM warehouse.member
WHERE hashtextextended(audience || user_id, {round}) & 9223372036854775807 < {share} * 9223372036854775807 / 2
"""

_CREATE = """
DROP SCHEMA IF EXISTS warehouse CASCADE;
DROP SCHEMA IF EXISTS scratch CASCADE;
CREATE SCHEMA warehouse;
CREATE SCHEMA scratch;
CREATE TABLE warehouse.member (audience text NOT NULL, user_id text NOT NULL, email text NOT NULL)
"""

# Of the part of the only destination: they are made after the rows.
_INDEXES = """
SELECT quote_ident(x.relname), pg_get_indexdef(x.oid), pg_get_constraintdef(c.oid)
FROM pg_index AS i
JOIN pg_class AS x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint AS c ON c.conindid = x.oid
WHERE i.indrelid = 'synced_member_1'::regclass
"""
_PUT_BACK = "ALTER TABLE synced_member ATTACH PARTITION synced_member_1 FOR VALUES IN (1)"

_COLUMNS = "destination_id, audience_id, entered_run_id, told_run_id, entered_at, contact, user_id"

# Each audience has as many members, and syncer has counted one of each. What was told goes with the history.
_COUNT = """
UPDATE contact_count
SET contacts = (SELECT count(*) FROM (SELECT DISTINCT contact FROM synced_member WHERE destination_id = 1) AS told);
UPDATE user_count SET users = {blocks};
UPDATE run SET memberships = {blocks} * {audiences}, contacts = (SELECT contacts FROM contact_count);
UPDATE run_audience SET members = {blocks};
UPDATE run_count SET members = {blocks};
UPDATE run_count SET planned_add = {blocks}, succeeded_add = {blocks} WHERE run_id = 1;
UPDATE run_destination
SET planned = (SELECT contacts FROM contact_count), succeeded = (SELECT contacts FROM contact_count)
WHERE run_id = 1;
INSERT INTO dropped_history (destination_id, audience_id, members) SELECT 1, audience_id, {blocks} FROM audience;
TRUNCATE sync_change, sync_page
"""

_TOLD = """
SELECT audience.name AS audience, synced_member.user_id, synced_member.contact AS email, false AS unsendable
FROM {schema}.synced_member JOIN {schema}.audience USING (audience_id)
"""
_SAID = "SELECT audience, user_id, email, false AS unsendable FROM warehouse.member"


class WrongError(Exception):
    """What was told is not what the warehouse says."""


def make(both: Server, folder: Path, setup: Setup, memberships: int) -> Iterator[str]:
    """Makes all of it anew; says after each step what is done. `both` has the urls of the data and of the state."""
    blocks, rest = divmod(memberships, AUDIENCES)
    if rest:
        raise ValueError(f"{AUDIENCES} audiences have as many members each")
    for statement in _CREATE.split(";\n"):
        both.run(statement)
    _fill_warehouse(both.url, _by_audience(blocks, until=1))
    tell_all(Place(both, folder), setup)
    yield "a member of each audience was told"
    _fill_warehouse(both.url, _by_audience(blocks))
    both.run("VACUUM (ANALYZE) warehouse.member")
    yield "the warehouse is filled"
    _fill_state(both.other_url, setup.schema, blocks)
    both.run("VACUUM ANALYZE", both.other_url)
    yield "the state is filled"
    with psycopg.connect(both.other_url) as state:
        state.execute(f"SET search_path TO {setup.schema}, pg_catalog")
        for statement in _COUNT.format(blocks=blocks, audiences=AUDIENCES).split(";\n"):
            state.execute(statement)
    yield "the state is counted"
    _fill_mirror(both, setup.schema)
    yield "the warehouse keeps the snapshot"


def change(made: Server, number: int, share: float, memberships: int) -> None:
    """Changes a share of the memberships, others for each number below sixteen: half of them leave, and as many enter
    who are in other audiences."""
    blocks = memberships // AUDIENCES
    if share:
        made.run(_LEAVE.format(round=number, share=share))
        made.run(f"INSERT INTO warehouse.member {_by_audience(blocks, until=round(blocks * share / 2), shift=number)}")
    made.run("VACUUM (ANALYZE) warehouse.member")


def check(both: Server, schema: str) -> str:
    """What all memberships add up to. Raises unless that is the same of those told and of those that there are."""
    row_hash = _statement("warehouse_row_hash", key="0")
    told, said = (
        str(both.run(_statement("warehouse_seal", table=f"({rows}) AS member", row_hash=row_hash), url)[0][0])
        for rows, url in ((_TOLD.format(schema=schema), both.other_url), (_SAID, both.url))
    )
    if told != said:
        raise WrongError(f"{told} were told, the warehouse says {said}")
    return told


def _by_audience(blocks: int, *, until: int | None = None, shift: int = 0) -> str:
    return _BY_AUDIENCE.format(
        blocks=blocks, until=blocks if until is None else until, shift=shift, width=_width(blocks)
    )


def _width(blocks: int) -> int:
    return max(6, len(f"{blocks * PEOPLE_A_BLOCK:x}"))


def _fill_warehouse(url: str, rows: str) -> None:
    with psycopg.connect(url) as made:
        made.execute("TRUNCATE warehouse.member")
        _copy(url, rows, made, "warehouse.member")


def _copy(url: str, rows: str, into: psycopg.Connection, table: str) -> None:
    """Rows of one session become rows of another, which has emptied the table: they need no vacuum then."""
    with (
        psycopg.connect(url) as source,
        source.cursor().copy(f"COPY ({rows}) TO STDOUT (FORMAT binary)") as blocks,
        into.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary, FREEZE)") as written,
    ):
        for block in blocks:
            written.write(block)


def tell_all(place: Place, setup: Setup) -> None:
    """Makes the state anew, tells all members to it, and runs once more."""
    ours.forget_everything(place, setup)
    with sink.receiving(place.folder / "spool") as receiving:
        told = replace(place, endpoint=f"http://127.0.0.1:{receiving.port}")
        command = ours.command(ours.config(told, setup))
        for _ in range(2):  # the second one leaves nothing behind of what the first one told
            subprocess.run(command, check=True, capture_output=True)


def _fill_state(url: str, schema: str, blocks: int) -> None:
    with psycopg.connect(url) as state:
        state.execute(f"SET search_path TO {schema}, pg_catalog; SET LOCAL maintenance_work_mem = '1GB'")
        ((entered_at,),) = state.execute("SELECT max(entered_at) FROM synced_member").fetchall()
        ((ids,),) = state.execute("SELECT array_agg(audience_id ORDER BY name)::text FROM audience").fetchall()
        state.execute("ALTER TABLE synced_member DETACH PARTITION synced_member_1")
        indexes = state.execute(_INDEXES).fetchall()
        for name, _, constraint in indexes:
            state.execute(f"ALTER TABLE synced_member_1 DROP CONSTRAINT {name}" if constraint else f"DROP INDEX {name}")
        state.execute("TRUNCATE synced_member_1")
        rows = _BY_CONTACT.format(blocks=blocks, shift=0, width=_width(blocks), entered_at=entered_at, audience_ids=ids)
        _copy(url, rows, state, f"synced_member_1 ({_COLUMNS})")
        for name, definition, constraint in indexes:
            state.execute(
                f"ALTER TABLE synced_member_1 ADD CONSTRAINT {name} {constraint}" if constraint else definition
            )
        state.execute(_PUT_BACK)


def _fill_mirror(both: Server, schema: str) -> None:
    ((name,),) = both.run(f"SELECT scratch_table FROM {schema}.base", both.other_url)
    table = f"scratch.{name}"
    both.run(f"TRUNCATE {table}; INSERT INTO {table} {_SAID}")
    both.run(f"ANALYZE {table}")
    row_hash = _statement("warehouse_row_hash", key="0")
    ((seal,),) = both.run(_statement("warehouse_seal", table=table, row_hash=row_hash))
    both.run(f"UPDATE {schema}.base SET seal = '{seal}'", both.other_url)


def _statement(name: str, **placeholders: str) -> str:
    return query(name).format(**placeholders)
