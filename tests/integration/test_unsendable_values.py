"""A value that cannot be sent is left out and listed, alike in every dialect; all else goes out (rules 8, 28, 29)."""

import uuid

import psycopg
import pytest

from syncer import sync
from syncer.warehouses import text
from tests.databases import with_database
from tests.integration.traits import ALONG, COMPUTED, DIALECTS, Valued, valued
from tests.world import VIP, World

pytestmark = [
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("its rows hold what the auditor's driver cannot read either"),
]

POSTGRES = ("postgres", "in one database")
DUCKDB = ("duckdb", "duckdb without arrow")
TYPED = (*POSTGRES, *DUCKDB)


@pytest.fixture
def at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Valued:
    dialect = request.param
    world: World = request.getfixturevalue("world_in_one_database" if dialect == "in one database" else "world")
    return valued(world, dialect, monkeypatch)


CASES: list[tuple[tuple[str, ...], str, str, object, tuple[str, ...]]] = [
    (TYPED, "date", "'2026-02-01'", "2026-02-01", ("'300000-01-01'", "'infinity'", "'-infinity'")),
    (POSTGRES, "date", "'9999-12-31'", "9999-12-31", ("'0044-03-15 BC'",)),
    (DUCKDB, "date", "'0001-01-01'", "0001-01-01", ("'0044-03-15 (BC)'",)),
    (TYPED, "timestamp", "'9999-12-31 23:59:59'", "9999-12-31T23:59:59.000Z", ("'infinity'", "'20000-01-01'")),
    (TYPED, "timestamptz", "'2026-02-01 10:00+02'", "2026-02-01T08:00:00.000Z", ("'-infinity'",)),
    (TYPED, "timestamptz", "'0001-01-01 00:00Z'", "0001-01-01T00:00:00.000Z", ("'10000-01-01 00:00Z'",)),
    (TYPED, "double precision", "1e300", 10**300, ("'NaN'", "'Infinity'", "'-Infinity'")),
    (POSTGRES, "real", "0.5", 0.5, ("'NaN'", "'Infinity'")),
    (POSTGRES, "numeric", "1e308", 10**308, ("1e309", "-1e400", f"1{'0' * 4400}", "'NaN'", "'Infinity'")),
    (("sqlite",), "", "1.5", 1.5, ("9e999", "-9e999")),
    (("sqlite",), "", "'gold'", "gold", ("'a' || char(0)", "CAST(x'61ff' AS text)", "x'ff'", "x'00'")),
    (DUCKDB, "varchar", "'gold'", "gold", ("'a' || chr(0)", "repeat('é', 500001)")),
    (POSTGRES, "text", "'gold'", "gold", ("repeat('é', 500001)",)),
    (("sqlite",), "", "hex(zeroblob(10))", "0" * 20, ("hex(zeroblob(500001))",)),
    (DUCKDB, "blob", "'gold'", "gold", ("'\\xFF'::blob",)),
]


NAMES = "description city country gender industry designation title company state lastName".split()
"""Of traits that take any value."""


