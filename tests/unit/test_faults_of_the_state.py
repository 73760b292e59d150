"""Every error of the state's database is ours, with a sentence and an exit code, or a bug."""

import psycopg
import pytest

from syncer import errors
from syncer.state import faults


@pytest.mark.parametrize(
    ("sqlstate", "sentence"),
    [
        ("08006", "failed"),
        ("25006", "is read-only now"),
        ("28P01", "refuses the login"),
        ("3D000", "does not exist"),
        ("42501", "refuses a right"),
        ("42P01", "is not as `syncer migrate` made it"),
        ("42883", "is not as `syncer migrate` made it"),
        ("53000", "has no resources left"),
        ("53100", "has no room left on its disk"),
        ("53200", "has no memory left"),
        ("53300", "has no connection left"),
        ("54000", "met a limit"),
        ("57014", "cancelled a statement"),
        ("57P01", "ended our session"),
        ("57P02", "ended our session"),
        ("57P03", "takes no connections now"),
        ("57P05", "was interrupted"),
        ("58030", "met an error of its system"),
        ("XX001", "met an error inside of PostgreSQL"),
    ],
)
def test_what_is_the_matter_is_said(sqlstate: str, sentence: str) -> None:
    ours = faults.translated(psycopg.errors.lookup(sqlstate)("its own words"))

    assert ours is not None
    assert ours.exit_code == 6
    assert str(ours) == f"{str(ours).split(': its own')[0]}: its own words"
    assert str(ours).startswith(f"the state database {sentence}")


def test_a_full_disk_is_told_from_what_passes_by_itself() -> None:
    full = faults.translated(psycopg.errors.DiskFull("could not extend file"))
    assert isinstance(full, errors.NoRoomError)
    assert full.unquoted.startswith("the state database has no room left on its disk")
    assert full.unquoted.endswith("make room there: …")


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_another_session_in_the_way_is_worth_another_try(sqlstate: str) -> None:
    assert isinstance(faults.translated(psycopg.errors.lookup(sqlstate)("words")), errors.StateConflictError)


@pytest.mark.parametrize("sqlstate", ["22001", "22P02", "23505", "42601", "0A000", "25P02"])
def test_a_bug_of_ours_stays_one(sqlstate: str) -> None:
    assert faults.translated(psycopg.errors.lookup(sqlstate)("words")) is None


def test_a_connection_that_was_never_there_has_no_sqlstate() -> None:
    ours = faults.translated(psycopg.OperationalError("connection refused"))
    assert str(ours) == "the state database failed: connection refused"
