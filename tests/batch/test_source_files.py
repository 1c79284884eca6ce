"""Where rows come from: JSONL, CSV, a folder, an iterable; and what is checked before anything is sent."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nano_banana_edit import InvalidRequest, LedgerError
from nano_banana_edit.ledger import Ledger

from ..wrapper.conftest import JPEG, PNG
from .conftest import URL, Desk, rows
from .test_source import ROW, jobs, refusal

HEAD = b"key,image,prompt\n"
LINE = json.dumps(ROW).encode()


def written(desk: Desk, content: bytes, name: str = "edits.jsonl") -> Path:
    path = desk.folder / name
    path.write_bytes(content)
    return path


def keys(desk: Desk, content: bytes, name: str = "edits.jsonl") -> list[str]:
    return list(jobs(desk, written(desk, content, name)))


def flaws(desk: Desk, source: Any, **how: Any) -> list[str]:
    """Return what is wrong with the rows of a source, the first without what stands before it."""
    with pytest.raises(InvalidRequest) as failure:
        desk.run(source, **how)
    assert not desk.shop.names
    assert not list(desk.ledger.rows())
    first = str(failure.value).partition("; nothing was sent. ")[2]
    return [first, *getattr(failure.value, "__notes__", [])]


@pytest.mark.parametrize("name", ["edits.jsonl", "edits.NDJSON"])
@pytest.mark.parametrize("content", [b"%b", b"%b\n", b"\xef\xbb\xbf%b\r\n", b"\n \n%b\n\n\t\n", b'%b\n{"key": "l"'])
def test_lines_of_json(desk: Desk, name: str, content: bytes) -> None:
    """A line is a row; blank lines, a byte order mark and the line ends of Windows do not matter."""
    path = written(desk, content % LINE, name)
    if content.endswith(b'"l"'):
        (problem,) = flaws(desk, path)
        assert "Line 2: it is not JSON (Expecting ',' delimiter: column 12 " in problem
    else:
        assert ["k"] == list(jobs(desk, str(path)))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"key": "\xe4"}', "it is not UTF-8; save the file as UTF-8."),
        (b"nonsense", "it is not JSON (Expecting value: column 1 (char 0)); write each row on one line."),
        (b"[" * 99_999, "it is not JSON ("),
        (b"1" * 5_000, "it is not JSON (Exceeds the limit"),
        (b'["key"]', "it is ['key']; it must be an object with columns."),
        (b"null", "it is None; it must be an object with columns."),
        (b"{}", "it has no prompt; add one, or a prompt for all rows."),
    ],
)
def test_lines_that_are_no_rows(desk: Desk, line: bytes, problem: str) -> None:
    """Each is named by its line, with what is wrong."""
    (text,) = flaws(desk, written(desk, b"\n%b\n\n%b\n%b\n" % (LINE, line, LINE.replace(b"k", b"l"))))
    assert text.startswith(f"Line 4: {problem}")


@pytest.mark.parametrize(
    "content",
    [
        b'key,image,image_2,prompt,extra_body\nk,https://h/1,https://h/2,"a, ""b""\nc","{""seed"": 7}"\n',
        b'key;image;image_2;prompt;extra_body\r\nk;https://h/1;https://h/2;"a, ""b""\nc";"{""seed"": 7}"\r\n',
        b'\xef\xbb\xbfkey\t image \timage_2\tprompt\textra_body\n\nk\thttps://h/1\thttps://h/2\t"a, ""b""\nc"\t'
        b'"{""seed"": 7}"',
    ],
)
def test_csv(desk: Desk, content: bytes) -> None:
    """Commas, semicolons and tabs separate values; quotes, line ends in them and blank lines are those of CSV."""
    expected = {"images": ["https://h/1", "https://h/2"], "prompt": 'a, "b"\nc', "options": {}, "output": "k"}
    assert {"k": {**expected, "extra_body": {"seed": 7}}} == jobs(desk, written(desk, content, "edits.CSV"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'a,https://h/,"one\n\ntwo"\r\n\nb,https://h/,', "Line 6: it has no prompt; add one"),
        (b"a,https://h/\n", "Line 2: its number of values is 2; that of the columns is 3."),
        (b"a,https://h/,p,\n", "Line 2: its number of values is 4; that of the columns is 3."),
        (b"a,https://h/,\xe4\n", "Line 2: it is not UTF-8; save the file as UTF-8."),
        (b'a,https://h/,p\nb,https://h/,"p\nc\n', "Line 3: it is not CSV (unexpected end of data); the rest was not"),
        (b'a,https://h/,"p"q\n', "Line 2: it is not CSV (',' expected after '\"'); the rest was not read."),
        (b"a,https://h/,%b\n" % (b"p" * 200_000), "Line 2: it is not CSV (field larger than field limit (131072)); "),
    ],
)
def test_records_that_are_no_rows(desk: Desk, content: bytes, problem: str) -> None:
    """Each is named by the line on which it begins."""
    (text,) = flaws(desk, written(desk, HEAD + content, "edits.csv"))
    assert text.startswith(problem)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"key,image,key\n", "edits.csv has two columns of one name, or one without."),
        (b"key,image,\n", "edits.csv has two columns of one name, or one without."),
        (b"key,image,pr\xe4\n", "Line 2: it is not UTF-8; save the file as UTF-8."),
        (b'key,"image\n', "Line 1: it is not CSV (unexpected end of data); the rest was not read."),
    ],
)
def test_columns_that_cannot_be_told_apart(desk: Desk, head: bytes, problem: str) -> None:
    """A file is refused at its first line if the columns are not clear; its rows are not read."""
    assert refusal(desk, written(desk, head + b"1,2,3\n", "edits.csv")).endswith(problem)


def test_paths_start_at_the_file(desk: Desk) -> None:
    """A relative path is one from the folder of the file that names it."""
    (desk.folder / "sub").mkdir()
    photo = desk.photo("sub/a.png")
    found = jobs(desk, written(desk, LINE.replace(URL.encode(), b"a.png"), "sub/edits.jsonl"))
    assert [photo] == found["k"]["images"]
    assert {"saved": 1} == desk.run(desk.folder / "sub/edits.jsonl").states


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.png", None, "none.png' does not exist; check the path."),
        (
            "text.png",
            b"text",
            "image (text.png) is no image that this client knows: its first bytes are b'text'. Convert it.",
        ),
        ("empty.png", b"", "image (empty.png) is an empty file; pass an image."),
        ("", None, "is a folder; name a file in it."),
        ("a\\u0000b", None, "b' does not exist; check the path."),
    ],
)
def test_local_images_that_cannot_be_used(desk: Desk, name: str, content: bytes | None, problem: str) -> None:
    """Each local image is opened before anything is sent."""
    if content is not None:
        desk.photo(name, content)
    (text,) = flaws(desk, written(desk, LINE.replace(URL.encode(), f"./{name}".encode())))
    assert text.startswith("Line 1: image ")
    assert text.endswith(problem)


def test_a_folder_is_one_row_for_each_image(desk: Desk) -> None:
    """Other files, hidden ones and those of folders below are passed over."""
    folder = desk.folder / "photos"
    (folder / "below.png").mkdir(parents=True)
    for name in ("b.jpg", " a.PNG", ".c.png", "note.txt", "below.png/d.png", "data:,x.png"):
        (folder / name).write_bytes(JPEG if name == "b.jpg" else PNG)
    found = jobs(desk, folder, prompt="{name} is a {ending} of {image}", file_name="{key}")
    expected = {"b": "b is a jpg of b.jpg", " a": " a is a PNG of  a.PNG", "data:,x": "data:,x is a png of data:,x.png"}
    assert set(expected.values()) == {job["prompt"] for job in found.values()}
    assert {str(folder / name) for name in ("b.jpg", " a.PNG", "data:,x.png")} == {
        job["images"][0] for job in found.values()
    }


@pytest.fixture
def photos(desk: Desk) -> Path:
    folder = desk.folder / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        desk.photo(f"photos/{name}", PNG)
    return folder


def test_results_are_named_as_the_files_of_a_folder(desk: Desk, photos: Path) -> None:
    """A result beside its photo is easy to find; another name may be chosen, and another key."""
    assert {"saved": 2} == desk.run(photos, prompt="p").states
    assert ["a.png", "b.png"] == desk.files()
    desk.batch(photos, prompt="p", key="{image}", file_name="{key}/{name}", name="other").load()
    assert ["a.png/a", "b.png/b"] == [(row.job or {})["output"] for row in desk.ledger.rows(batch="other")]


def test_two_photos_of_one_name(desk: Desk, photos: Path) -> None:
    """Two endings of one name need a template that tells them apart."""
    desk.photo("photos/a.jpg", JPEG)
    (text,) = flaws(desk, photos, prompt="p")
    assert text.startswith("a.png: its file name 'a' is that of a.jpg; ")
    assert 3 == len(jobs(desk, photos, prompt="p", file_name="{name}-{ending}"))


def test_an_image_of_a_folder_that_is_none(desk: Desk, photos: Path) -> None:
    """The file is named as the place of the row."""
    desk.photo("photos/c\nd.png", b"text")
    (text,) = flaws(desk, photos, prompt="p")
    assert text.startswith("c\\nd.png: image (c\\nd.png) is no image that this client knows")


def test_a_photo_whose_name_is_no_text(any_desk: Desk) -> None:
    """A file whose name is not UTF-8 is refused, not lost, and can be used under another name for its result."""
    photos = any_desk.folder / "photos"
    photos.mkdir()
    Path(os.fsdecode(os.fsencode(photos) + b"/\xe4.png")).write_bytes(PNG)
    (text,) = flaws(any_desk, photos, prompt="p")
    assert text.startswith("\\udce4.png: output is '\\udce4'; it must be the name of a file ")
    assert {"saved": 1} == any_desk.run(photos, prompt="p", file_name="{key}").states


def test_folders_that_cannot_be_used(desk: Desk, photos: Path) -> None:
    """A folder has images, and results go to another."""
    (desk.folder / "empty").mkdir()
    assert "empty' has no image files." in refusal(desk, desk.folder / "empty", prompt="p")

    with pytest.raises(InvalidRequest, match="it must be another folder than the source"):
        desk.batch(photos, output=photos / "../photos")


@contextmanager
def limited(kind: int, most: int) -> Iterator[None]:
    """Let the system give this process no more of a kind."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def test_a_folder_that_cannot_be_read(desk: Desk, photos: Path) -> None:
    """The system's reason is told."""
    batch = desk.batch(photos, prompt="p")
    with limited(resource.RLIMIT_NOFILE, 3), pytest.raises(InvalidRequest, match=r"photos' cannot be read \(Too many "):
        batch.load()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("no.jsonl", "no.jsonl' cannot be read (No such file or directory); check the path."),
        ("edits.txt", "source is 'edits.txt'; it must be a folder, or a file that ends in .jsonl, .ndjson or .csv."),
        (5, "source is 5; it must be a path, or an iterable of mappings."),
        (b"edits.jsonl", "source is 11 bytes; it must be a path, or an iterable of mappings."),
        (ROW, "; it must be a path, or an iterable of mappings."),
    ],
)
def test_what_is_no_source(desk: Desk, source: Any, problem: str) -> None:
    """A source is a file, a folder or an iterable of mappings."""
    assert problem in refusal(desk, source)


