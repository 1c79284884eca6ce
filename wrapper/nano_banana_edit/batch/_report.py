"""A report of a ledger's rows: JSONL or CSV for programs, or one HTML page with inputs beside results for people."""

from __future__ import annotations

import codecs
import csv
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from .._download import check_target, writing
from .._errors import InvalidRequest, must_be
from ..ledger import Ledger, Row, State
from ._sink import Sink, sink

_FAILURES: tuple[State, ...] = ("failed", "refused", "unknown")
_COLUMNS = ("key", "state", "batch", "prompt", "images", "output", "task_id", "error", "billed", "updated")
_SIDE = 160  # pixels of a picture's longer side
_PICTURES = 2_000  # rows with pictures, at about 6 kB each
_SHOWN = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # by Pillow alone; for others it starts programs
_KEYS = 20  # named for each kind of failure
_KINDS = 100  # of failures


def report(
    ledger: Ledger,
    path: str | os.PathLike[str],
    *,
    batch: str | None = None,
    results: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write what became of every row to a file, completely or not at all.

    Args:
        ledger: The ledger with the rows.
        path: A file that ends in .jsonl or .csv, with a row for each edit; or in .html, which needs Pillow: a page that
            shows inputs beside results, counts what was billed, and groups failures. Pictures are in the page itself,
            for the first 2,000 edits; no picture is fetched from a URL.
        batch: Only rows of this batch; default: all.
        results: The folder, or URL of fsspec, that the results were saved to; it is only read. Default: the page shows
            none.
        overwrite: Whether a file that exists is replaced; default False.

    Returns:
        The absolute path of the file.

    Raises:
        InvalidRequest: The file exists, or its name cannot be used, or Pillow is not installed.
        LedgerError: The ledger cannot be read.
        OSError: The file cannot be written.
    """
    target = check_target(path)
    write = _KINDS_OF_FILE.get(target.suffix.lower())
    if write is None:
        raise must_be(f"a file that ends in {', '.join(_KINDS_OF_FILE)}", "path", str(path))
    if target.exists() and not overwrite:
        problem = f"{str(path)!r} exists; choose another name, or pass overwrite=True"
        raise InvalidRequest(f"path {problem}.", field="path", value=str(path))
    with writing(target) as content:
        file = codecs.getwriter("utf-8")(content, "backslashreplace")
        write(file, ledger, batch, None if results is None else sink(results, writes=False))
    return target


def _jsonl(file: codecs.StreamWriter, ledger: Ledger, batch: str | None, _results: Sink | None) -> None:
    for row in ledger.rows(batch=batch):
        files = (row.outcome or {}).get("files")
        file.write(json.dumps({**_facts(row), "files": files}, ensure_ascii=False) + "\n")


def _csv(file: codecs.StreamWriter, ledger: Ledger, batch: str | None, _results: Sink | None) -> None:
    table = csv.DictWriter(file, _COLUMNS)
    table.writeheader()
    for row in ledger.rows(batch=batch):
        facts = _facts(row)
        table.writerow({**facts, "images": " ".join(facts["images"])})


def _html(file: codecs.StreamWriter, ledger: Ledger, batch: str | None, results: Sink | None) -> None:
    thumbnails = _thumbnails()
    states = ledger.counts(batch=batch)
    unknown = states.get("unknown", 0)
    title = escape(f"Edits of {batch}" if batch else "Edits")
    file.write(f"{_HEAD.format(title=title, when=_time(datetime.now(UTC).timestamp()))}<ul>")
    maybe = f"; {unknown:,} more may be, see the unknown ones" if unknown else ""
    file.write(f"<li><b>{ledger.billed(batch=batch):,}</b> edits were accepted and billed{maybe}</li>")
    file.writelines(f"<li><b>{number:,}</b> {state}</li>" for state, number in sorted(states.items()))
    file.write("</ul>")
    file.writelines(_failures(ledger, batch))
    file.write("<h2>Edits</h2><table><tr><th>Key<th>Before<th>After<th>Prompt<th>State</tr>\n")
    for number, row in enumerate(ledger.rows(batch=batch)):
        facts = _facts(row)
        thumbnail = thumbnails if number < _PICTURES else None
        before = [_picture(image, thumbnail, lambda name: Path(name).read_bytes()) for image in facts["images"]]
        names = (row.outcome or {}).get("sizes") or ()
        after = [
            _picture(name, thumbnail if results else None, results.read if results else str.encode) for name in names
        ]
        cells = (escape(row.key), "".join(before), "".join(after), escape(facts["prompt"]), _state(facts))
        file.write(f"<tr><td>{'<td>'.join(cells)}</tr>\n")
    file.write("</table>")


def _failures(ledger: Ledger, batch: str | None) -> Iterator[str]:
    """Yield failures, grouped by what they say, the most frequent first."""
    kinds: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    for state in _FAILURES:
        for row in ledger.rows(state, batch=batch):
            kind = f"{state}: {_facts(row)['error'] or 'no reason given'}"
            kind = kind if kind in kinds or len(kinds) < _KINDS else f"{state}: other reasons"
            numbers[kind] = numbers.get(kind, 0) + 1
            named = kinds.setdefault(kind, [])
            if len(named) < _KEYS:
                named.append(row.key)
    if kinds:
        yield "<h2>Failures</h2>"
    for kind, number in sorted(numbers.items(), key=lambda each: -each[1]):
        keys = ", ".join(map(escape, kinds[kind])) + (" ..." if number > _KEYS else "")
        yield f"<details><summary><b>{number:,}</b> {escape(kind)}</summary>{keys}</details>\n"


def _facts(row: Row) -> dict[str, Any]:
    """Return what a report says of a row."""
    job, request, outcome = row.job or {}, row.request or {}, row.outcome or {}
    reasons = (outcome.get(name) for name in ("error_code", "error_msg", "error"))
    facts = {name: getattr(row, name, None) for name in _COLUMNS}
    facts |= {"prompt": job.get("prompt") or request.get("prompt", ""), "updated": _time(row.updated)}
    facts |= {"images": job.get("images") or request.get("image_urls", [])}
    return facts | {"error": ": ".join(str(reason) for reason in reasons if reason)}


def _state(facts: dict[str, Any]) -> str:
    return "<br>".join(escape(str(facts[name])) for name in ("state", "error", "task_id") if facts[name])


def _picture(name: str, thumbnail: Callable[[bytes], str] | None, read: Callable[[str], bytes]) -> str:
    """Return an image in HTML: its picture with its name, or a link if it is a URL, or its name alone."""
    if name.startswith(("http://", "https://")):
        return f'<a href="{escape(name)}" rel="noreferrer">{escape(name.rpartition("/")[2] or name)}</a>'
    source = ""
    if thumbnail:
        with suppress(Exception):  # it is gone, or damaged, or of a kind that is not shown
            source = f'<img src="data:image/webp;base64,{thumbnail(read(name))}" alt="">'
    return f"<figure>{source}<figcaption>{escape(Path(name[:200]).name)}</figcaption></figure>"


def _thumbnails() -> Callable[[bytes], str]:
    """Return what makes a small picture of an image's content, in base64."""
    try:
        from PIL import Image, ImageOps  # noqa: PLC0415 - only for a page
    except ModuleNotFoundError as missing:
        raise InvalidRequest("A report as a page needs pillow: pip install pillow.", field="path") from missing

    def thumbnail(content: bytes) -> str:
        with Image.open(BytesIO(content), formats=_SHOWN) as image:
            image.thumbnail((_SIDE, _SIDE))
            small = BytesIO()
            ImageOps.exif_transpose(image).convert("RGBA").save(small, "WEBP", quality=70)
        return b64encode(small.getvalue()).decode()

    return thumbnail


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


_KINDS_OF_FILE: dict[str, Callable[[codecs.StreamWriter, Ledger, str | None, Sink | None], None]]
_KINDS_OF_FILE = {".jsonl": _jsonl, ".csv": _csv, ".html": _html}
_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta http-equiv="Content-Security-Policy"
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
tr {{ content-visibility: auto }}
th, td {{ border-bottom: 1px solid #8884; padding: .4rem .6rem; text-align: left; vertical-align: top }}
td {{ overflow-wrap: anywhere }}
figure {{ display: inline-block; margin: 0 .4rem 0 0; max-width: 160px }}
figcaption {{ color: #777; font-size: .8em }}
img {{ display: block; max-width: 100% }}
ul {{ padding-left: 1.2rem }}
</style>
<h1>{title}</h1><p>Written at {when}.</p>"""
