"""The dbt package by dbt itself, on DuckDB and PostgreSQL, and what syncer tells of its table. `.ci/run extras`."""

import json
import os
import re
import shutil
import subprocess
import venv
from importlib import metadata
from pathlib import Path

import duckdb
import psycopg
import pytest

from syncer import app, sync
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State
from tests.engines.test_extras import install
from tests.integration.test_scratch_generic import DuckdbWrite
from tests.world import World, Write, assert_held, calls

pytestmark = [pytest.mark.extras, pytest.mark.timeout(1500)]

PACKAGE = Path(app.__file__).parent / "deploy" / "dbt"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
HISTORY = sorted(file.stem for file in (PACKAGE / "models" / "history").glob("*.sql"))

SHOP = {
    ("ada@example.com", "vip_buyers"),
    ("cleo@example.com", "vip_buyers"),
    ("ada@example.com", "repeat_buyers"),
    ("bert@example.com", "repeat_buyers"),
    ("dora@example.com", "newsletter_no_order_yet"),
    ("emil@example.com", "newsletter_no_order_yet"),
}
"""What the seeds of the example say."""

LOVERS = """{{ config(meta={'audience': 'Café lovers'}) }}
select customer_id as user_id, email from {{ ref('customers') }} where customer_id in ('c1', 'c6')
"""
TESTS = ("email_per_member", "audience_names_distinct", "growth_within_bounds")


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt in an environment of its own, with our DuckDB: both open the same file.

    From 1.12 on dbt fetches a part of itself from elsewhere than the index.
    """
    folder = tmp_path_factory.mktemp("dbt")
    venv.create(folder, with_pip=True)
    (folder / "asked").write_text(f"dbt-core<1.12\ndbt-duckdb\ndbt-postgres\nduckdb=={metadata.version('duckdb')}\n")
    install(folder / "bin" / "python", f"--requirement={folder / 'asked'}")
    return folder / "bin" / "dbt"


class Shop:
    """The example project in a folder of its own, beside the package, as a clone has them."""

    def __init__(self, dbt: Path, folder: Path, world: World, target: dict[str, str]) -> None:
        ignored = shutil.ignore_patterns("dbt_packages", "target", "logs", "*.duckdb", "package-lock.yml")
        shutil.copytree(PACKAGE, folder / "package", ignore=ignored)
        self.folder = folder / "package" / "example"
        self.world = world
        self._dbt, self._target = dbt, target

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        given = {**os.environ, **self._target, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"}
        command = [str(self._dbt), "--warn-error", *arguments]
        with self.world.warehouse.changing():
            return subprocess.run(
                command, cwd=self.folder, env=given, capture_output=True, text=True, timeout=600, check=False
            )

    def build(self, *arguments: str) -> dict[str, tuple[str, int | None]]:
        """Status and failures of every node, by its name."""
        done = self.run("build", "--target", self._target["SHOP_TARGET"], *arguments)
        found = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        results = {each["unique_id"].split(".")[2]: (each["status"], each["failures"]) for each in found}
        bad = [name for name, (status, _) in results.items() if status in ("error", "fail")]
        assert (done.returncode == 0) == (not bad), done.stdout + done.stderr
        self.said = done.stdout
        return results

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def audience(self, name: str, text: str) -> None:
        (self.folder / "models" / "audiences" / f"{name}.sql").write_text(text)


@pytest.fixture(params=["duckdb", "postgres"])
def shop(
    request: pytest.FixtureRequest,
    dbt: Path,
    tmp_path: Path,
    state: State,
    receiver: SegmentReceiver,
) -> Shop:
    """A new database without a table; the state is beside it where that can be."""
    if request.param == "duckdb":
        write: Write = DuckdbWrite(tmp_path / "shop.duckdb")
        target = {"SHOP_FILE": str(tmp_path / "shop.duckdb")}
    else:
        write = Write(state.url)
        with psycopg.connect(state.url) as connection:
            info = connection.info
            names = {"HOST": info.host, "PORT": str(info.port), "USER": info.user, "PASSWORD": info.password}
            target = {f"SHOP_{name}": text for name, text in {**names, "DATABASE": info.dbname}.items()}
    (ready,) = re.findall(r'^ready = (""".*?""")$', README, re.MULTILINE | re.DOTALL)
    world = World(tmp_path, write, state.url, receiver, f"[guard]\nready = {ready}")
    world.table = "analytics.audience_membership"
    shop = Shop(dbt, tmp_path, world, {**target, "SHOP_TARGET": request.param})
    assert shop.run("deps").returncode == 0
    return shop


def attach_history(shop: Shop) -> None:
    """Lets DuckDB have the view of the history that a test of the package reads, in another database."""
    with shop.world.asking() as connection:
        found = connection.execute("SELECT * FROM sync_run_counts")
        columns = [f"{column.name} text" for column in found.description or ()]
        rows = [", ".join("NULL" if value is None else f"'{value}'" for value in row) for row in found]
    file = shop.folder / "history.duckdb"
    with duckdb.connect(str(file)) as written:
        written.execute(f"CREATE SCHEMA syncer; CREATE TABLE syncer.sync_run_counts ({', '.join(columns)})")
        for row in rows:
            written.execute(f"INSERT INTO syncer.sync_run_counts VALUES ({row})")
        for number in ("run_id", "members"):
            written.execute(f"ALTER TABLE syncer.sync_run_counts ALTER {number} TYPE integer")
    shop.change("profiles.yml", "type: duckdb\n", f"type: duckdb\n      attach: [{{ path: {file}, alias: state }}]\n")


def test_the_table_is_what_the_models_say_and_a_failed_test_holds_it(shop: Shop) -> None:
    world = shop.world
    results = shop.build()
    assert {name: results[name] for name in TESTS} == dict.fromkeys(TESTS, ("pass", 0))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == SHOP

    # Another audience: dbt builds it before the union, and refuses to leave it out.
    shop.audience("cafe_lovers", LOVERS)
    assert shop.build()["audience_membership"][0] == "error"
    assert "tagged `audience`, and not in the variable `audiences` of syncer: cafe_lovers" in shop.said
    assert sync.exit_code(world.sync()) == 0
    shop.change("dbt_project.yml", "[vip_buyers, ", "[cafe_lovers, vip_buyers, ")
    assert shop.build()["audience_membership_tested"][0] == "success"
    assert sync.exit_code(world.sync()) == 0
    more = SHOP | {("ada@example.com", "cafe_lovers"), ("fay@example.com", "cafe_lovers")}
    assert world.believed() == more

    # Each test fails: a member without an address and one with two, a name's double, an audience that is empty now.
    whole = (shop.folder / "seeds" / "customers.csv").read_text()
    broken = whole.replace("cleo@example.com", "").replace("dora@example.com,true", "dora@example.com,false")
    broken = broken.replace("emil@example.com,true", "emil@example.com,false") + "c2,bert@example.org,true\n"
    (shop.folder / "seeds" / "customers.csv").write_text(broken)
    shop.audience("coffee", LOVERS.replace("Café lovers", "Cafe-Lovers!"))
    shop.change("dbt_project.yml", "[cafe_lovers, ", "[coffee, cafe_lovers, ")
    history = ("--vars", "{history_schema: syncer}")
    if isinstance(world.warehouse, DuckdbWrite):
        history = ("--vars", "{history_schema: syncer, history_database: state}")
        attach_history(shop)
    results = shop.build(*history)
    assert [results[name] for name in TESTS] == [("fail", 2), ("fail", 2), ("fail", 1)]
    assert results["audience_membership_tested"][0] == "skipped"
    assert_held(world.sync())
    assert world.believed() == more

    (shop.folder / "seeds" / "customers.csv").write_text(whole)
    (shop.folder / "models" / "audiences" / "coffee.sql").unlink()
    shop.change("dbt_project.yml", "[coffee, ", "[")
    results = shop.build(*history)
    assert {name: results[name] for name in TESTS} == dict.fromkeys(TESTS, ("pass", 0))
    assert sync.exit_code(world.sync()) == 0
    assert world.believed() == more
    assert world.verify().differences == 0


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
def test_what_is_listed_has_to_be_tagged(shop: Shop) -> None:
    shop.change("dbt_project.yml", "[vip_buyers, ", "[customers, vip_buyers, ")
    assert shop.build("--select", "+audience_membership")["audience_membership"][0] == "error"
    assert "in the variable `audiences` of syncer, and not tagged `audience`: customers" in shop.said


@pytest.mark.parametrize("shop", ["postgres"], indirect=True)
def test_models_over_the_history_read_the_state_and_further_columns_are_traits(shop: Shop) -> None:
    for audience in (shop.folder / "models" / "audiences").iterdir():
        shop.change(f"models/audiences/{audience.name}", "as user_id,", "as user_id, cast('Oslo' as text) as town,")
    shop.world.extra = 'traits = { town = "city" }\n' + shop.world.extra
    assert shop.build("--vars", "{trait_columns: [town]}")["audience_membership_tested"][0] == "success"
    assert sync.exit_code(shop.world.sync()) == 0
    assert [traits["city"] for _, traits in calls(shop.world)] == ["Oslo"] * 5
    sizes = " union all ".join(
        f"select '{name}' as name, count(*) as rows from {{{{ ref('{name}') }}}}" for name in HISTORY
    )
    (shop.folder / "models" / "sizes.sql").write_text("{{ config(materialized='table') }}\n" + sizes)
    results = shop.build("--vars", "{history_schema: syncer}", "--exclude", "package:syncer,resource_type:test")
    assert results["sizes"][0] == "success"
    with psycopg.connect(shop.world.state_url) as connection:
        found: dict[str, int] = dict(connection.execute("SELECT name, rows FROM analytics.sizes").fetchall())
        kept = connection.execute("SELECT count(*) FROM pg_views WHERE viewname LIKE 'stg_syncer%'").fetchone()
    expected = {
        name: shop.world.query(f"SELECT count(*) FROM {name.removeprefix('stg_syncer__')}")[0][0] for name in HISTORY
    }
    assert found == expected
    assert found["stg_syncer__audience_membership_history"] == len(SHOP)
    assert kept == (0,)  # nothing that `syncer migrate` would have to take away
