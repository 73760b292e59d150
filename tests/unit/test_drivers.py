"""What is known of drivers, and what is made of their errors and of names, without any of them installed."""

import pytest
import sqlalchemy
from sqlalchemy import exc as sa_exc
from sqlalchemy.engine.interfaces import Dialect

from syncer import errors, models
from syncer.warehouses import base, drivers, extras, tables
from syncer.warehouses.words import Words
from tests.databases import address_of

PLACE = sqlalchemy.make_url("mysql+pymysql://reader:sesame@db.internal:3306/analytics")
WORDS = Words(address_of(PLACE), {})


class CredentialsError(Exception):
    pass


class DriverError(Exception):
    pass


class Answer:
    """An answer of Thrift's, as PyHive has it in its errors."""

    def __init__(self, said: str) -> None:
        self.status = type("Status", (), {"errorMessage": said})()

    def __str__(self) -> str:
        return "TExecuteStatementResp(status=TStatus(statusCode=3, infoMessages=[…" + "x" * 10_000


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (DriverError("relation x does not exist\nLINE 1: SELECT\n"), "relation x does not exist"),
        (DriverError("\n\n  no such table: x.\n"), "no such table: x"),
        (DriverError(1146, "Table 'a.x' doesn't exist"), "Table 'a.x' doesn't exist (1146)"),
        (DriverError(2003, "2003: Can't connect"), "2003: Can't connect"),
        (
            DriverError({"S": "ERROR", "M": "relation x does not exist", "R": "parserOpenTable"}),
            "relation x does not exist",
        ),
        (
            DriverError("002003 (42S02): SQL compilation error:\nObject 'X' does not exist or not authorized."),
            "002003 (42S02): SQL compilation error: Object 'X' does not exist or not authorized",
        ),
        (
            DriverError(
                Answer(
                    "HiveSQLException: Error running query: org.apache.spark.sql.catalyst.parser.ParseException:\n"
                    "\tat org.apache.Spark.frame(Spark.scala:1)\n[PARSE_SYNTAX_ERROR] Syntax error at or near 'FORM'."
                )
            ),
            "HiveSQLException: Error running query: org.apache.spark.sql.catalyst.parser.ParseException:"
            " [PARSE_SYNTAX_ERROR] Syntax error at or near 'FORM'",
        ),
        (DriverError(), "DriverError"),
        (DriverError("access denied for reader:sesame"), "access denied for reader:***"),
        (sa_exc.ProgrammingError("SELECT", {}, DriverError("no such table")), "no such table"),
    ],
)
def test_the_words_of_a_database(failure: Exception, said: str) -> None:
    assert WORDS.of(failure) == said


def test_long_words_are_shortened_and_keep_their_beginning_and_end() -> None:
    said = WORDS.of(DriverError("no such table, " + "x" * 11_656 + " near line 7"))
    assert len(said) < 520
    assert said.startswith("no such table, xxx")
    assert said.endswith("x near line 7")


@pytest.mark.parametrize(
    ("failure", "is_misconfigured"),
    [
        (ImportError("No module named 'thrift_sasl'"), True),
        (CredentialsError("no default credentials"), True),
        (TypeError("connect() got an unexpected keyword argument"), True),
        (ValueError("Username and password are required"), True),
        (RuntimeError("'cryptography' package is required"), True),
        (sa_exc.ProgrammingError("", {}, DriverError("251001: Account must be specified")), True),
        (sa_exc.OperationalError("", {}, DriverError("Can't connect to server")), False),
        (sa_exc.DatabaseError("", {}, DriverError("250001: Incorrect username or password")), False),
        (TimeoutError("timed out"), False),
        (ConnectionRefusedError(), False),
        (DriverError("whatever"), False),
    ],
)
def test_what_is_missing_here_is_told_from_what_is_wrong_there(failure: Exception, is_misconfigured: bool) -> None:
    assert drivers.is_misconfigured(failure) == is_misconfigured


