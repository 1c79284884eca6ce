"""Why a value is refused: the field, what was received, what is accepted, what to do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_SHOWN = 60  # characters of a value or key; enough to recognise it

_WORDS = {
    "additionalProperties": ("{}", "Remove it."),
    "const": ("{}", "Send that."),
    "enum": ("{}", "Choose one of them."),
    "exclusiveMaximum": ("less than {}", "Lower it."),
    "exclusiveMinimum": ("more than {}", "Raise it."),
    "maxItems": ("{}", "Remove some."),
    "maxLength": ("{}", "Shorten it."),
    "maximum": ("{}", "Lower it."),
    "minItems": ("{}", "Add some."),
    "minLength": ("{}", "Lengthen it."),
    "minimum": ("{}", "Raise it."),
    "multipleOf": ("multiples of {}", "Round it."),
    "pattern": ("text that matches {}", "Rewrite it."),
    "required": ("no request without it", "Add it."),
    "type": ("{}", "Change its type."),
    "uniqueItems": ("each item once", "Remove the repeats."),
}


def explain(name: str, keyword: str, schema: Mapping[str, Any], received: Any, unit: str = "characters") -> str:
    """Say why `received` is refused by a keyword of `schema`; `unit` is what the length of a text counts."""
    match keyword:
        case "required":
            state = "is missing"
        case "additionalProperties":
            state = "is unknown"
        case "minLength" | "maxLength":
            state = f"has {len(received)} {unit}"
        case "minItems" | "maxItems":
            state = f"has {len(received)} items"
        case _:
            state = f"is {show(received)}"
    accepted, remedy = _WORDS[keyword]
    return f"{name} {state}; the service accepts {accepted.format(_limit(keyword, schema))}. {remedy}"


def spell(path: Sequence[str | int]) -> str:
    """Return a path into the body as a reader knows it, such as `image_urls[3]`."""
    spelled = "".join(f"[{token}]" if isinstance(token, int) else f".{token}" for token in path)
    return spelled.removeprefix(".") or "The body"


def show(value: Any) -> str:
    """Return a value as a message shows it: as JSON, shortened, and a container by its kind."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return cut(json.dumps(value[: _SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False))


def cut(value: Any) -> str:
    """Return a value as text, shortened."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _limit(keyword: str, schema: Mapping[str, Any]) -> str:
    """Return what a keyword demands; one end of a range brings the other along."""
    if keyword.startswith(("min", "max")):
        low, high = (schema.get(end + keyword[3:]) for end in ("min", "max"))
        return f"at most {high}" if low is None else f"at least {low}" if high is None else f"{low} to {high}"
    value: Any = schema.get(keyword)
    match keyword:
        case "type":
            names = [value] if isinstance(value, str) else value
            return " or ".join(f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in names)
        case "additionalProperties":
            return f"only {', '.join(schema['properties'])}" if schema.get("properties") else "none"
        case "enum":
            return ", ".join(map(show, value))
        case _:
            return show(value) if keyword == "const" else str(value)
