"""The document of the API is what is kept, is valid, and says every address that the console has."""

import json
from importlib import resources

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from syncer.console import openapi, pages
from syncer.console.actions import KINDS
from syncer.console.views.lists import OF_RUN, STANDING

KEPT = json.loads((resources.files("syncer.console") / "openapi.json").read_bytes())


def test_the_file_says_what_the_tables_say() -> None:
    assert json.loads(json.dumps(openapi.document())) == KEPT, (
        "python -m syncer.console.openapi > syncer/console/openapi.json"
    )


def test_the_document_is_an_openapi_document() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(KEPT).iter_errors()] == []


def test_every_page_and_every_action_is_described() -> None:
    described = set(KEPT["paths"])
    shown = {path.replace("{run}", "7").replace("{property}", "vip") for path in described}
    shown = {path.replace("{what}", what).removesuffix(".json") for path in shown for what in (*OF_RUN, *STANDING)}
    assert [route.name for route in pages.ROUTES if not any(map(route.expression.fullmatch, shown))] == []
    assert {f"/actions/{name}.json" for name in KINDS} <= described
    assert {f"/api/{name}" for name in KINDS if name != "sync"} | {"/api/runs", "/api/runs/{run}"} <= described


@pytest.mark.parametrize("path", KEPT["paths"])
def test_every_operation_says_what_may_come_of_it(path: str) -> None:
    for operation in KEPT["paths"][path].values():
        assert {"400", "401", "403", "421", "429"} <= set(operation["responses"])
        assert operation["summary"]
