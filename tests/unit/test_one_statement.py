"""What a configured query may be where nothing but its text says whether it writes."""

import pytest

from syncer import errors, models
from syncer.warehouses import base


def judged(text: str, *, alone: bool = False) -> str:
    return base.statement(
        models.Source(path="audiences[0].query", query=text, user_id="user_id", email="email"), alone=alone
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; DROP TABLE x",
        "SELECT 1) q; DROP TABLE x --",
        "SELECT 1) UNION (SELECT 2",
        r"SELECT '\'; DROP TABLE x --'",
        r"SELECT 'it\'s; DROP TABLE x --' , 'b'; DROP TABLE x --'",
        "SELECT 1 # '\n; DROP TABLE x # '",
        "SELECT 1 AS $$; DROP TABLE x; SELECT 1 AS $$",
        'SELECT "\\"; DROP TABLE x --"',
    ],
)
def test_a_second_statement_in_any_reading_is_refused(text: str) -> None:
    with pytest.raises(errors.WarehouseError, match="several statements"):
        judged(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * INTO copy FROM members",
        "SELECT email FROM members INTO OUTFILE '/tmp/x'",
        "SELECT email FROM members /* a */ into\ndumpfile '/tmp/x'",
        "WITH old AS (SELECT 1) DELETE FROM members",
        "with old as (select 1) merge x using old on true",
        "WITH old AS (SELECT 1) INSERT INTO members SELECT * FROM old",
    ],
)
def test_a_statement_that_writes_is_refused(text: str) -> None:
    with pytest.raises(errors.WarehouseError, match="the query writes"):
        judged(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'into; the (wild' AS user_id, \"INTO\" AS email FROM members",
        "WITH m AS (SELECT update FROM t) SELECT * FROM m WHERE name IN ('delete', 'insert into')",
        "SELECT user_id, email FROM members -- into; )",
        "(SELECT 1) UNION (SELECT 2);",
        "SELECT updated_at, into_it FROM members",
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_a_statement_that_reads_is_taken(text: str, alone: bool) -> None:
    assert judged(text, alone=alone) == text.rstrip(";")
