"""Documents and scripts in files: JSON, or YAML 1.2 by its core schema, so that every reader has the same value.

PyYAML only parses; its own rules are those of YAML 1.1, in which `no` is false, `0100` is 64 and `16:9` is 969. The
rules here are those of YAML 1.2.2, section 10.3. What JSON cannot express is refused by its place.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml

from .reading import MAX_DEPTH, TOO_DEEP, TWICE, Flaw, decode, inspect, whole
from .wording import cut

MAX_NESTED = 1_000  # levels; libyaml composes each in a call of its own, and some ten thousand end the process
MAX_REPEATED = 10_000  # values that aliases may add; ten short lines can stand for a billion

_OTHER_VERSION = re.compile(r"(?:[ \t]*(?:#.*)?\n)*%YAML[ \t]+(?!1\.2\b)(\S*)")
_PLAIN = re.compile(
    r"(?P<null>null|Null|NULL|~|)"
    r"|(?P<true>true|True|TRUE)|(?P<false>false|False|FALSE)"
    r"|(?P<int>[-+]?[0-9]+)|0o(?P<octal>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<infinity>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_READ: dict[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "true": lambda _: True,
    "false": lambda _: False,
    "int": whole,
    "octal": lambda text: int(text, 8),
    "hex": lambda text: int(text, 16),
    "float": float,
    "infinity": lambda text: float(text.replace(".", "")),
}


def read_file(file: Path, spell: Callable[[Sequence[str | int]], str]) -> Any:
    """Return the JSON or YAML value in a file, or raise a ValueError that names it; `spell` names a place in it."""
    form = "JSON" if file.suffix.lower() == ".json" else "YAML"
    try:
        text = file.read_text("utf-8-sig")
        value = _value(text, form)
        inspect(value)
    except OSError as error:
        raise type(error)(f"{file} cannot be read ({error.strerror}).") from error
    except Flaw as flaw:
        raise ValueError(f"{file}: {flaw.explain(spell)}") from flaw
    except RecursionError as error:  # how deep a reader goes depends on the version of Python
        raise ValueError(f"{file}: {Flaw(TOO_DEEP).explain(spell)}") from error
    except (UnicodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{file} is not {form} ({' '.join(str(error).split())}).") from error
    return value


def _value(text: str, form: str) -> Any:
    try:
        return decode(text)
    except json.JSONDecodeError:
        if form == "JSON":
            raise
    if other := _OTHER_VERSION.match(text):
        raise Flaw(f"is in YAML {other[1]}. Use YAML 1.2.")
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_NESTED:
            raise Flaw(TOO_DEEP)
    root = yaml.compose(text, _Loader)
    return _Builder().value(root) if root else None


def write_yaml(value: Any) -> str:
    """Return a JSON value as YAML that readers of 1.1 and of 1.2 read alike."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes each text that is something else without quotes in YAML 1.2; PyYAML quotes those of 1.1."""

    def text(self, text: str) -> yaml.Node:
        """Return the scalar of a text."""
        style = '"' if _PLAIN.fullmatch(text) else None
        return self.represent_scalar(yaml.SafeLoader.DEFAULT_SCALAR_TAG, text, style)


_Dumper.add_representer(str, _Dumper.text)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the quick one, if libyaml is there
    """Leaves open what a scalar without quotes and tag is."""

    yaml_implicit_resolvers: ClassVar = {None: [("plain", re.compile(""))]}


class _Builder:
    """Builds the value of a node; a node that was met before is there by an alias."""

    def __init__(self) -> None:
        self._met: set[yaml.Node] = set()
        self._repeated = 0

    def value(self, node: yaml.Node, depth: int = 0) -> Any:
        self._repeated += node in self._met
        if self._repeated > MAX_REPEATED:
            raise Flaw(f"is too large; the limit is {MAX_REPEATED} values that aliases repeat.")
        if depth > MAX_DEPTH:
            raise Flaw(TOO_DEEP)
        self._met.add(node)
        match node:
            case yaml.ScalarNode(tag="plain", value=text):
                found = _PLAIN.fullmatch(text)
                return _READ[str(found.lastgroup)](found[str(found.lastgroup)]) if found else text
            case yaml.ScalarNode(tag=yaml.SafeLoader.DEFAULT_SCALAR_TAG, value=text):
                return text
            case yaml.SequenceNode(tag=yaml.SafeLoader.DEFAULT_SEQUENCE_TAG, value=items):
                return [self._item(index, item, depth) for index, item in enumerate(items)]
            case yaml.MappingNode(tag=yaml.SafeLoader.DEFAULT_MAPPING_TAG, value=pairs):
                return self._object(pairs, depth)
        raise Flaw(f"has the tag {cut(node.tag)}. Write the value without it.")

    def _object(self, pairs: Sequence[tuple[yaml.Node, yaml.Node]], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for node, inner in pairs:
            key = self._key(node)
            if key in found:
                raise Flaw(TWICE, key)
            found[key] = self._item(key, inner, depth)
        return found

    def _key(self, node: yaml.Node) -> str:
        """Return a key; a whole number, such as a status, is its text."""
        key = self.value(node)
        written = node.value
        if written == "<<" and node.tag == "plain":
            raise Flaw("is a merge key, which YAML 1.2 does not have. Write the keys out.", written)
        if isinstance(key, str) or (type(key) is int and str(key) == written):
            return str(key)
        raise Flaw(f"has the key {cut(key)}; put it in quotes.")

    def _item(self, key: str | int, node: yaml.Node, depth: int) -> Any:
        try:
            return self.value(node, depth + 1)
        except Flaw as flaw:
            flaw.path = (key, *flaw.path)
            raise
