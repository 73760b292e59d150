"""The files that other programs read are what the schemas of these programs say, to the last key."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "syncer" / "deploy" / "kubernetes.yaml"
SCHEMAS = {
    ROOT / "syncer" / "deploy" / "compose.yaml": "compose-spec",
    ROOT / "syncer" / "deploy" / "review.yml": "github-workflows",
    ROOT / ".github" / "dependabot.yml": "dependabot",
    ROOT / ".github" / "workflows" / "ci.yml": "github-workflows",
    ROOT / ".github" / "workflows" / "supply-chain.yml": "github-workflows",
}
EACH = pytest.mark.parametrize("file", [KUBERNETES, *SCHEMAS], ids=lambda file: file.name)

OLDEST, NEWEST = "1.30", "1.37"
"""Releases of Kubernetes."""

NAMES = {
    "services", "volumes", "environment", "env", "data", "labels", "matchLabels", "requests", "limits", "depends_on",
    "jobs", "permissions", "matrix", "with",
}  # fmt: skip
"""Keys whose own keys are names that somebody chooses."""


@EACH
def test_it_is_as_its_schema_says(file: Path) -> None:
    for document in documents(file):
        assert [*faults(file, document), *faults(file, document, OLDEST)] == []


@EACH
def test_no_key_may_be_misspelt(file: Path) -> None:
    read = documents(file)
    typos = [typo for document in read for typo in misspelt(document)]
    assert len(typos) > 10
    assert [where for where, typo in typos if not faults(file, typo)] == []


def documents(file: Path) -> list[dict[Any, Any]]:
    read = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    for document in read:
        if True in document:
            document["on"] = document.pop(True)  # what YAML 1.1 makes of the word
    return read


def faults(file: Path, document: dict[Any, Any], release: str = NEWEST) -> list[str]:
    """What the schema complains of; for Kubernetes, that of a release."""
    import jsonschema
    import kubernetes_validate

    try:
        if file == KUBERNETES:
            kubernetes_validate.validate(document, release, strict=True)
        else:
            validator(SCHEMAS[file]).validate(document)
    except jsonschema.ValidationError as error:
        return [error.message]
    except KeyError as error:  # it says which schema is meant
        return [f"{error} is missing"]
    return []


@cache
def validator(name: str) -> Any:
    from jsonschema.validators import validator_for

    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json"
    schema = json.loads(vendored.read_text(encoding="utf-8"))
    return validator_for(schema)(schema)


def misspelt(document: dict[Any, Any]) -> Iterator[tuple[str, dict[Any, Any]]]:
    """The document with a mistake in one of its keys, for each of them."""
    for path in keys(document):
        typo = copy.deepcopy(document)
        holder: Any = typo
        for step in path[:-1]:
            holder = holder[step]
        holder[f"{path[-1]}x"] = holder.pop(path[-1])
        yield ".".join(map(str, path)), typo


def keys(value: object, *above: str | int) -> Iterator[tuple[str | int, ...]]:
    """The paths of all keys that are words of the schema."""
    if isinstance(value, dict):
        for key, below in value.items():
            if str(key).startswith("x-"):  # what it is merged into is looked at
                continue
            if not above or above[-1] not in NAMES:
                yield (*above, key)
            yield from keys(below, *above, key)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from keys(below, *above, place)
