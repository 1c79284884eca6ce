"""What a row may have: its columns, its images, its prompt and options, its key and the name of its file."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nano_banana_edit import InvalidRequest
from nano_banana_edit.ledger import Ledger

from ..document import FORMATS, LONGEST_PROMPT, MOST_IMAGES, SIZES
from ..wrapper.conftest import PNG
from .conftest import URL, Desk

ROW = {"key": "k", "image": URL, "prompt": "p"}


def jobs(desk: Desk, source: Any, **how: Any) -> dict[str, dict[str, Any]]:
    """Load a source, and return what the ledger has then."""
    desk.batch(source, **how).load()
    assert not desk.shop.names
    return {row.key: dict(row.job or {}) for row in desk.ledger.rows()}


def job(desk: Desk, row: Any, **how: Any) -> dict[str, Any]:
    (found,) = jobs(desk, [row], **how).values()
    return found


def refusal(desk: Desk, source: Any, **how: Any) -> str:
    """Return why a source is refused; nothing is sent then, and nothing is in the ledger."""
    with pytest.raises(InvalidRequest) as failure:
        desk.run(source, **how)
    assert not desk.shop.names
    assert not list(desk.ledger.rows())
    return str(failure.value)


def flaw(desk: Desk, row: Any, **how: Any) -> str:
    """Return why a row is refused."""
    text = refusal(desk, [row], **how)
    start = "A row cannot be used; nothing was sent. Row 1: "
    assert text.startswith(start)
    return text.removeprefix(start)


def test_every_column_arrives(desk: Desk) -> None:
    """A row may have the images, the prompt, each option, an extra body, a key and a file name."""
    row = {**ROW, "image_size": "16:9", "output_format": "jpeg", "extra_body": {"seed": 7}, "output": "a/b"}
    expected = {
        "images": [URL],
        "prompt": "p",
        "options": {"image_size": "16:9", "output_format": "jpeg"},
        "extra_body": {"seed": 7},
        "output": "a/b",
    }
    assert expected == job(desk, row)
    assert {"saved": 1} == desk.run([row]).states
    assert ["a/b.jpg"] == desk.files()
    sent = {"image_urls": [URL], "prompt": "p", "image_size": "16:9", "output_format": "jpeg", "seed": 7}
    assert sent == desk.service.edits[0].body, "name each property of EditRequest that has a value, or a default"


@pytest.mark.parametrize(
    "columns",
    [
        {"image": "https://h/1", "image_2": "https://h/2", "image_10": "https://h/3"},
        {"image_10": "https://h/3", "image_2": "https://h/2", "image": "https://h/1"},
        {"images": ["https://h/1", "https://h/2", "https://h/3"]},
        {"images": ("https://h/1", "https://h/2"), "image_2": "https://h/3"},
        {
            "image": ["https://h/1"],
            "image_1": " https://h/2 ",
            "image_2": None,
            "image_3": "",
            "image_4": "https://h/3",
        },
    ],
)
def test_images_keep_their_order(desk: Desk, columns: dict[str, Any]) -> None:
    """Images stand in one column as a list, or in columns with numbers, whatever the order of the columns."""
    found = job(desk, {"prompt": "p", **columns})
    assert ["https://h/1", "https://h/2", "https://h/3"] == found["images"]


class NAType:
    """As pandas.NA, which is neither true nor false, nor equal to anything."""

    def __eq__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("nothing", [None, "", float("nan"), NAType()])
def test_what_was_not_given(desk: Desk, nothing: Any) -> None:
    """An empty value is one that was not given: the batch's stands in, also where a table of pandas has NaN or NA."""
    columns = ["image_2", "prompt", "image_size", "output_format", "extra_body", "key", "output"]
    found = jobs(desk, [{**dict.fromkeys(columns, nothing), "image": URL}], prompt="all", key="k", image_size="auto")
    options = {"image_size": "auto"}
    assert {"k": {"images": [URL], "prompt": "all", "options": options, "extra_body": None, "output": "k"}} == found
    assert "Row 1: it has no prompt; add one, or a prompt for all rows." in "".join(
        str(each.error) for each in desk.outcomes([{**ROW, "key": nothing, "prompt": nothing}], precheck=False).values()
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"prompt": None}, "it has no prompt; add one, or a prompt for all rows."),
        ({"image": None}, "it has no image; name a URL or a file."),
        ({"images": [], "image": ""}, "it has no image; name a URL or a file."),
        (
            {"images": [None], "image": ""},
            "image is None; it must be a URL or the path of a file, as it is kept in the ",
        ),
        (
            {"image": b"bytes"},
            "image is 5 bytes; it must be a URL or the path of a file, as it is kept in the ledger.",
        ),
        ({"image": " "}, "image '' is empty; name a file."),
        ({"image": "https://"}, "image is 'https://', a URL without a host."),
        ({"image": "https://h:port/"}, "image is 'https://h:port/', no valid URL (Port could not be cast "),
        (
            {"image": "https://h/a b"},
            "image is 'https://h/a b', a URL with a blank in it; write it as %20, or remove it.",
        ),
        ({"image": "ftp://h/a.png"}, "image is a URL with the scheme ftp; it must be an http or https URL, a path"),
        ({"image": "data:text/plain,a"}, "image is a data: URL of type 'text/plain'; it must be that of an image."),
        ({"image": "data:,a"}, "image (image) is no image that this client knows: its first bytes are b'a'. Convert "),
        ({"prompt": 5}, "prompt is 5; it must be a string."),
        ({"prompt": "\ud800"}, "prompt has a lone surrogate; it must be Unicode text."),
        ({"key": "a\nb"}, r"key is 'a\nb'; it must be 1 to 500 printable characters."),
        ({"key": "k" * 501}, "; it must be 1 to 500 printable characters."),
        ({"key": True}, "key is True; it must be 1 to 500 printable characters."),
        ({"extra_body": "{"}, "extra_body is '{'; it must be a JSON object (Expecting property name enclosed in "),
        ({"extra_body": "[" * 99_999}, "; it must be a JSON object ("),
        ({"extra_body": "[1]"}, "extra_body is '[1]'; it must be a JSON object."),
        ({"extra_body": MappingProxyType({})}, "extra_body is mappingproxy({}); it must be a JSON object."),
        ({"extra_body": {"prompt": "x"}}, "extra_body has the key 'prompt'; it takes names of properties that are not"),
        ({"extra_body": {"a": {1, 2}}}, "a contains {1, 2}; it must be JSON"),
        ({"Prompt": "x"}, "it has the column 'Prompt'; did you mean 'prompt'?"),
        ({"output_fromat": "png"}, "it has the column 'output_fromat'; did you mean 'output_format'?"),
        ({"image2": URL}, "it has the column 'image2'; did you mean 'image'?"),
        ({5: "x"}, "it has the column 5; names are text."),
    ],
)
def test_what_cannot_be_used(desk: Desk, columns: dict[Any, Any], message: str) -> None:
    """A row that breaks a rule is refused with its number, the value and the rule."""
    assert message in flaw(desk, {**ROW, **columns})