@pytest.mark.parametrize("at", DIALECTS, indirect=True)
def test_values_that_cannot_be_sent(at: Valued, request: pytest.FixtureRequest) -> None:
    """Of every type: each case has a column of its own, which is null for the people of the others."""
    dialect = request.node.callspec.params["at"]
    cases = [case[1:] for case in CASES if dialect in case[0]]
    numbers = range(len(cases))
    along = NAMES[: len(cases)]
    at.world.receiver.allowed_traits = frozenset(along)
    traits = ", ".join(f"v{n} = '{name}'" for n, name in enumerate(along))
    at.world.extra = f"traits = {{ {traits} }}\n" + "".join(
        f'[[computed_traits]]\nname = "Score {n}"\nquery = "SELECT user_id, email, v{n} AS value FROM members"\n'
        for n in numbers
    )
    at.run("DROP TABLE IF EXISTS members")
    columns = ", ".join(f"v{n} {case[0]}" for n, case in enumerate(cases))
    at.run(f"CREATE TABLE members (audience_name text, user_id text, email text, {columns})")
    for n, (_, good, _, bad) in enumerate(cases):
        for name, value in {"good": good, "none": "NULL", **{f"bad{m}": each for m, each in enumerate(bad)}}.items():
            who = f"'{VIP}', '{n}.{name}', '{n}.{name}@x.io', {value}"
            at.run(f"INSERT INTO members (audience_name, user_id, email, v{n}) VALUES ({who})")

    told = at.told()

    only_member = {"vip_buyers": True}
    for n, (kind, _, sent, bad) in enumerate(cases):
        computed = f"{sent}T00:00:00.000Z" if kind == "date" else sent
        assert {who: values for who, values in told.items() if who.startswith(f"{n}.")} == {
            f"{n}.good": {**only_member, along[n]: sent, f"score_{n}": computed},
            f"{n}.none": only_member,
            **{f"{n}.bad{m}": only_member for m in range(len(bad))},
        }, cases[n]
    assert at.skipped() == sorted(
        (audience, f"{n}.bad{m}", "unsendable_text")
        for n, case in enumerate(cases)
        for audience in (f"Score {n}", VIP)
        for m in range(len(case[3]))
    )
    skipped = [at.world.explain(f"{n}.bad0").destinations[0]["skipped"] for n in numbers]
    assert [[each["reason"] for each in listed] for listed in skipped] == [["unsendable_text"] * 2 for _ in numbers]
    assert at.told() == {}
    assert at.world.verify().differences == 0
    assert at.world.command("check").returncode == 0


@pytest.mark.parametrize("at", DIALECTS, indirect=True)
def test_whose_value_cannot_be_sent_any_more_keeps_the_last_one_and_leaves_like_anybody(at: Valued) -> None:
    """Until it can be sent again: a value that is there is no exit of the computed trait."""
    at.world.extra = ALONG + COMPUTED + 'on_missing = "null"\n'
    bad = "9e999" if "sqlite" in at.world.warehouse.url else "'Infinity'"
    at.make("double precision", u1="1", u2="2")
    at.told()
    at.make("double precision", u1=bad, u2="2")
    assert at.told() == {}
    assert at.skipped() == [("Score", "u1", "unsendable_text"), (VIP, "u1", "unsendable_text")]
    at.world.extra = ALONG
    at.make("double precision", u2=bad)
    assert at.told() == {"u1": {"vip_buyers": False}}


@pytest.mark.parametrize("at", DIALECTS, indirect=True)
def test_a_word_that_says_neither_yes_nor_no_tells_nobody_that_they_left(at: Valued) -> None:
    at.world.extra = 'member = "value"\n'
    at.make("varchar(9)", u1="'true'", u2="'YES '", u3="'0'", u4="NULL")
    assert at.told() == {"u1": {"vip_buyers": True}, "u2": {"vip_buyers": True}}
    at.make("varchar(9)", u1="'ja'", u2="'true '")

    result = at.world.sync()

    assert sync.exit_code(result) == 6
    error = result.report.error or ""
    assert error.startswith("warehouse.membership.table: reading ")
    assert "the column value holds 'ja', which is neither true nor false" in error
    assert at.world.believed() == {("u1@x.io", "vip_buyers"), ("u2@x.io", "vip_buyers")}
    at.make("varchar(9)", u1="'true'", u2="'true '")
    assert at.told() == {}


@pytest.mark.parametrize("at", DIALECTS, indirect=True)
def test_the_name_of_an_audience_is_kept_no_longer_than_a_name_may_be(at: Valued) -> None:
    at.make("text", u1="'1'")
    repeated = (
        "replace(hex(zeroblob(500000)), '0', 'x')" if "sqlite" in at.world.warehouse.url else "repeat('x', 1000000)"
    )
    at.run(f"INSERT INTO members VALUES ({repeated}, 'u2', 'u2@x.io', '1')")

    result = at.world.sync()

    assert sync.exit_code(result) == 8
    assert [(len(each.name), each.problem) for each in result.report.audiences if each.problem] == [
        (501, "its name has more than 500 characters; give it a shorter name")
    ]
    assert at.world.query("SELECT max(length(name)) FROM run_audience") == [(501,)]
    assert at.world.believed() == {("u1@x.io", "vip_buyers")}


