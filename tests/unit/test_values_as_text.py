"""What a driver's values are as text, as a yes or no, and as JSON, without a database."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from syncer.warehouses import text


def _named(value: object) -> str | None:
    """Python refuses to write the largest numbers here."""
    return "large" if isinstance(value, int) and abs(value) > 10**100 else None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (" as it stands ", " as it stands "),
        (True, "true"),
        (12, "12"),
        (12.0, "12"),
        (-0.0, "0"),
        (1e23, "100000000000000000000000"),
        (0.1, "0.1"),
        (Decimal("12.00"), "12"),
        (Decimal("-0.00"), "0"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+30"), "1" + "0" * 30),
        (10**5000, "1" + "0" * 5000),
        (uuid.UUID("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff", "\udcff"),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("-Infinity"), None),
    ],
    ids=_named,
)
def test_the_text_of_a_value(value: object, written: str | None) -> None:
    assert text.text_of(value) == written


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *(
            (value, True)
            for value in (True, 1, 1.0, Decimal("1.00"), b"\x01", b"1", "TRUE ", "\tyes\n", "On", "y", "1")
        ),
        *((value, False) for value in (False, 0, -0.0, Decimal("0.0"), b"\x00", b"0", "false  ", "No", "off", "f")),
        *((value, False) for value in (None, "", "  ", b"")),
    ],
)
def test_a_yes_or_no(value: object, found: bool) -> None:
    assert text.is_member(value) is found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("maybe", "'maybe'"),
        ("1.0", "'1.0'"),
        (2, "'2'"),
        (0.5, "'0.5'"),
        (float("nan"), "'nan'"),
        (Decimal("NaN"), "'NaN'"),
        (b"\x02", r"'\x02'"),
        (date(2026, 1, 1), "'2026-01-01'"),
        ("ada@example.com", "a text that is not shown"),
        ("x" * 21, "a text that is not shown"),
    ],
)
def test_what_is_neither_is_shown_unless_it_may_be_a_persons(value: object, shown: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(shown)}$"):
        text.is_member(value)


WEST = timezone(timedelta(hours=-2))
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "encoded", "value_type"),
    [
        (None, None, "text"),
        (True, "true", "boolean"),
        (10**300, "1" + "0" * 300, "number"),
        (Decimal("12.50"), "12.50", "number"),
        (Decimal("1E-999999"), "0", "number"),
        ("gold", '"gold"', "text"),
        (b"gold", '"gold"', "text"),
        (date(1, 1, 1), '"0001-01-01"', "timestamp"),
        (date(9999, 12, 31), '"9999-12-31"', "timestamp"),
        (datetime(2026, 2, 1, 10, tzinfo=EAST).replace(tzinfo=None), '"2026-02-01T10:00:00.000Z"', "timestamp"),
        (datetime(2026, 2, 1, 10, tzinfo=EAST), '"2026-02-01T08:00:00.000Z"', "timestamp"),
        (datetime.max.replace(tzinfo=UTC), '"9999-12-31T23:59:59.999Z"', "timestamp"),
        ([1], '"[1]"', "list"),
        *((value, "null", "number") for value in (float("nan"), float("inf"), 10**309, -(10**5000))),
        *((Decimal(value), "null", "number") for value in ("NaN", "sNaN", "-Infinity", "1E+309", "1E+999999")),
        *((value, "null", "text") for value in ("a\0", "\udcff", b"\xff", bytearray(b"\0"))),
        (datetime(1, 1, 1, tzinfo=EAST), "null", "timestamp"),
        (datetime(9999, 12, 31, 23, tzinfo=WEST), "null", "timestamp"),
    ],
    ids=_named,
)
def test_the_json_of_a_value(value: Any, encoded: str | None, value_type: str) -> None:
    assert text.json_of(value) == (encoded, value_type)


def test_a_time_that_a_driver_hands_over_as_text_is_none_that_can_be_sent() -> None:
    assert text.json_of("300000-01-01", moment=True) == ("null", "timestamp")