def test_flaws_are_counted_and_the_first_twenty_are_named(desk: Desk) -> None:
    """The message has the number and the first, its notes have nineteen more, and nothing is sent."""
    source = [{**row, "image_size": "no"} if index else row for index, row in enumerate(rows(31))]
    assert refusal(desk, source).startswith("30 rows cannot be used; nothing was sent. Row 2: image_size is 'no'; ")
    found = flaws(desk, source)
    assert [f"Row {number}" for number in range(2, 22)] == [text.partition(":")[0] for text in found]


def test_doubles(desk: Desk) -> None:
    """Two rows with one key, or one file, are refused with the places of both."""
    source = [*rows(3), *rows(2), {**ROW, "output": "K2"}, {**ROW, "key": "l", "output": "k0"}]
    problem = "to edit the same twice, give each a key of its own."
    assert [
        f"Row 4: its key 'k0' is that of Row 1; {problem}",
        f"Row 5: its key 'k1' is that of Row 2; {problem}",
        "Row 6: its file name 'k2' is that of Row 3; give each a file name of its own.",
        "Row 7: its file name 'k0' is that of Row 4; give each a file name of its own.",
    ] == flaws(desk, source)
    assert refusal(desk, source).startswith("4 rows cannot be used; nothing was sent. Row 4: ")
    assert refusal(desk, rows(50) * 2).startswith("50 rows cannot be used; ")
    assert 20 == len(flaws(desk, rows(50) * 2))
    assert "A row cannot be used; nothing was sent. Row 2: its key " in refusal(desk, [{**ROW, "key": None}] * 2)