@pytest.mark.parametrize("row", ["text", 5, None, ["image"], b"x"])
def test_a_row_is_a_mapping(desk: Desk, row: Any) -> None:
    """What has no columns is no row."""
    assert "; it must be an object with columns." in flaw(desk, row)


@pytest.mark.parametrize(
    ("row", "most", "problem"),
    [
        (lambda size: {"prompt": "ä" * size}, LONGEST_PROMPT, "prompt has {} characters"),
        (lambda size: {"image": [URL] * size}, MOST_IMAGES, "images has {} items"),
    ],
)
def test_sizes_are_those_of_the_document(desk: Desk, row: Any, most: int, problem: str) -> None:
    """A row at the limit is taken, and one above it is refused."""
    assert f"{problem.format(most + 1)}; the limit is 1 to {most}." == flaw(desk, {**ROW, **row(most + 1)})
    assert job(desk, {**ROW, **row(most)})


@pytest.mark.parametrize(("name", "values"), [("image_size", SIZES), ("output_format", FORMATS)])
def test_options_are_those_of_the_document(desk: Desk, name: str, values: list[str]) -> None:
    """Each value of the document is taken, and another is refused with the values."""
    message = f"{name} is 'other'; it must be one of {', '.join(map(repr, values))}."
    assert message == flaw(desk, {**ROW, name: "other"})
    assert message == refusal(desk, [], **{name: "other"})
    found = jobs(desk, [{**ROW, "key": value, name: value} for value in values])
    assert {value: value for value in values} == {key: each["options"][name] for key, each in found.items()}


@pytest.mark.parametrize("text", ['{"seed": 7}', {"seed": 7}])
def test_an_extra_body_is_an_object_or_its_json(desk: Desk, text: Any) -> None:
    """CSV has no objects, so their JSON will do."""
    assert {"seed": 7} == job(desk, {**ROW, "extra_body": text})["extra_body"]


def test_null_is_no_extra_body(desk: Desk) -> None:
    """The JSON null is a value that was not given."""
    assert job(desk, {**ROW, "extra_body": "null"})["extra_body"] is None


