"""The configuration as a JSON Schema, by which editors complete a file and mark what is misspelt.

Made from the models, so that it knows exactly their keys and types. It says nothing that the loader would not say;
rules between keys are left to `syncer check`. A text may hold `${NAME}` wherever one of certain texts is wanted.
Everything stands where it is used, and no word is newer than draft 7, since editors of TOML know no more.
"""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from syncer.config.explained import Words, words
from syncer.config.settings import Settings

_DIALECT = "http://json-schema.org/draft-07/schema#"
_REFERENCE = r"\$\{"
_SAID = "Which warehouse is read, and what is told to which destinations. `syncer check` judges rules between keys."
_DEFAULT_TYPE = "segment"
"""What a destination without `type` is."""

Node = dict[str, Any]


class _Plain(GenerateJsonSchema):
    """Leaves out defaults that no file could hold."""

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """Nobody need hear of them."""


def schema() -> Node:
    """The whole schema."""
    found = Settings.model_json_schema(schema_generator=_Plain)
    made = _made(found, found.pop("$defs"))
    _explain(made, "", words())
    return {"$schema": _DIALECT, **made, "title": "The configuration of syncer", "description": _SAID}


def _made(node: Any, defined: Mapping[str, Node]) -> Any:
    """The node in our words, with everything that it refers to."""
    match node:
        case {"$ref": str(reference), **beside}:
            return {**_made(defined[reference.rpartition("/")[2]], defined), **_made(beside, defined)}
        case {"anyOf": list(choices), **beside} | {"oneOf": list(choices), **beside}:
            possible = [_made(choice, defined) for choice in choices if choice != {"type": "null"}]
            return {**_made(beside, defined), **(possible[0] if len(possible) == 1 else {"anyOf": possible})}
        case {"properties": dict(properties), **beside}:
            made = {name: _made(each, defined) for name, each in properties.items()}
            return _typed({**_made(beside, defined), "properties": made})
        case {"default": dict(), **beside}:
            return _made(beside, defined)
        case dict():
            return _referable({key: _made(value, defined) for key, value in node.items() if _is_said(key, value)})
        case list():
            return [_made(each, defined) for each in node]
    return node


def _is_said(key: str, value: object) -> bool:
    """Titles only repeat names; discriminators are no word of draft 7; a default of a table is what its keys say, and
    `gt` is about seconds, which are written as a text."""
    return key not in ("title", "discriminator", "gt") and not (key == "default" and value in (None, []))


def _referable(node: Node) -> Node:
    """Lets a text that has to be one of some, or of a form, come from elsewhere."""
    if node.get("type") != "string":
        return node
    if "pattern" in node:
        return {**node, "pattern": f"{node['pattern']}|{_REFERENCE}"}
    limits = {key: node[key] for key in ("enum", "const") if key in node}
    if not limits:
        return node
    beside = {key: value for key, value in node.items() if key not in (*limits, "type")}
    return {**beside, "anyOf": [{"type": "string", **limits}, {"type": "string", "pattern": _REFERENCE}]}


def _typed(node: Node) -> Node:
    """A destination that is not of the default type has to say so."""
    kind = _kind(node)
    return node if kind in (None, _DEFAULT_TYPE) else {**node, "required": ["type", *node["required"]]}


def _kind(node: Node) -> str | None:
    """The type of a destination, if this is a table of one."""
    default = node["properties"].get("type", {}).get("default")
    return default if isinstance(default, str) else None


def _explain(node: Node, place: str, told: Words) -> None:
    """Adds what the example says of every table and key."""
    for choice in node.get("anyOf", ()):
        _explain(choice, place, told)
    if "items" in node:
        _explain(node["items"], place, told)
    if "properties" not in node:
        return
    kind = _kind(node)
    place = f"{place}.{kind}" if kind else place
    node["description"] = told.tables.get(place) or " ".join(node["description"].split())
    for key, inner in node["properties"].items():
        below = f"{place}.{key}".lstrip(".")
        said = told.keys.get((place, key)) or told.tables.get(below)
        if kind:
            said = said or told.keys.get((f"destinations.{_DEFAULT_TYPE}", key))
        if said:
            inner["description"] = said
        _explain(inner, below, told)