def test_an_iterator_is_read_once(desk: Desk) -> None:
    """A generator will do, however many rows it has."""
    assert {"saved": 3} == desk.run(row for row in rows(3)).states


@pytest.mark.parametrize("error", [sqlite3.OperationalError("mine"), OSError("mine"), RuntimeError("mine")])
@pytest.mark.parametrize("precheck", [True, False])
def test_an_error_of_the_source_is_the_callers(desk: Desk, error: Exception, precheck: bool) -> None:
    """It arrives as it is, and with the check in advance nothing was sent before."""

    def source() -> Iterator[dict[str, Any]]:
        yield from rows(2)
        raise error

    with pytest.raises(type(error), match=r"^mine$"):
        desk.run(source(), precheck=precheck)
    assert not precheck or not desk.shop.names


def test_a_temporary_folder_that_is_full(desk: Desk) -> None:
    """Rows are kept there while they are checked; without room nothing is sent, and the folder is named."""
    source = [{**row, "prompt": "p" * 5000} for row in rows(3000)]
    with (
        limited(resource.RLIMIT_FSIZE, 100_000),
        pytest.raises(LedgerError, match=r"The rows cannot be kept in /.* \(.+\)"),
    ):
        desk.run(source)
    assert not desk.shop.names
    assert not list(desk.ledger.rows())