def test_a_cause_that_the_driver_wraps_decides() -> None:
    failure = ValueError("bad answer")
    failure.__cause__ = OSError("no route to host")
    assert not drivers.is_misconfigured(failure)


def test_what_is_missing_is_said_with_the_extra_that_brings_it() -> None:
    missing = WORDS.misconfigured(ImportError("No module named 'x'"), extras.installation("mysql"))
    assert isinstance(missing, errors.ConfigError)
    assert str(missing) == (
        "warehouse.url: mysql database analytics at db.internal:3306 cannot be opened: No module named 'x';"
        " pip install 'engage-syncer[mysql]'"
    )
    assert "correct the credentials" in str(WORDS.misconfigured(ValueError("no password"), None))
    assert extras.installation("nosuchdb") is None


def test_drivers_wait_no_longer_than_we_do_unless_they_are_told_to() -> None:
    assert drivers.connect_args(PLACE, {}) == {"connect_timeout": 10}
    assert drivers.connect_args(PLACE, {"connect_timeout": 60}) == {"connect_timeout": 60}
    assert drivers.connect_args(PLACE.update_query_dict({"connect_timeout": "60"}), {}) == {}
    assert drivers.opening_seconds(PLACE) < drivers.opening_seconds(sqlalchemy.make_url("databricks://h"))


def test_what_holds_whole_results_is_said_with_a_figure() -> None:
    said = drivers.caveat(sqlalchemy.make_url("mysql+mysqlconnector://h/d"))
    assert said is not None
    assert "MB for a million members; mysql+pymysql:// streams them" in said
    alone = drivers.caveat(sqlalchemy.make_url("redshift+redshift_connector://h/d"))
    assert alone is not None
    assert "redshift+psycopg2:// streams them" in alone
    assert drivers.caveat(PLACE) is None


def test_a_redshift_hands_over_a_thousand_rows_at_once() -> None:
    assert drivers.partition("redshift") == 1_000
    assert drivers.partition("mysql") == drivers.PARTITION


def dialect_of(name: str) -> Dialect:
    return sqlalchemy.make_url(f"{name}://").get_dialect()()


PLAIN, ODD = "lake.crm.members", '"my-catalog"."Sche.ma"."We ""M"" %s"'


@pytest.mark.parametrize(
    ("dialect", "odd"),
    [
        (dialect_of("postgresql"), '"my-catalog"."Sche.ma"."We ""M"" %%s"'),
        (dialect_of("mysql+pymysql"), '`my-catalog`.`Sche.ma`.`We "M" %%s`'),
        (dialect_of("mssql+pyodbc"), '[my-catalog].[Sche.ma].[We "M" %s]'),
        (dialect_of("oracle+oracledb"), '"my-catalog"."Sche.ma"."We ""M"" %s"'),
        (dialect_of("sqlite"), '"my-catalog"."Sche.ma"."We ""M"" %s"'),
    ],
    ids=["postgresql", "mysql", "mssql", "oracle", "sqlite"],
)
def test_each_part_of_a_name_is_quoted_by_itself(dialect: Dialect, odd: str) -> None:
    for name, expected in ((PLAIN, PLAIN), ("members", "members"), ("crm.members", "crm.members"), (ODD, odd)):
        parts = base.split_table(models.Source("warehouse.membership", table=name, user_id="u", email="e"))
        table = tables.clause(dialect, parts)
        asked = " ".join(
            str(tables.none_of(tables.rows(dialect, table, ["user_id", "e"])).compile(dialect=dialect)).split()
        )
        assert asked == f"SELECT user_id, e FROM {expected} WHERE 1 = 0"
        assert " ".join(str(tables.probe(table).compile(dialect=dialect)).split()).endswith(
            f"FROM {expected} WHERE 1 = 0"
        )
        # Inside of a statement without parameters no percent sign is doubled.
        inside = " ".join(tables.text_of(dialect, tables.probe(table)).split())
        assert inside == f"SELECT * FROM {expected.replace('%%', '%')} WHERE 1 = 0"
