"""Writes what the API is as an OpenAPI document, from the tables by which it is served.

    python -m syncer.console.openapi > syncer/console/openapi.json

A test compares the two, and another one what is served with the document.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args, get_type_hints

import msgspec

from syncer.console import pages
from syncer.console.actions import KINDS, Done, Review
from syncer.console.api import LONGEST_WAIT
from syncer.console.asked import Asked
from syncer.console.routing import Route
from syncer.console.running import Begun, Busy
from syncer.console.views import runs
from syncer.web import BODY_BYTES

_GROUP = re.compile(r"\(\?P<(\w+)>([^()]*)\)")
_REF = "#/components/schemas/{name}"

Json = dict[str, Any]


class Failed(msgspec.Struct):
    """Why nothing was said, or done."""

    error: str


class Moved(msgspec.Struct):
    """What was reviewed is not so any more: nothing was done, and this is how it is now."""

    error: str
    review: Review


_WHY_NOT: Mapping[int, str] = {
    400: "What was asked is no question.",
    401: "This needs the token, or what was given is not the token.",
    403: "There is no token in the configuration; or a browser says that the page of another site asks.",
    404: "There is no such thing.",
    422: "What was asked for does not exist, or the configuration is wrong.",
    421: "It was asked by a name that is none of its own.",
    429: "There were too many wrong tokens from this address.",
    503: "The state cannot be used, or too many ask at the same time.",
}
_LOOKING = (400, 401, 403, 421, 429, 503)
_ACTING = (400, 401, 403, 411, 413, 421, 422, 429, 503)


def document() -> Json:
    """The whole document."""
    said = [_view_of(route) for route in pages.ROUTES]
    types = [*said, Review, Done, Begun, Busy, Failed, Moved, *{kind.takes for kind in KINDS.values()}]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths = dict([*_pages(), *map(_review, KINDS), *map(_act, KINDS), _look(), _itself()])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "syncer",
            "version": "1",
            "summary": "What was told, what waits and why; and what people and schedulers do about it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": _refusals(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "`[console] token`"}},
        },
    }


def _pages() -> Iterator[tuple[str, Json]]:
    for route in pages.ROUTES:
        path, described = _page(route)
        yield f"{path}.json", described
        if route.csv:
            table = {**described["get"], "operationId": f"list_{_named(path)}"}
            said = {"description": "A part of the list; `Link` says where the next is.", "content": {"text/csv": {}}}
            yield f"{path}.csv", {"get": {**table, "responses": {**table["responses"], "200": said}}}


def _page(route: Route) -> tuple[str, Json]:
    pattern = "/now" if route.name == "now" else route.pattern
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^(?:{expression})$"}}
        for name, expression in _GROUP.findall(pattern)
    ]
    for name, schema in route.filters.items():
        parameters.append({"name": name, "in": "query", "schema": {"anyOf": [dict(schema), {"const": ""}]}})
    missing = [404] if parameters and parameters[0]["in"] == "path" else []
    path = _GROUP.sub(r"{\1}", pattern)
    return path, {
        "get": {
            "operationId": f"show_{_named(path)}",
            "summary": f"The page {route.name!r} as JSON; with the token, its addresses are not masked.",
            "parameters": parameters,
            "responses": {"200": _json("What the page says.", _view_of(route)), **_why_not(*_LOOKING, *missing)},
        }
    }


def _named(path: str) -> str:
    return "_".join(re.findall(r"\w+", path))


def _review(name: str) -> tuple[str, Json]:
    return f"/actions/{name}.json", {
        "get": {
            "operationId": f"review_{name}",
            "summary": "What somebody has to know who decides, and a digest of it.",
            "parameters": list(_in_query(KINDS[name].takes)),
            "responses": {"200": _json("The review.", Review), **_why_not(*_LOOKING, 422)},
        }
    }


def _act(name: str) -> tuple[str, Json]:
    kind = KINDS[name]
    done: Json = {"200": _json("What was done.", Done), "409": _json("It moved.", Moved)}
    if kind.wish is not None:
        begun = _json("The run has begun.", Begun)
        begun["headers"] = {"Location": {"schema": {"type": "string"}, "description": "Where the run is."}}
        done = {
            "201": begun,
            "202": _json("The daemon has begun, and the number of the run is not known yet.", Begun),
            "409": _json("Somebody else syncs; or what was reviewed moved.", Busy, Moved),
        }
    return "/api/runs" if name == "sync" else f"/api/{name}", {
        "post": {
            "operationId": "begin_run" if name == "sync" else name,
            "summary": f"`syncer {name}`, by whoever holds the token.",
            "security": [{"token": []}],
            "requestBody": {"content": {"application/json": {"schema": _schema(kind.takes)}}},
            "responses": {**done, **_why_not(*_ACTING)},
        }
    }


def _look() -> tuple[str, Json]:
    number = {"type": "string", "pattern": "^[0-9]{1,9}$"}
    wait = {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT}
    return "/api/runs/{run}", {
        "get": {
            "operationId": "await_run",
            "summary": "A run, once it has ended, or as it is after `wait` seconds. To wait needs the token.",
            "parameters": [
                {"name": "run", "in": "path", "required": True, "schema": number},
                {"name": "wait", "in": "query", "schema": wait},
            ],
            "responses": {"200": _json("The run.", runs.Run), **_why_not(*_LOOKING, 404)},
        }
    }


def _itself() -> tuple[str, Json]:
    return "/openapi.json", {
        "get": {
            "operationId": "describe",
            "summary": "This document.",
            "responses": {
                "200": {"description": "It.", "content": {"application/json": {"schema": {"type": "object"}}}},
                **_why_not(400, 401, 403, 421, 429),
            },
        }
    }


def _in_query(takes: type[Asked]) -> Iterator[Json]:
    """What an action takes, as it stands in an address: a list by repeating its name."""
    _, components = msgspec.json.schema_components([takes], ref_template=_REF)
    described = components[takes.__name__]
    required = described.get("required", ())
    for name, schema in described["properties"].items():
        if name == "digest":  # it is what the review answers
            continue
        plain = {key: value for key, value in schema.items() if key != "default"}
        yield {"name": name, "in": "query", "required": name in required, "schema": plain}


def _json(description: str, *types: type) -> Json:
    schemas = [_schema(each) for each in types]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schema(kind: type) -> Json:
    return {"$ref": _REF.format(name=kind.__name__)}


def _why_not(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in (*sorted(statuses), 431)}


def _refusals() -> Json:
    """What is answered where nothing is said. The server itself, which knows no JSON, answers where there is no page,
    where too many ask, and where it does not read to the end."""
    said = {str(status): _json(why, Failed) for status, why in _WHY_NOT.items()}
    sentence: Json = {"text/plain": {"schema": {"type": "string"}}}
    for status in ("404", "503"):
        said[status]["content"].update(sentence)
    unread = {
        "411": "Nothing says how long the body is (`Content-Length`).",
        "413": f"The body has more than {BODY_BYTES} bytes.",
        "431": "The address and the headers are too long.",
    }
    return {**said, **{status: {"description": why, "content": sentence} for status, why in unread.items()}}


def _view_of(route: Route) -> type:
    """What a view returns where there is something."""
    said = get_type_hints(route.view)["return"]
    kinds = [each for each in get_args(said) or (said,) if each is not type(None)]
    return cast(type, kinds[0])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1) + "\n")
