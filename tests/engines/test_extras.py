"""Each extra by itself, in an environment of its own: its dialect and driver are there, and write our statements.

Of a database that no test can start this is all that is known. Skipped where the package index is not reached.
"""

import json
import os
import subprocess
import tomllib
import venv
from pathlib import Path

import pytest

from syncer.warehouses.extras import EXTRAS

pytestmark = [pytest.mark.extras, pytest.mark.timeout(900)]

CHECKOUT = Path(__file__).resolve().parents[2]
ODD = '"my-lake"."C.r m"."We ""M"""'

BACKTICKS = '`my-lake`.`C.r m`.`We "M"`'
DOUBLE_QUOTES = ODD
DIALECTS = {
    "bigquery": ("bigquery://project/data", "`lake`.`crm`.`members`", BACKTICKS, "`"),
    "clickhouse": ("clickhousedb://localhost/default", '"lake"."crm"."members"', DOUBLE_QUOTES, '"'),
    "databricks": ("databricks://token:t@h?http_path=/x&catalog=c&schema=s", "lake.crm.members", BACKTICKS, ""),
    "duckdb": ("duckdb:///:memory:", "lake.crm.members", DOUBLE_QUOTES, ""),
    "mssql": ("mssql+pymssql://h/d", "lake.crm.members", '[my-lake].[C.r m].[We "M"]', ""),
    "mysql": ("mysql+pymysql://h/d", "lake.crm.members", BACKTICKS, ""),
    "oracle": ("oracle+oracledb://h/?service_name=s", "lake.crm.members", DOUBLE_QUOTES, ""),
    "redshift": ("redshift+psycopg2://h/d", "lake.crm.members", DOUBLE_QUOTES, ""),
    "snowflake": ("snowflake://u:p@account/lake/crm", "lake.crm.members", DOUBLE_QUOTES, ""),
    "spark": ("hive://h:10000/default", "`lake`.`crm`.`members`", BACKTICKS, "`"),
    "trino": ("trino://u@h:8080/lake/crm", "lake.crm.members", DOUBLE_QUOTES, ""),
}
"""By extra: a URL, how the dialect writes `lake.crm.members` and the odd name, and what it puts around every name."""

COMPARES = {"bigquery", "databricks", "mysql", "redshift", "snowflake", "spark", "trino"}
"""Those whose databases may keep the last snapshot by portable statements."""


def test_every_kind_of_warehouse_has_its_extra() -> None:
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(DIALECTS) == set(EXTRAS.values())
    assert set(DIALECTS) <= set(extras)


@pytest.mark.parametrize("extra", DIALECTS)
def test_an_extra_brings_its_dialect_which_writes_our_statements(extra: str, tmp_path: Path) -> None:
    url, plain, odd, quote = DIALECTS[extra]
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    install(python, f"{CHECKOUT}[{extra}]")
    program = str(CHECKOUT / "tests" / "engines" / "compiled.py")
    done = subprocess.run(
        [str(python), "-W", "ignore", program, url, "members", "crm.members", "lake.crm.members", ODD],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["installs"] == f"pip install 'engage-syncer[{extra}]'"
    names = {
        "members": f"{quote}members{quote}",
        "crm.members": f"{quote}crm{quote}.{quote}members{quote}",
        "lake.crm.members": plain,
        ODD: odd,
    }
    moved = found["mirror"][-1].upper() if found["mirror"] else ""
    # Both tables, and the sums of both, to find the groups of users that differ.
    assert (moved.count(" UNION ALL "), moved.count(" OVER (")) == ((2, 2) if extra in COMPARES else (0, 0))
    for name, written in names.items():
        probe, none, rows, counted, about, asked = found[name]
        columns = ", ".join(f"{quote}{column}{quote}" for column in ("audience", "user_id", "email"))
        assert probe == f"SELECT * FROM {written} WHERE 1 = 0"
        assert rows == f"SELECT {columns} FROM {written}"
        assert none == f"{rows} WHERE 1 = 0"
        assert counted.lower().startswith("select count(*) as ")
        assert counted.endswith(f"FROM {written}")
        assert about.startswith(f"{rows} WHERE LOWER(REPLACE(")
        assert asked == f"SELECT DISTINCT {quote}audience{quote} FROM {written}"


def install(python: Path, what: str) -> None:
    """Skips the test if the index cannot be reached."""
    options = ["-q", "--disable-pip-version-check", "--no-compile"]
    environ = {**os.environ, "PIP_RETRIES": "1", "PIP_TIMEOUT": "15"}
    command = [str(python), "-m", "pip", "install", *options, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False, env=environ)
    if done.returncode and "No matching distribution found for" in done.stderr and not reached(python):
        pytest.skip("the package index is not reached")
    assert done.returncode == 0, done.stderr


def reached(python: Path) -> bool:
    """Whether the index knows a package that it certainly has."""
    command = [str(python), "-m", "pip", "index", "versions", "pip"]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