@pytest.mark.parametrize("kind", [str, Path])
def test_local_images(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """A path is kept as an absolute one, which starts at the working folder."""
    path = desk.photo()
    monkeypatch.chdir(desk.folder)
    rows = [{**ROW, "key": name, "image": kind(name)} for name in ("in.png", path)]
    assert {"in.png": [path], path: [path]} == {key: each["images"] for key, each in jobs(desk, rows).items()}


def test_a_data_url_is_kept_as_it_is(desk: Desk) -> None:
    """An image may stand in its row."""
    url = "data:image/png;base64,iVBORw0KGgo="
    assert [url] == job(desk, {**ROW, "image": url})["images"]


def test_a_photo_is_looked_at_by_each_batch(desk: Desk) -> None:
    """A photo that was there for one batch may be gone for the next."""
    row = {**ROW, "image": desk.photo("gone.png")}
    desk.batch([row]).load()
    (desk.folder / "gone.png").unlink()
    with pytest.raises(InvalidRequest, match=r"gone\.png' does not exist; check the path\."):
        desk.batch([row]).load()


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("Put {name} on {n}", "Put Ada on 7"),
        ("{x}% of {{name}}", "1.5% of {name}"),
        ("{prompt}, {prompt}!", "p, p!"),
        ("{user.name}{a b}", "Eve-"),
        ("{flag}", "True"),
        ("{path}", "a.png"),
    ],
)
def test_templates(desk: Desk, text: str, prompt: str) -> None:
    """A template takes texts, numbers and paths of a row; braces that are doubled are braces."""
    columns = {"name": "Ada", "n": 7, "x": 1.5, "user.name": "Eve", "a b": "-", "flag": True, "path": Path("a.png")}
    row = {**ROW, **columns, "prompt": "p" if "{prompt}" in text else None}
    assert prompt == job(desk, row, prompt=text)["prompt"]


def test_a_row_goes_before_a_template(desk: Desk) -> None:
    """Braces in a row's own values are only braces, and a template holds for rows that have no value."""
    templates = {"prompt": "other", "key": "other", "file_name": "other"}
    found = jobs(desk, [{**ROW, "prompt": "{name}", "output": "a"}], **templates)
    assert {"k": ("{name}", "a")} == {key: (each["prompt"], each["output"]) for key, each in found.items()}


@pytest.mark.parametrize(
    ("file_name", "columns", "output"),
    [
        ("{output}-snow", {"output": "a"}, "a-snow"),
        ("{key}/{key}", {}, "k/k"),
        ("{keys}", {"keys": "x"}, "x"),
        ("{sku}/{scene}", {"sku": 17, "scene": "b"}, "17/b"),
    ],
)
def test_file_names_of_templates(desk: Desk, file_name: str, columns: dict[str, Any], output: str) -> None:
    """A template of file names knows the key, and may add to a row's own; its columns are no misspelt ones."""
    assert output == job(desk, {**ROW, **columns}, file_name=file_name)["output"]


@pytest.mark.parametrize("text", ["{}", "{", "a}", "{name", "{{name}", "{a{b}}", "}{"])
@pytest.mark.parametrize("name", ["prompt", "key", "file_name"])
def test_no_templates(desk: Desk, text: str, name: str) -> None:
    """A template that cannot be used is refused by the name of its argument before a row is read."""
    problem = "is no template; name a column in each pair of braces, and write {{ for a brace."
    assert f"{name} {text!r} {problem}" == refusal(desk, iter([]), **{name: text})


def test_a_template_is_a_text(desk: Desk) -> None:
    """Anything else is refused."""
    expected = "file_name is 5; it must be a text, with names of columns in braces."
    assert expected == refusal(desk, [], file_name=5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{nmae}", "it has no value for {nmae}; did you mean {name}? (prompt is '{nmae}')."),
        ("{quite another}", "it has no value for {quite another} (prompt is '{quite another}')."),
        ("{user.name}", "it has no value for {user.name}; did you mean {name}? (prompt is '{user.name}')."),
        ("{name!r}", "it has no value for {name!r}; did you mean {name}? (prompt is '{name!r}')."),
        ("{name:>3}", "it has no value for {name:>3}; did you mean {name}? (prompt is '{name:>3}')."),
        ("{empty}", "it has no value for {empty} (prompt is '{empty}')."),
        ("{list}", "its 'list' is [1], which is no text (prompt is '{list}')."),
        ("{prompt}", "it has no value for {prompt} (prompt is '{prompt}')."),
    ],
)
def test_a_row_without_the_column_of_a_template(desk: Desk, text: str, message: str) -> None:
    """It is refused with the column, and one that is near."""
    row = {"key": "k", "image": URL, "name": "Ada", "empty": "", "list": [1]}
    assert message == flaw(desk, row, prompt=text)


