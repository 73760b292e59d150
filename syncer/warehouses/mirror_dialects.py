"""What the statements of `mirror_reading` need to know of a dialect. A dialect that is not here keeps no snapshots.

Two rows are the same for a plan if their texts are the same byte for byte. What an engine takes for equal depends on
the collation of a column, so nothing is compared by its columns, but by keys that are made of their bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import sqlalchemy
from sqlalchemy import func, literal_column
from sqlalchemy.dialects import mysql

from syncer.warehouses import mirror

Expression = sqlalchemy.ColumnElement[Any]
Expressions = Sequence[Expression]

_BLANKS = " \t\r\n\u00a0"
"""Those around an address: the rule is that of the state's contact_of."""

_SHA_BITS = 256


@dataclass(frozen=True, slots=True)
class Facts:
    """`keys` of some columns are equal if all of them are, or are null, and else differ. `hashed` is the hash of some
    columns, as a number that may be negative, and of which many can be added up. `contact` is the contact of an email,
    as text. `grouped` is a whole number for a user id, by which users are put into groups: a hash that costs little,
    since nothing but the time that a comparison takes depends on it. None: what `hashed` says. `exact` makes of a sum
    of hashes what can be added up in turn without rounding.

    `sorts_for_min` says that the engine, asked for the least of some texts, sorts all rows, where it would else put
    them into a hash table: so it is asked for the texts by which the rows are grouped.

    `type_of` says of a value what a driver does not say of its type, and what the same bytes are another text by.
    `begin` are the first statements of a session that makes tables, `kind` stands after the name of a new table.
    `groups_a_pass` is how many groups of users are compared at a time, each time by reading everything; None: all at
    once, by engines that have many servers for one statement, and that bill for what they read.
    """

    keys: Callable[[Expressions], Expressions]
    hashed: Callable[[Expressions], Expression]
    contact: Callable[[Expression], Expression]
    grouped: Callable[[Expressions], Expression] | None = None
    exact: Callable[[Expression], Expression] = mirror.as_it_is
    sorts_for_min: bool = False
    type_of: Callable[[Expression], Expression] | None = None
    begin: Sequence[str] = ()
    kind: str = ""
    groups_a_pass: int | None = None

    def keyed(self, key: int) -> "Facts":
        """The same with hashes that depend on a key."""
        first = literal_column(f"'{key}'", sqlalchemy.String)
        grouped = self.grouped or self.hashed
        return replace(
            self,
            hashed=lambda columns: self.hashed([first, *columns]),
            grouped=lambda columns: grouped([first, *columns]),
        )


def _mysql_said(columns: Expressions) -> Expression:
    """All that the columns hold, in one text."""
    said = [func.coalesce(func.hex(_binary(column)), literal_column("'-'")) for column in columns]
    return func.concat_ws(literal_column("','"), *said)


def _binary(column: Expression) -> Expression:
    return sqlalchemy.cast(column, sqlalchemy.LargeBinary)


def _mysql_keys(columns: Expressions) -> Expressions:
    # A digest has one length: of longer texts MySQL and MariaDB group by their first 1,024 bytes.
    return [func.unhex(func.sha2(_mysql_said(columns), _SHA_BITS))]


def _mysql_hashed(columns: Expressions) -> Expression:
    first = func.left(func.sha2(_mysql_said(columns), _SHA_BITS), 15)
    return sqlalchemy.cast(func.conv(first, 16, 10), mysql.INTEGER(unsigned=False))


def _mysql_grouped(columns: Expressions) -> Expression:
    return func.crc32(_mysql_said(columns))


def _mysql_contact(email: Expression) -> Expression:
    pattern = f"^[{_BLANKS}]+|[{_BLANKS}]+$"
    trimmed: Expression = func.regexp_replace(sqlalchemy.cast(email, sqlalchemy.CHAR), pattern, "")
    letters = zip(ascii_uppercase, ascii_lowercase, strict=True)
    return reduce(lambda text, pair: func.replace(text, *pair), letters, trimmed)  # its LOWER() knows more letters


def _spark_keys(columns: Expressions) -> Expressions:
    return [_binary(sqlalchemy.cast(column, _SPARK_TEXT)) for column in columns]


def _spark_hashed(columns: Expressions) -> Expression:
    digest = func.xxhash64(func.md5(_hex_said(_spark_keys(columns), func.hex)))
    return sqlalchemy.cast(digest, sqlalchemy.DECIMAL(38, 0))


def _spark_grouped(columns: Expressions) -> Expression:
    return func.xxhash64(*_spark_keys(columns))


def _spark_contact(email: Expression) -> Expression:
    return func.translate(func.btrim(email, _BLANKS), ascii_uppercase, ascii_lowercase)


