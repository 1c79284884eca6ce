"""docs/reference/document.md, as `make reference` writes it: what `openapi.yaml` says, to be read by people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nano_banana_edit_mock import Contract

_INTRODUCTION = """# The document

`openapi.yaml` states the whole API once: {summary} The client is
generated from it, and the mock judges requests by it. [The contract](contract.md) lists each constraint with the tests
that prove it. `make reference` makes this page from version {version}.

| operation | request | what it does |
|---|---|---|
"""
_LIMITS = {"Length": "characters", "Items": "items", "imum": ""}  # what the keywords after min and max count


def page(contract: Contract) -> str:
    """The page: a table of the operations, then each with its body and its responses, then the models."""
    document = contract.document
    head = _INTRODUCTION.format(summary=_line(document["info"]["summary"]), version=document["info"]["version"])
    rows = [
        f"| [`{operation.id}`](#{operation.id.lower()}) | `{operation.method} {operation.path}` "
        f"| {_line(_of(document, operation)['summary'])}. |\n"
        for operation in contract.operations
    ]
    parts = [part for operation in contract.operations for part in _operation(document, operation)]
    schemas = document["components"]["schemas"]
    models = [part for name in schemas for part in _model(document, name, schemas[name])]
    return "\n".join([head + "".join(rows), *parts, "## Models\n", *models])


def _of(document: Mapping[str, Any], operation: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document["paths"][operation.path][operation.method.lower()]
    return found


def _operation(document: Mapping[str, Any], operation: Any) -> Iterator[str]:
    found = _of(document, operation)
    yield f"## {operation.id}\n"
    yield f"`{operation.method} {operation.servers[0]}{operation.path}`\n"
    yield f"{_line(found['description'])}\n"
    if operation.bearer:
        yield f"{_line(document['components']['securitySchemes']['bearer']['description'])}\n"
    if parameters := found.get("parameters"):
        yield _table(
            document, {entry["name"]: {**entry["schema"], **entry} for entry in parameters}, operation.parameters
        )
    if body := found.get("requestBody"):
        ((media_type, content),) = body["content"].items()
        schema = _resolved(document, content["schema"])
        yield f"The body is `{media_type}`:\n"
        yield _table(document, schema["properties"], schema.get("required", ()))
    yield "| status | response |\n|---|---|"
    for status, response in found["responses"].items():
        answer = _resolved(document, response)
        (content,) = answer["content"].values()
        said = f"{_type(content['schema'])}: {_line(answer['description'])}"
        yield f"| {'any other' if status == 'default' else status} | {said} |"
    yield ""


def _model(document: Mapping[str, Any], name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{_line(schema['description'])}\n"
    if "properties" in schema:
        yield _table(document, schema["properties"], schema.get("required", ()))
    else:
        yield f"{_type(schema)}: {'; '.join(_facts(schema))}\n"


def _table(document: Mapping[str, Any], properties: Mapping[str, Any], required: Any) -> str:
    head = "| name | type | required | limits | meaning |\n|---|---|---|---|---|\n"
    rows = (
        (
            f"`{name}`",
            _type(schema),
            "yes" if name in required else "",
            "; ".join(_facts({**_resolved(document, _single(schema)), **schema})),
            _line(schema["description"]),
        )
        for name, schema in properties.items()
    )
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a `$ref` names, or the schema itself."""
    found: Any = document if "$ref" in schema else schema
    for step in schema.get("$ref", "#").split("/")[1:]:
        found = found[step]
    return found


def _single(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema["allOf"][0] if "allOf" in schema else schema


def _type(schema: Mapping[str, Any]) -> str:
    schema = _single(schema)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    kind = schema["type"]
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _facts(schema: Mapping[str, Any]) -> Iterator[str]:
    for keyword, unit in _LIMITS.items():
        least, most = (schema.get(end + keyword) for end in ("min", "max"))
        bounds = [f"{number:,}" for number in (least, most) if number is not None]
        if bounds:
            words = "at most {}" if least is None else "at least {}" if most is None else "{} to {}"
            yield f"{words.format(*bounds)} {'bytes' if schema.get('format') == 'binary' else unit}".strip()
    if "enum" in schema:
        yield ", ".join(f"`{value}`" for value in schema["enum"])
    if "default" in schema:
        yield f"default: `{_value(schema['default'])}`"
    if "example" in schema:
        yield f"example: `{_value(schema['example'])}`"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(text: str) -> str:
    return " ".join(text.split())
