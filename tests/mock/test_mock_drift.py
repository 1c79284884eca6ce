"""What a changed document means for those who use the old one."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from nano_banana_edit_mock import load
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import resolve
from nano_banana_edit_mock.tools.drift import bump, changes, inspect, raised, suffices

from .drift_documents import BODIES, OPERATIONS, REQUEST, RESPONSES, SCHEMES, TASK, TOKENS
from .edits import put

PROMPT = f"{REQUEST}/properties/prompt"


@pytest.fixture
def document():
    """The shipped document, with a second way to authorize that no operation names."""
    shipped = copy.deepcopy(dict(load().document))
    put(f"{SCHEMES}/second", {"type": "http", "scheme": "bearer"})(shipped)
    return shipped


@pytest.mark.parametrize(
    ("edit", "needed", "text", "reason"),
    [*OPERATIONS, *TOKENS, *BODIES, *RESPONSES],
    ids=lambda value: None if callable(value) or isinstance(value, tuple) else str(value)[:60],
)
def test_bump_of_an_edit(document, edit, needed, text, reason):
    """Each edit of the document has its bump, and the change names its place in the document's words."""
    prepare, edit = edit if isinstance(edit, tuple) else (lambda _: None, edit)
    prepare(document)
    old = parse(copy.deepcopy(document))
    edit(document)
    new = parse(document)
    found = "\n".join(map(str, changes(old, new)))
    assert bump(old, new) == needed, f"{reason}\n{found}"
    assert re.search(text, found, re.MULTILINE) if text else not found


@pytest.mark.parametrize(
    ("version", "part"),
    [
        ("2.0.0", "major"),
        ("1.1.0", "minor"),
        ("1.0.1", "patch"),
        ("1.0.0", "none"),
        ("0.9.9", "none"),
        ("0.10.1", "none"),
        ("2", "major"),
        ("1.1", "minor"),
        ("1", "none"),
    ],
)
def test_part_that_rose(document, version, part):
    """The part of the version that rose is the first that differs, unless it fell."""
    old = parse(copy.deepcopy(document))
    document["info"]["version"] = version
    assert part == raised(old, parse(document))


def test_part_that_rose_from_a_short_version(document):
    """A version that leaves out its last parts has zeros there."""
    document["info"]["version"] = "1.0"
    old = parse(copy.deepcopy(document))
    document["info"]["version"] = "1.0.1"
    assert "patch" == raised(old, parse(document))


def test_a_greater_rise_suffices():
    """More than what is needed is enough, less is not."""
    parts = ["major", "minor", "patch", "none"]
    for index, part in enumerate(parts):
        assert [suffices(part, needed) for needed in parts] == [index <= other for other in range(len(parts))]


def test_a_response_that_refers_to_itself(document):
    """A circle of references in a response is an error that names its place."""
    put("/components/responses/Error", {"$ref": "#/components/responses/Error"})(document)
    with pytest.raises(ValueError, match=r"^/components/responses/Error refers to itself.$"):
        inspect(parse(document))


def test_a_limit_that_is_no_number(document):
    """A limit of a response that is not a number, as in OpenAPI 3.0, is an error that names it."""
    put(f"{TASK}/properties/id/exclusiveMaximum", True)(document)
    with pytest.raises(ValueError, match=rf"^{TASK}/properties/id/exclusiveMaximum is true; it must be a number.$"):
        inspect(parse(document))


def test_a_schema_in_its_own_place(document):
    """A schema of a response that is in its own place is an error that names it."""
    put(TASK, {"anyOf": [{"$ref": f"#{TASK}"}, {"type": "string"}]})(document)
    with pytest.raises(ValueError, match=rf"^{TASK} refers to itself.$"):
        inspect(parse(document))


def test_command(document, tmp_path, capsys):
    """The command says each change and the version that follows, and fails where the version did not rise."""
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(yaml.safe_dump(document))
    resolve(document, PROMPT)["maxLength"] += 1
    new.write_text(yaml.safe_dump(document))
    with pytest.raises(SystemExit, match=r"^1$"):
        main(["diff", str(old), str(new)])
    assert re.match(r"loosens  EditRequest.prompt.maxLength .*\nVersion bump: needs minor", capsys.readouterr().out)
    document["info"]["version"] = "1.1.0"
    new.write_text(yaml.safe_dump(document))
    main(["diff", str(old), str(new)])
    assert capsys.readouterr().out.endswith("Version bump: needs minor, has minor.\n")


def test_changelog_names_the_document(document):
    """The newest section of the changelog names the version of the document that it comes with."""
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    newest = re.split(r"^## ", changelog, flags=re.MULTILINE)[1]
    assert re.findall(r"`openapi\.yaml` is version (\d+\.\d+\.\d+)", newest) == [document["info"]["version"]]
