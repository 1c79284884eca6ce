"""Files of documents and scripts: JSON, and YAML 1.2 by its core schema, as the generator reads them."""

import json
import re

import pytest
from nano_banana_edit_mock import MockService, load
from ruamel.yaml import YAML

# What a scalar without quotes is. In the versions before 1.2 most of these are something else.
PLAIN = {
    "no": "no",
    "On": "On",
    "yes": "yes",
    "OFF": "OFF",
    "y": "y",
    "true": True,
    "True": True,
    "FALSE": False,
    "tRUE": "tRUE",
    "null": None,
    "~": None,
    "nULL": "nULL",
    "100": 100,
    "0100": 100,
    "012": 12,
    "-08": -8,
    "+7": 7,
    "0o14": 12,
    "0x1F": 31,
    "16:9": "16:9",
    "190:20:30": "190:20:30",
    "1e3": 1000,
    "1.5": 1.5,
    ".5": 0.5,
    "1.": 1,
    "-2.5E-1": -0.25,
    "5000.0": 5000,
    "1e": "1e",
    "0b11": "0b11",
    "1_000": "1_000",
    "2024-01-01": "2024-01-01",
    "2024-01-01T00:00:00Z": "2024-01-01T00:00:00Z",
    "=": "=",
    "a b": "a b",
    "'5'": "5",
    '"no"': "no",
    "!!str 5": "5",
}
# The generator takes these for a binary number, a number dates, and no value at all; see `contract --json`.
OTHER_TO_THE_GENERATOR = ("0b11", "1_000", "2024-01-01", "2024-01-01T00:00:00Z", "=")


@pytest.fixture
def read(tmp_path):
    """What is read from a text beside an empty document."""

    def read(text, name="spec.yaml"):
        file = tmp_path / name
        file.write_text(text, "utf-8")
        return load(file).document

    return read


@pytest.fixture
def said(tmp_path):
    """The steps in a script, as they are played: the bodies of its replies."""

    def said(text, name="script.yaml"):
        file, service = tmp_path / name, MockService()
        file.write_text(text, "utf-8")
        service.script(file)
        return [rule.do.body for rule in service.rules]

    return said