@pytest.mark.parametrize("at", ["sqlite"], indirect=True)
def test_a_row_that_the_state_cannot_take_is_the_warehouses_fault(at: Valued, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a driver may hand over: it ends the run with a sentence, which quotes nobody."""
    monkeypatch.setattr(text, "json_of", lambda *_, **__: ('{"ada@x.io', "text"))
    at.world.extra = ALONG
    at.make("text", u1="'1'")

    result = at.world.sync()

    assert sync.exit_code(result) == 6
    error = result.report.error or ""
    assert error.startswith("warehouse.membership.table: the state cannot take one of its rows: invalid input syntax")
    assert "ada" not in error


# --- JSON, and databases without an encoding ------------------------------------------------------------------------

DEEP = "[" * 1000 + "]" * 1000


@pytest.mark.parametrize("at", POSTGRES, indirect=True)
@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("jsonb", '{"a": [1, "x"], "b": null}', ('{"a": 1e400}', DEEP)),
        ("json", '{"a": [1, "x"], "b": null}', ('{"a": 1e400}', '{"a": 1e999999}', DEEP)),
        (
            "json",
            '{"a": [1, "x"]}',
            ('"\\u0000"', '"\\ud83d"', '["\\udc00\\ud83d"]', f"[1{'0' * 5000}]", f"[{'9' * 200000}]"),
        ),
    ],
)
def test_json_that_cannot_be_sent(at: Valued, kind: str, good: str, bad: tuple[str, ...]) -> None:
    at.world.extra = ALONG
    harmless = '"\\\\u0000 \\ud83d\\ude00 1e9999"'
    at.make(
        kind,
        good=f"'{good}'",
        null="'null'",
        text=f"'{harmless}'",
        **{f"bad{n}": f"'{each}'" for n, each in enumerate(bad)},
    )

    told = at.told()

    at.world.receiver.violations.clear()  # a webhook takes what is no single value
    assert told["good"]["description"] == {"a": [1, "x"]}
    assert told["null"] == {"vip_buyers": True}
    assert told["text"]["description"] == "\\u0000 \U0001f600 1e9999"
    assert at.skipped() == [(VIP, f"bad{n}", "unsendable_text") for n in range(len(bad))]
    assert all(told[f"bad{n}"] == {"vip_buyers": True} for n in range(len(bad)))


@pytest.mark.parametrize(
    ("at", "kind"),
    [(dialect, kind) for dialect in TYPED for kind in ("json", "jsonb") if dialect in POSTGRES or kind == "json"],
    indirect=["at"],
)
def test_texts_in_json_have_no_quotes(at: Valued, kind: str) -> None:
    at.world.extra = 'email = "value"\n'
    at.make(kind, u1="'\"Ada@x.io\"'", u2="'null'", u3="'12'")
    if kind == "json":
        at.run(f"INSERT INTO members VALUES ('{VIP}', 'u4', '', '\"\\u0000\"')")

    at.told()

    assert at.world.believed() == {("ada@x.io", "vip_buyers")}
    found = [(VIP, "u2", "no_email"), (VIP, "u3", "invalid_email"), (VIP, "u4", "unsendable_text")]
    assert at.skipped() == found[: 3 if kind == "json" else 2]


def test_bytes_that_are_no_utf8_in_a_database_without_an_encoding(
    world: World, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rows are listed, whichever column they are in, and nothing else stops."""
    name = f"ascii_{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    try:
        world.warehouse.url = with_database(postgres, name)
        at = valued(world, "postgres", monkeypatch)
        world.extra = ALONG + COMPUTED
        at.make("text", u1="E'caf\\xc3\\xa9'", u2="E'caf\\xe9'")
        for values in ("'VIP Buyers', E'u\\xff', 'u3@x.io'", "'VIP Buyers', 'u4', E'u4\\xe9@x.io'"):
            at.run(f"INSERT INTO members VALUES ({values}, NULL)")

        assert at.told() == {
            "u1": {"vip_buyers": True, "description": "café", "score": "café"},
            "u2": {"vip_buyers": True},
        }
        assert at.skipped() == [
            ("Score", "u2", "unsendable_text"),
            (VIP, "u2", "unsendable_text"),
            (VIP, "u4", "unsendable_text"),
            (VIP, "u\ufffd", "unsendable_text"),
        ]
        assert world.command("check").returncode == 0
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
