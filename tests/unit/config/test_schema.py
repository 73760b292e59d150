"""The configuration's JSON Schema: it knows every key, takes what the loader takes, and refuses what is misspelt."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from syncer.config import known, schema
from syncer.demo import folder
from tests.commands import call
from tests.unit.config.test_example import uncommented
from tests.unit.config.texts import (
    DESTINATION,
    EXAMPLE,
    MAILMODO,
    MINIMAL,
    WAREHOUSE,
    WEBHOOK,
    in_destination,
    in_log,
)

DEPLOY = EXAMPLE.parent / "syncer" / "deploy"
SCHEMA = schema.schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
CHOSEN = {"connect_args", "traits", "headers", "integrations", "lists", "audience_settings", "accept", "hash", "rename"}
CHOSEN |= {"secrets", "constants"}
"""Tables whose keys are names that somebody chooses."""


def faults(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def examples(tmp_path: Path) -> Iterator[str]:
    yield EXAMPLE.read_text("utf-8")
    yield uncommented(apart_from=set())
    yield from re.findall(r"```toml\n(.*?)```", (EXAMPLE.parent / "README.md").read_text("utf-8"), re.DOTALL)
    folder.write_config(tmp_path, "postgresql://x", "http://127.0.0.1:1", "http://127.0.0.1:2")
    yield (tmp_path / "syncer.toml").read_text("utf-8")
    for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")):
        yield from (text for name, text in each.get("data", {}).items() if name.endswith(".toml"))
    yield from (file.read_text("utf-8") for file in sorted(DEPLOY.rglob("*.toml")))


def test_every_example_is_as_the_schema_says(tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    texts = list(examples(tmp_path))
    assert len(texts) >= 5
    assert [fault for text in texts for fault in faults(text)] == []


def test_every_key_of_every_table_is_there_with_what_it_means() -> None:
    for place, table in known.tables():
        node = at(SCHEMA, place)
        assert set(node["properties"]) == set(known.keys_of(table)), place
        assert {key for key, inner in node["properties"].items() if not inner.get("description")} == set(), place
        assert node["description"]
    timeout = at(SCHEMA, ("destinations", "[]", "mailmodo"))["properties"]["timeout"]
    assert timeout["description"].startswith("How long to wait for a whole answer")
    assert timeout["default"] == "30s"
    assert "$ref" not in json.dumps(SCHEMA)


def at(node: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    """The table at a place, as `known.tables` gives it."""
    for step in place:
        if step == "[]":
            node = node.get("items") or node["additionalProperties"]
        elif "properties" in node:
            node = node["properties"][step]
        else:
            node = next(each for each in node["anyOf"] if each["properties"]["type"]["default"] == step)
    return node if "properties" in node else next(each for each in node["anyOf"] if "properties" in each)


def test_no_key_may_be_misspelt() -> None:
    tree = tomllib.loads(uncommented(apart_from=set()))
    paths = list(keys(tree))
    assert len(paths) > 100
    for path in paths:
        typo = copy.deepcopy(tree)
        holder: Any = typo
        for step in path[:-1]:
            holder = holder[step]
        holder[f"{path[-1]}x"] = holder.pop(path[-1])
        assert not VALIDATOR.is_valid(typo), path


def keys(node: Any, *above: str | int) -> Iterator[tuple[str | int, ...]]:
    if isinstance(node, dict) and not CHOSEN & set(above):
        for key, below in node.items():
            yield (*above, key)
            yield from keys(below, *above, key)
    elif isinstance(node, list):
        for index, below in enumerate(node):
            yield from keys(below, *above, index)


@pytest.mark.parametrize(
    "text",
    [
        in_destination("timeout = '${TIMEOUT}'\ntype = '${TYPE}'\nregion = 'e${U}'"),
        in_destination("timeout = '1h30m'\nmax_events_per_second = 2.5"),
        in_destination("track = true"),
        in_destination("track = { initial = true }"),
        in_log("level = 'debug'"),
        in_log("level = 'Warning'"),
        in_log("format = '${file:format}'"),
        WAREHOUSE + WEBHOOK + "accept = { ok = true }\nhash = { email = '${DIGEST}' }",
        WAREHOUSE + WEBHOOK + "[destinations.templates.changed]\nstatus = [200, '202-204', '${MORE}', 200]",
        WAREHOUSE + DESTINATION.replace("k3y", "${KEY}") + MAILMODO + WEBHOOK,
    ],
)
def test_what_the_loader_takes_is_right(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        in_destination("timeout = 30"),
        in_destination("timeout = '30'"),
        in_destination("timeout = ''"),
        in_destination("concurrency = '${MANY}'"),
        in_destination("concurrency = 65"),
        in_destination("rollout = 2"),
        in_destination("region = 'asia'"),
        in_destination("track = 'true'"),
        in_destination("api_key = 'x'"),
        in_destination("hash = { phone = 'sha1' }"),
        WAREHOUSE + WEBHOOK + "[destinations.templates.changed]\nstatus = [2.5]",
        in_log("level = 'loud'"),
        WAREHOUSE + MAILMODO.replace('type = "mailmodo"', ""),
        WAREHOUSE,
        MINIMAL.replace("[[destinations]]", "[destinations]"),
    ],
)
def test_what_the_loader_refuses_of_types_is_wrong(text: str) -> None:
    assert faults(text) != []


def test_the_command_prints_it() -> None:
    done = call(["schema"])
    assert done.returncode == 0
    assert json.loads(done.stdout) == SCHEMA