@pytest.mark.parametrize("text", PLAIN)
def test_scalars(read, said, text):
    """A scalar is what the core schema says in documents and scripts, and the same to the generator."""
    value = read(f"openapi: 3.1.0\npaths: {{}}\nx-a: [{text}]")["x-a"]
    assert [PLAIN[text]] == value
    assert type(PLAIN[text]) is type(value[0])
    assert said(f"- reply: {{status: 200, body: [{text}]}}") == [[PLAIN[text]]]
    if text not in OTHER_TO_THE_GENERATOR:
        assert value == YAML(typ="safe").load(f"[{text}]")


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a"])
@pytest.mark.parametrize(
    "value", ["🍌", "\t", "no", 1e3, 1e-7, {"no": None, "0100": True}, ["\u2028", "\x7f", ""], 12345678901234567890]
)
def test_json_is_read_as_json(read, said, name, value):
    """A file of JSON has the values that any reader of JSON finds in it, whatever its name."""
    for indent in (None, "\t"):
        document = {"openapi": "3.1.0", "paths": {}, "x-a": value}
        assert document == read(json.dumps(document, indent=indent), name)
        assert [value] == said(json.dumps([{"reply": {"status": 200, "body": [value]}}], indent=indent), name)[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x-a: {b: 1, 'b': 2}", "/x-a/b is given twice; use each key once."),
        ("x-a: {200: 1, '200': 2}", "/x-a/200 is given twice; "),
        ("x-a: [{}, {c: 1,\n c: 2}]", "/x-a/1/c is given twice; "),
        ("x-a: {<<: {b: 1}}", "/x-a/<< is a merge key, which YAML 1.2 does not have. Write the keys out."),
        ("x-a: {1.5: 2}", "/x-a has the key 1.5; put it in quotes."),
        ("x-a: {true: 2}", "/x-a has the key True; put it in quotes."),
        ("x-a: {0x10: 2}", "/x-a has the key 16; put it in quotes."),
        ("x-a: {[]: 2}", "/x-a has the key []; put it in quotes."),
        ("x-a: !!binary aGk=", "/x-a has the tag tag:yaml.org,2002:binary. Write the value without it."),
        ("x-a: [!!set {a}]", "/x-a/0 has the tag tag:yaml.org,2002:set. "),
        ("x-a: !mine 5", "/x-a has the tag !mine. "),
        ("x-a: .inf", "/x-a is inf; it must be a number that a double can hold."),
        ("x-a: -.INF", "/x-a is -inf; "),
        ("x-a: .nan", "/x-a is nan; "),
        ("x-a: &a [*a]", "/x-a/0 is nested too deeply; the limit is 128 levels."),
        (f"x-a: {'[' * 200}{']' * 200}", "/x-a/0 is nested too deeply; "),
    ],
)
def test_what_is_refused_by_its_place(read, said, text, message):
    """What JSON has no form for, and what readers disagree on, is refused by file and place, in scripts as well."""
    with pytest.raises(ValueError, match=rf"spec\.yaml: {re.escape(message)}"):
        read(f"openapi: 3.1.0\npaths: {{}}\n{text}")
    with pytest.raises(ValueError, match=r"script\.yaml: steps\[0\]"):
        said(f"- reply:\n    status: 200\n    body:\n      {text}")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "%YAML 1.1\n---\nno", "The document is in YAML 1.1. Use YAML 1.2."),
        ("a.yaml", "# old\n\n%YAML  1.1 # so\n--- no", "The document is in YAML 1.1. "),
        ("a.json", '{"a": {"b": 1, "b": 2}}', "/a/b is given twice; use each key once."),
        ("a.yaml", '{"a": {"b": 1, "b": 2}}', "/a/b is given twice; use each key once."),
        ("a.json", "[NaN]", "/0 is nan; it must be a number that a double can hold."),
    ],
)
def test_whole_files_that_are_refused(read, name, text, message):
    """A file of another version of YAML, and JSON with a key twice, are refused."""
    with pytest.raises(ValueError, match=rf"{re.escape(name)}: {re.escape(message)}"):
        read(text, name)


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", "{a: 1}"), ("a.JSON", "[1,]"), ("a.yaml", "a: b: c"), ("a.yaml", "a: 1\n---\nb: 2")]
)
def test_files_that_are_neither(read, name, text):
    """A file that is named JSON must be JSON, and YAML has one document in a file."""
    with pytest.raises(ValueError, match=rf"{re.escape(name)} is not {'JSON' if name[2] in 'jJ' else 'YAML'} \("):
        read(text, name)


@pytest.mark.parametrize("text", ["%YAML 1.2\n---\n", "\ufeff", "# a comment\n", "--- # here\n"])
def test_beginnings(read, text):
    """The directive of this version, a byte order mark and comments change nothing."""
    assert {"openapi": "3.1.0", "paths": {}} == read(f"{text}openapi: 3.1.0\npaths: {{}}")


def test_aliases(read):
    """An alias stands for a copy of its value, as often as a person writes one."""
    text = "openapi: 3.1.0\npaths: {}\nx-a: &a {b: [1, 2]}\nx-b: [*a, *a]"
    assert [{"b": [1, 2]}] * 2 == read(text)["x-b"]
    repeated = "\n".join(f"  - *a{index}" for index in [1] * 100)
    assert 100 == len(read(f"openapi: 3.1.0\npaths: {{}}\nx-a: &a1 {list(range(98))}\nx-b:\n{repeated}")["x-b"])


@pytest.mark.parametrize("text", ["- " * 200_000, "x: " + "[" * 200_000, "{a: " * 200_000, "? " * 200_000])
def test_depth_that_ends_a_process(read, said, text):
    """A file that is nested so deeply that libyaml would end the process is refused."""
    with pytest.raises(ValueError, match=r"spec\.yaml: The document is nested too deeply; the limit is 128 levels"):
        read(text)
    with pytest.raises(ValueError, match=r"script\.yaml: steps is nested too deeply; "):
        said(text)


@pytest.mark.parametrize("last", [2, 9, 40])
def test_aliases_of_aliases(read, last):
    """A few lines that stand for millions of values are refused by place, at once."""
    lines = ["x-a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"x-a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, last)]
    text = "\n".join(["openapi: 3.1.0", "paths: {}", *lines])
    if last == 2:
        assert 10 == len(read(text)["x-a1"])
        return
    with pytest.raises(ValueError, match=r"spec\.yaml: /x-a3/\S+ is too large; the limit is 10000 values that aliases"):
        read(text)
