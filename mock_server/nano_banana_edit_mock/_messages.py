"""Why a value is refused: the field, what was received, what is accepted, what to do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = 60  # characters of a received value; enough to recognise it

_REMEDIES = {
    "additionalProperties": "Remove it.",
    "const": "Send that.",
    "enum": "Choose one of them.",
    "exclusiveMaximum": "Lower it.",
    "exclusiveMinimum": "Raise it.",
    "maxItems": "Remove some.",
    "maxLength": "Shorten it.",
    "maximum": "Lower it.",
    "minItems": "Add some.",
    "minLength": "Lengthen it.",
    "minimum": "Raise it.",
    "multipleOf": "Round it.",
    "pattern": "Rewrite it.",
    "required": "Add it.",
    "type": "Change its type.",
    "uniqueItems": "Remove the repeats.",
}

_PHRASES = {
    "exclusiveMaximum": "less than {}",
    "exclusiveMinimum": "more than {}",
    "multipleOf": "multiples of {}",
    "pattern": "text that matches {}",
    "uniqueItems": "each item once",
}


def explain(name: str, keyword: str, schema: Mapping[str, Any], received: Any, unit: str = "characters") -> str:
    """Say why `received` is refused by a keyword of `schema`; `unit` is what the length of a text counts."""
    match keyword:
        case "required":
            state, accepted = "is missing", "no request without it"
        case "additionalProperties":
            state, accepted = "is unknown", "only " + ", ".join(schema.get("properties", ()))
        case "minLength" | "maxLength":
            state, accepted = f"has {len(received)} {unit}", _range(schema, "minLength", "maxLength")
        case "minItems" | "maxItems":
            state, accepted = f"has {len(received)} items", _range(schema, "minItems", "maxItems")
        case "minimum" | "maximum":
            state, accepted = f"is {received}", _range(schema, "minimum", "maximum")
        case _:
            state, accepted = f"is {_show(received)}", _accepted(keyword, schema[keyword])
    return f"{name} {state}; the service accepts {accepted}. {_REMEDIES[keyword]}"


def spell(path: Sequence[str | int]) -> str:
    """Return a path into the body as a reader knows it, such as `image_urls[3]`."""
    spelled = "".join(f"[{token}]" if isinstance(token, int) else f".{token}" for token in path)
    return spelled.removeprefix(".") or "The body"


def _range(schema: Mapping[str, Any], low: str, high: str) -> str:
    if low not in schema:
        return f"at most {schema[high]}"
    return f"{schema[low]} to {schema[high]}" if high in schema else f"at least {schema[low]}"


def _accepted(keyword: str, value: Any) -> str:
    match keyword:
        case "type":
            names = [value] if isinstance(value, str) else value
            return " or ".join(f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in names)
        case "enum":
            return ", ".join(map(_show, value))
        case "const":
            return _show(value)
        case _:
            return _PHRASES[keyword].format(value)


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = json.dumps(value[: _SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