class _SparkText(sqlalchemy.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "STRING"


_SPARK_TEXT = _SparkText()


def _snowflake_keys(columns: Expressions) -> Expressions:
    return [func.hex_encode(func.to_varchar(column)) for column in columns]


def _snowflake_hashed(columns: Expressions) -> Expression:
    said = [func.coalesce(key, literal_column("'-'")) for key in _snowflake_keys(columns)]
    return _snowflake_exact(func.hash(func.md5(_joined(said))))


def _snowflake_exact(number: Expression) -> Expression:
    # The stand-in that the tests have adds floating numbers up, unless a type is said: one of 38 digits is of 64 bits.
    return sqlalchemy.cast(number, sqlalchemy.DECIMAL(37, 0))


def _trimmed_contact(email: Expression) -> Expression:
    return func.translate(func.trim(email, _BLANKS), ascii_uppercase, ascii_lowercase)


def _hex_said(keys: Expressions, hexed: Callable[[Expression], Expression]) -> Expression:
    """All that some keys hold, in one text."""
    return _joined([func.coalesce(hexed(key), literal_column("'-'")) for key in keys])


def _joined(said: Expressions) -> Expression:
    """These texts in one: a letter that moves from one to the next makes another."""
    first, *others = said
    joined: Expression = func.concat(first, *(part for other in others for part in (literal_column("','"), other)))
    return joined


def _redshift_keys(columns: Expressions) -> Expressions:
    return [func.md5(sqlalchemy.cast(column, sqlalchemy.VARCHAR(65535))) for column in columns]


def _redshift_hashed(columns: Expressions) -> Expression:
    said: Expression = literal_column("''")
    for key in _redshift_keys(columns):  # its CONCAT takes two
        said = said.op("||")(func.coalesce(key, literal_column("'-'")))
    return sqlalchemy.cast(func.strtol(func.left(func.md5(said), 15), 16), sqlalchemy.DECIMAL(38, 0))


def _redshift_contact(email: Expression) -> Expression:
    trimmed = func.btrim(sqlalchemy.cast(email, sqlalchemy.VARCHAR(65535)), _BLANKS)
    return func.translate(trimmed, ascii_uppercase, ascii_lowercase)


def _bigquery_keys(columns: Expressions) -> Expressions:
    return [_binary(sqlalchemy.cast(column, sqlalchemy.String)) for column in columns]


def _bigquery_hashed(columns: Expressions) -> Expression:
    said = _hex_said(_bigquery_keys(columns), func.to_hex)
    return sqlalchemy.cast(func.farm_fingerprint(func.md5(said)), sqlalchemy.Numeric)


def _trino_keys(columns: Expressions) -> Expressions:
    return [func.to_utf8(sqlalchemy.cast(column, sqlalchemy.VARCHAR)) for column in columns]


def _trino_hashed(columns: Expressions) -> Expression:
    digest = func.xxhash64(func.md5(func.to_utf8(_hex_said(_trino_keys(columns), func.to_hex))))
    return sqlalchemy.cast(func.from_big_endian_64(digest), sqlalchemy.DECIMAL(38, 0))


def _trino_contact(email: Expression) -> Expression:
    trimmed = func.regexp_replace(email, f"^[{_BLANKS}]+|[{_BLANKS}]+$", "")
    return func.translate(trimmed, ascii_uppercase, ascii_lowercase)


# A table is made of what others have committed by then, without locks on what it is made of, and what does not fit into
# it is an error; and nobody who holds a table can keep a run waiting.
_MYSQL = Facts(
    _mysql_keys,
    _mysql_hashed,
    _mysql_contact,
    _mysql_grouped,
    type_of=func.charset,
    begin=(
        "SET SESSION sql_select_limit = 18446744073709551615",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES')",
        "SET SESSION lock_wait_timeout = 5",
    ),
    groups_a_pass=1_000_000,
)

_SPARK = Facts(_spark_keys, _spark_hashed, _spark_contact, _spark_grouped, sorts_for_min=True)

FACTS: Mapping[str, Facts] = {
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "hive": replace(_SPARK, kind="USING parquet"),
    "databricks": _SPARK,
    "snowflake": Facts(_snowflake_keys, _snowflake_hashed, _trimmed_contact, exact=_snowflake_exact),
    "redshift": Facts(_redshift_keys, _redshift_hashed, _redshift_contact),
    "bigquery": Facts(_bigquery_keys, _bigquery_hashed, _trimmed_contact),
    "trino": Facts(_trino_keys, _trino_hashed, _trino_contact),
}
"""By the name of the backend, as in a URL."""
