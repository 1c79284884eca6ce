"""Reports: every row with what became of it, for programs and for people."""

from __future__ import annotations

import csv
import json
import os
import sys
from io import BytesIO
from typing import Any

import pytest
from nano_banana_edit import InvalidRequest
from nano_banana_edit.batch import report
from nano_banana_edit_mock import Outcome, Reply
from PIL import Image

from .conftest import URL, Desk, limits, rows


def photo() -> bytes:
    content = BytesIO()
    Image.new("RGB", (900, 600), "red").save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def done(desk: Desk) -> Desk:
    """A desk with a row that failed, one that was refused, one of a local image that is saved, and one of a URL."""
    desk.service.on("createEdit", Outcome(status="failed", error_msg="no <face> found"), times=1)
    desk.service.on("createEdit", Reply.error(422, "not this one"), times=1)
    local = {"key": "local", "image": desk.photo("in.png", photo()), "prompt": 'make "it" <b>snow</b>'}
    desk.run([*rows(3), local], limits=limits(in_flight=1))
    assert desk.states() == {"k0": "failed", "k1": "refused", "k2": "saved", "local": "saved"}
    return desk


def written(desk: Desk, ending: str, **how: Any) -> str:
    return desk.batch(None).report(desk.folder / f"report.{ending}", **how).read_text("utf-8")


def test_jsonl(done: Desk) -> None:
    """Each line is the JSON of a row, with its content, its task and its error."""
    lines = {each["key"]: each for each in map(json.loads, written(done, "jsonl").splitlines())}
    assert [*lines] == ["k0", "k1", "k2", "local"]
    assert (lines["k0"]["state"], lines["k0"]["error"]) == ("failed", "no <face> found")
    assert (lines["k2"]["images"], lines["k2"]["output"], lines["k2"]["prompt"]) == ([URL], "k2.png", "p2")
    assert lines["k2"]["files"][0]["url"].startswith("https://")
    assert "422: not this one" in lines["k1"]["error"]


def test_csv(done: Desk) -> None:
    """Each row has the same columns; several images are divided by a blank."""
    done.run([{"key": "many", "images": [URL, URL], "prompt": "p"}])
    with (done.batch(None).report(done.folder / "report.csv")).open(newline="", encoding="utf-8") as file:
        table = {each["key"]: each for each in csv.DictReader(file)}
    assert table["many"]["images"] == f"{URL} {URL}"
    assert table["local"]["prompt"] == 'make "it" <b>snow</b>'
    assert (table["k0"]["state"], table["k0"]["output"]) == ("failed", "")


def test_page(done: Desk) -> None:
    """The page counts what was billed, groups failures, and shows local inputs and results in itself."""
    page = written(done, "html")
    assert "<b>3</b> edits were accepted and billed" in page
    assert "<b>1</b> failed: no &lt;face&gt; found</summary>k0</details>" in page
    assert "make &quot;it&quot; &lt;b&gt;snow&lt;/b&gt;" in page
    assert "<b>snow" not in page
    pictures = page.split('<img src="data:image/webp;base64,')[1:]
    named = zip(("k2.png", "in.png", "local.png"), pictures, strict=True)
    assert all(f"figcaption>{name}<" in picture for name, picture in named)
    assert f'<a href="{URL}" rel="noreferrer">in.png</a>' in page


def test_page_needs_no_network(done: Desk) -> None:
    """Nothing is loaded from anywhere when the page is opened: a report may be shared."""
    page = written(done, "html")
    assert "default-src 'none'; img-src data:" in page
    assert page.count(" src=") == page.count(' src="data:image/webp;base64,')
    assert not {"<script", "<link", "@import", "url("} & {*page.split()}


def test_pictures_that_are_gone(done: Desk) -> None:
    """A file that is gone or damaged is named without a picture; without a results folder no result is shown."""
    (done.out / "k2.png").unlink()
    (done.out / "local.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (done.folder / "in.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    assert "<img" not in written(done, "html")
    path = report(done.ledger, done.folder / "all.html")
    assert "<figcaption>local.png<" in path.read_text("utf-8")


def test_unknown_rows(desk: Desk) -> None:
    """Rows that may have been accepted are counted apart."""
    desk.run(rows(1))
    desk.ledger.claim("lost", "host/1/x", "0" * 64, {"prompt": "p", "image_urls": [URL]})
    desk.ledger.released("lost", "host/1/x", "unknown")
    page = report(desk.ledger, desk.folder / "all.html").read_text("utf-8")
    assert "1</b> edits were accepted and billed; 1 more may be" in page
    assert "<b>1</b> unknown: no reason given</summary>lost<" in page
    assert "lost" not in written(desk, "csv")


def test_failures_of_many_kinds(desk: Desk) -> None:
    """Kinds of failures, and the keys of one kind, are bounded; the most frequent come first."""
    for number in range(130):
        key, owner = f"k{number:03}", f"h/1/{number}"
        desk.ledger.claim(key, owner, "0" * 64, {})
        error = "usual" if number >= 105 else f"odd {number}"
        desk.ledger.released(key, owner, "refused", {"error": error})
    page = report(desk.ledger, desk.folder / "all.html").read_text("utf-8")
    kinds = [part.partition("<")[0] for part in page.split("<summary><b>")[1:]]
    assert len(kinds) == 101
    assert kinds[0] == "30"
    assert "refused: other reasons</summary>k100, k101" in page
    assert page.count("k1") < 100


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("report.pdf", r"path is '.*report\.pdf'; it must be a file that ends in \.jsonl, \.csv, \.html\."),
        ("no/report.csv", r"path .* is in a folder that does not exist; create it first\."),
        ("in.csv", r"path '.*in\.csv' exists; choose another name, or pass overwrite=True\."),
    ],
)
def test_bad_paths(desk: Desk, name: str, message: str) -> None:
    """A file that cannot be written, or that exists, is refused, and stays as it is."""
    (desk.folder / "in.csv").write_text("mine")
    with pytest.raises(InvalidRequest, match=message):
        report(desk.ledger, desk.folder / name)
    assert (desk.folder / "in.csv").read_text() == "mine"


def test_overwrite(done: Desk) -> None:
    """A report may replace an older one."""
    written(done, "csv")
    assert "k0" in written(done, "csv", overwrite=True)


def test_without_pillow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page needs Pillow, and says so; nothing is written."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InvalidRequest, match="pip install pillow"):
        report(desk.ledger, desk.folder / "report.html")
    assert not [*desk.folder.glob("*.html"), *desk.folder.glob(".*.part")]


def test_a_page_without_failures(desk: Desk) -> None:
    """A batch in which all went well has no heading for failures."""
    desk.run(rows(1))
    page = written(desk, "html")
    assert "Failures" not in page
    assert "k0.png" in page


def test_results_are_only_read(done: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report makes no folder for results, and needs none that can be written to."""
    monkeypatch.setattr(os, "access", lambda path, _: path != done.out)
    assert "figcaption>k2.png<" in written(done, "html")
    path = report(done.ledger, done.folder / "all.html", results=done.folder / "typo")
    assert "<figcaption>k2.png<" in path.read_text("utf-8")
    assert not (done.folder / "typo").exists()