@pytest.mark.parametrize(("key", "found"), [(17, "17"), (10**30, "1" + "0" * 30), ("schlüssel", "schlüssel")])
def test_keys(desk: Desk, key: Any, found: str) -> None:
    """A key is a text; whole numbers are taken for one."""
    assert [found] == list(jobs(desk, [{**ROW, "key": key}]))


def test_the_key_of_a_row_without_one(desk: Desk) -> None:
    """It is a digest of the row's content, so another prompt, option, image or extra body is another edit."""
    (desk.folder / "in.png").write_bytes(PNG)
    row = {"image": str(desk.folder / "in.png"), "prompt": "p"}
    rows = [row, *({**row, name: value} for name, value in (("prompt", "q"), ("image_size", "auto"), ("image", URL)))]
    rows += [{**row, "extra_body": {"a": value}} for value in (1, 2)]
    found = jobs(desk, rows)
    assert len(rows) == len(found)
    assert all(key == each["output"] and len(key) == 32 for key, each in found.items())
    assert found == jobs(desk, [dict(reversed(each.items())) for each in rows])


def test_a_file_that_moves_keeps_its_keys(tmp_path: Path) -> None:
    """The digest takes relative paths as they are written."""
    keys = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(PNG)
        (tmp_path / name / "rows.jsonl").write_text('{"image": "a.png", "prompt": "p"}')
        with Ledger(tmp_path / name / "ledger.db") as ledger:
            keys += jobs(Desk(ledger, tmp_path / name), tmp_path / name / "rows.jsonl")
    assert keys[0] == keys[1]


GOOD = ["a", "a.png", "a/b/c.jpg", "ä" * 100, ".a", "..a", "a b", "con-1", "console", "com", "日本", "~"]


@pytest.mark.parametrize("name", GOOD)
def test_file_names(desk: Desk, name: str) -> None:
    """A name that every system takes is used as it is, also if it is that of the key."""
    found = jobs(desk, [{**ROW, "output": name}])
    assert name == found["k"]["output"]
    assert name == jobs(desk, [{**ROW, "key": name}])[name]["output"]


BAD = ["..", ".", "../a", "a/../b", "/a", "a/", "a//b", " a", "a ", "a.", "a./b", "con", "a/NUL.png", "com1", "lpt¹.x"]
BAD += ["aux .png", "\ud800", *(f"a{each}" for each in '<>:"|?*\\\n\0'), "ä" * 100 + "b", "C:/a"]


@pytest.mark.parametrize("name", BAD)
def test_file_names_that_some_system_refuses(desk: Desk, name: str) -> None:
    """Such a name is refused, also where a template makes it."""
    assert "; it must be the name of a file below the output folder" in flaw(desk, {**ROW, "output": name})
    assert "; it must be the name of a file below the output folder" in flaw(desk, {**ROW, "x": name}, file_name="{x}")


@pytest.mark.parametrize(
    ("key", "start"),
    [("../../etc/passwd", "etc-passwd-"), ("con", "con-"), ("a?b", "a-b-"), ("???", ""), ("k" * 500, "k" * 80 + "-")],
)
def test_keys_that_are_no_file_name(desk: Desk, key: str, start: str) -> None:
    """The file is named by what is left of the key, and a digest."""
    others = jobs(desk, [{**ROW, "key": key}, {**ROW, "key": f"{key[:-1]}*"}])
    name = others.pop(key)["output"]
    assert (start, 16) == (name[: len(start)], len(name) - len(start))
    assert name not in [each["output"] for each in others.values()]


texts = st.text(min_size=1, max_size=30) | st.text("./\\~:cCoOnN %\0", min_size=1, max_size=9)


@example("..")
@example("../a")
@example("a/../../b")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(texts)
def test_no_text_leads_out_of_the_output_folder(desk: Desk, text: str) -> None:
    """Whatever the key or the name of a file is, the file lies below the output folder, or the row is refused."""
    rows: list[dict[str, Any]] = [{"key": text}, {"key": "k", "output": text}, {"key": "k2", "sku": text}]
    for row, file_name in zip(rows, (None, None, "{sku}/{key}"), strict=True):
        batch = desk.batch([{"image": URL, "prompt": "p", **row}], file_name=file_name)
        try:
            batch.load()
        except InvalidRequest:
            continue
        found = desk.ledger.get(row["key"])
        assert found
        assert desk.out in (desk.out / (found.job or {})["output"]).resolve().parents