@pytest.mark.parametrize(
    ("how", "row", "key"),
    [
        ({}, {"key": "bad", "prompt": ""}, "bad"),
        ({}, {"key": 7, "prompt": ""}, "7"),
        ({"key": "{sku}-x"}, {"sku": 7, "prompt": "p", "image": "no.png"}, "7-x"),
        ({"key": "{sku}"}, {"prompt": "p"}, ""),
        ({}, {"prompt": ""}, ""),
        ({}, "text", ""),
        ({"key": "{sku}"}, {5: "x"}, ""),
    ],
)
def test_a_flaw_of_a_stream_is_an_outcome(desk: Desk, how: dict[str, Any], row: Any, key: str) -> None:
    """With precheck=False a row that cannot be used fails alone, by its key if that is known."""
    row = {"image": URL, **row} if isinstance(row, dict) else row
    found = desk.outcomes([{**rows(1)[0], "sku": "k0"}, row], precheck=False, **how)
    (bad,) = [outcome for outcome in found.values() if outcome.error]
    assert (key, None, True) == (bad.key, bad.state, str(bad.error).startswith("Row 2: "))
    assert {"k0": "saved"} == desk.states()


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
record = st.fixed_dictionaries(
    {"prompt": st.text("p{}\"',;\n\té", min_size=1, max_size=9)},
    optional={"image_2": st.just(URL), "image_size": st.sampled_from(["", "auto", "16:9"]), "x": cells, "y": cells},
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(record, min_size=1, max_size=4, unique_by=lambda row: row["prompt"]), st.sampled_from(",;\t"))
def test_all_forms_are_one(desk: Desk, found: list[dict[str, str]], separator: str) -> None:
    """The same rows as JSONL, as CSV and as mappings are the same edits."""
    source = [{"image": URL, **row} for row in found]
    columns = sorted({column for row in source for column in row})
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, columns, delimiter=separator)
    writer.writeheader()
    writer.writerows(source)
    lines = "\n".join(map(json.dumps, source)).encode()
    forms: list[Any] = [source, written(desk, lines), written(desk, table.getvalue().encode(), "edits.csv")]
    loaded = []
    for form in forms:
        with Ledger(desk.folder / "fresh.db") as ledger:
            loaded.append(jobs(Desk(ledger, desk.folder), form))
        for path in desk.folder.glob("fresh.db*"):
            path.unlink()
    assert loaded[0] == loaded[1] == loaded[2]
    assert len(source) == len(loaded[0])
