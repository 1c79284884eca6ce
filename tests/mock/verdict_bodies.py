"""Bodies and the verdicts that they deserve: the second half of the table."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

from .verdict_rows import (
    FILE,
    GOOD,
    LARGEST,
    LEFT_OUT,
    LIMIT,
    MOST,
    RAW,
    URL,
    Row,
    beside,
    body,
    form,
    joined,
    part,
    raw,
    text,
)


def json_texts() -> Iterator[Row]:
    wrong = "body content "
    good = text(GOOD)
    yield raw("space around", 200, b" \t\r\n" + good + b"\n")
    yield raw("escaped letters", 200, good.replace(b"snow", rb"\u0073\u006eow"))
    yield raw("escaped pair of surrogates", 200, good.replace(b"snow", rb"\ud83d\ude00"))
    yield raw("UTF-8", 200, good.replace(b"snow", "☃😀".encode()))
    yield raw("escaped slash and nul", 200, good.replace(b"snow", rb"\/\u0000"))
    yield raw("delete and a noncharacter", 200, good.replace(b"snow", b"\x7f\xef\xbf\xbf"))
    for value in (b"-0", b"1E+2", b"0.10", b"1e-999", b"1.7976931348623157e308", b"1" + b"0" * 308, b"[[], {}]"):
        yield raw(f"{value[:22].decode()} of {len(value)} as a value", 200, beside(value))
    for value in (
        b"1.",
        b".5",
        b"-",
        b"1e",
        b"0x1",
        b"1_0",
        b"- 1",
        b"True",
        b"nil",
        b"",
        b"[1 2]",
        b"[,]",
        b'{"a" 1}',
    ):
        yield raw(f"{value.decode()!r} as a value", 400, beside(value), wrong)
    for value in (
        rb'"\x41"',
        rb'"\u12"',
        rb'"\u{41}"',
        b'"\t"',
        b'"\0"',
        b'"',
        b"'a'",
        b"\x0c1",
        b"\xa01",
        b"1\xc2\xa0",
    ):
        yield raw(f"{value!a} as a value", 400, beside(value), wrong)
    yield raw("no body", 400, b"", "body required ")
    for name, content in {
        "cut off": good[:-1],
        "cut off in a text": good[:-3],
        "trailing garbage": good + b"x",
        "two values": good + good,
        "trailing comma": good[:-1] + b",}",
        "single quotes": good.replace(b'"', b"'"),
        "bare key": b"{image_urls: [], prompt: 1}",
        "comment": b"/* */" + good,
        "line break in a text": good.replace(b"it snow", b"it\nsnow"),
        "NaN": beside(b"NaN"),
        "Infinity": beside(b"-Infinity"),
        "leading zero": beside(b"01"),
        "leading plus": beside(b"+1"),
        "byte order mark": b"\xef\xbb\xbf" + good,
        "byte order mark behind a space": b" \xef\xbb\xbf" + good,
        "byte order mark at the end": good + b"\xef\xbb\xbf",
        "UTF-16": json.dumps(GOOD).encode("utf-16"),
        "UTF-16 without a mark": json.dumps(GOOD).encode("utf-16-le"),
        "UTF-32": json.dumps(GOOD).encode("utf-32"),
        "Latin-1": good.replace(b"snow", b"schn\xf6"),
        "beyond Unicode": good.replace(b"snow", b"\xf4\x90\x80\x80"),
        "compressed": gzip.compress(good, mtime=0),
        "invalid UTF-8": good.replace(b"snow", b"\xff"),
        "overlong UTF-8": good.replace(b"snow", b"\xc0\xaf"),
        "surrogate in UTF-8": good.replace(b"snow", b"\xed\xa0\x80"),
        "nul": good + b"\0",
        "space alone": b"  ",
        "nested far too deep": b"[" * 100_000,
    }.items():
        yield raw(name, 400, content, wrong + ("/x" if name in {"NaN", "Infinity"} else ""))
    yield raw("nested as deep as may be", 200, beside(b"[" * 127 + b"]" * 127), own=True)
    yield raw("nested one deeper", 400, beside(b"[" * 128 + b"]" * 128), f"{wrong}/x" + "/0" * 127, own=True)
    yield raw("nested too deep", 400, beside(b"[" * 200 + b"]" * 200), f"{wrong}/x" + "/0" * 127, own=True)
    yield raw("number beyond a double", 400, beside(b"1e999"), f"{wrong}/x", own=True)
    yield raw("number just beyond a double", 400, beside(b"1.7976931348623159e308"), f"{wrong}/x", own=True)
    yield raw("integer beyond a double", 400, beside(b"9" * 400), f"{wrong}/x", own=True)
    yield raw("key twice", 400, good[:-1] + b', "prompt": "again"}', f"{wrong}/prompt", own=True)
    yield raw("key twice, once escaped", 400, good[:-1] + rb', "\u0070rompt": "again"}', f"{wrong}/prompt", own=True)
    yield raw("key twice inside", 400, beside(b'{"y": 1, "y": 2}'), f"{wrong}/x/y", own=True)
    yield raw("key twice in a list", 400, beside(b'[{}, {"a/b~": 1, "a/b~": 2}]'), f"{wrong}/x/1/a~1b~0", own=True)
    yield raw("lone surrogate and a letter", 400, beside(rb'"\ud83dA"'), f"{wrong}/x", own=True)
    yield raw("lone surrogate", 400, good.replace(b"snow", rb"\ud83d"), f"{wrong}/prompt", own=True)
    yield raw("lone surrogate in a list", 400, good.replace(b"a.png", rb"\udc00"), f"{wrong}/image_urls/0", own=True)
    yield raw(
        "surrogates the wrong way round", 400, good.replace(b"snow", rb"\ude00\ud83d"), f"{wrong}/prompt", own=True
    )
    yield raw("lone surrogate in a key inside", 400, beside(rb'{"a": {"\udc00": 1}}'), f"{wrong}/x/a/\udc00", own=True)
    yield raw("lone surrogate in a key", 400, good[:-1] + rb', "\ud83d": 1}', f"{wrong}/\ud83d", own=True)
    for name, value in {"array": [GOOD], "text": "edit", "number": 1, "null": None, "true": True}.items():
        yield raw(f"{name} as the body", 400, text(value), "body type ")
    yield raw("empty object", 400, b"{}", "body required /image_urls", "body required /prompt")
    yield Row("10 MB that are right", 200, body=text({**GOOD, "x": "y" * 10_000_000}))
    much = b" " * (LARGEST + 1024 * 1024) + good
    yield Row("more than any body", 413, ("body size ",), body=much, doors=RAW)


def wrong_images(count: int, *more: str) -> list[str]:
    return [*more, *(f"body type /image_urls/{at}" for at in range(count))]


def properties() -> Iterator[Row]:
    urls, prompt, size, form_ = "image_urls", "prompt", "image_size", "output_format"
    yield body("no images", 400, f"body required /{urls}", image_urls=LEFT_OUT)
    yield body("no image", 400, f"body minItems /{urls}", image_urls=[])
    yield body("most images", 200, image_urls=[URL] * MOST)
    yield body("an image too many", 400, f"body maxItems /{urls}", image_urls=[URL] * (MOST + 1))
    yield body("one image less than most", 200, image_urls=[URL] * (MOST - 1))
    yield body("image twice", 200, image_urls=[URL, URL])
    yield body("image that is no URL", 200, image_urls=["no URL", ""])  # items have no documented format
    yield body("images as a text", 400, f"body type /{urls}", image_urls=URL)
    yield body(
        "images that are too many and wrong", 400, *wrong_images(11, f"body maxItems /{urls}"), image_urls=[1] * 11
    )
    yield body("images by another name", 400, f"body required /{urls}", image_urls=LEFT_OUT, imageUrls=[URL])
    yield body("list of images in a list", 400, f"body type /{urls}/0", image_urls=[[URL]])
    yield body("images as null", 400, f"body type /{urls}", image_urls=None)
    yield body("images as an object", 400, f"body type /{urls}", image_urls={"0": URL})
    for name, value in {"number": 1, "null": None, "list": [URL], "true": True}.items():
        yield body(f"{name} as an image", 400, f"body type /{urls}/1", image_urls=[URL, value])
    yield body("no prompt", 400, f"body required /{prompt}", prompt=LEFT_OUT)
    yield body("empty prompt", 400, f"body minLength /{prompt}", prompt="")
    yield body("shortest prompt", 200, prompt="x")
    yield body("blank prompt", 200, prompt=" ")
    yield body("longest prompt", 200, prompt="x" * LIMIT)
    yield body("prompt one shorter than longest", 200, prompt="x" * (LIMIT - 1))
    yield body("prompt too long", 400, f"body maxLength /{prompt}", prompt="x" * (LIMIT + 1))
    yield body("longest prompt of astral characters", 200, prompt="😀" * LIMIT)
    yield body("too many astral characters", 400, f"body maxLength /{prompt}", prompt="😀" * (LIMIT + 1))
    yield body("one astral character", 200, prompt="😀")
    yield body("longest prompt of combined characters", 200, prompt="e\u0301" * (LIMIT // 2))
    yield body("too many combined characters", 400, f"body maxLength /{prompt}", prompt="e\u0301" * (LIMIT // 2) + "e")
    yield raw("longest prompt, escaped", 200, text(GOOD).replace(b"Make it snow.", rb"\u0078" * LIMIT))
    pair = rb"\ud83d\ude00"
    yield raw("longest prompt of escaped pairs", 200, text(GOOD).replace(b"Make it snow.", pair * LIMIT))
    too_long = text(GOOD).replace(b"Make it snow.", pair * (LIMIT + 1))
    yield raw("too many escaped pairs", 400, too_long, f"body maxLength /{prompt}")
    in_utf8 = text(GOOD).replace(b"Make it snow.", "ü".encode() * LIMIT)
    yield raw("longest prompt in two bytes each", 200, in_utf8)
    yield body("prompt by another name", 400, f"body required /{prompt}", prompt=LEFT_OUT, Prompt="x")
    yield body("prompt with a nul", 200, prompt="\0")
    for name, value in {"number": 1, "null": None, "list": ["x"], "object": {}, "false": False}.items():
        yield body(f"{name} as the prompt", 400, f"body type /{prompt}", prompt=value)
    for value in ("1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"):
        yield body(f"size {value}", 200, image_size=value)
    for value in (
        "",
        "AUTO",
        "Auto",
        " 1:1",
        "1:1 ",
        "1:1\n",
        "1x1",
        "1:2",
        "16:09",
        "16/9",
        "1\uff1a1",
        "aut",
        "1:1,4:3",
    ):
        yield body(f"size {value!r}", 400, f"body enum /{size}", image_size=value)
    yield body("size null", 400, f"body type /{size}", f"body enum /{size}", image_size=None)
    for name, value in {"1": 1, "true": True, "list": ["1:1"], "object": {"width": 1}}.items():
        yield body(f"size {name}", 400, f"body type /{size}", f"body enum /{size}", image_size=value)
    for value in ("png", "jpeg"):
        yield body(f"format {value}", 200, output_format=value)
    for value in ("", "PNG", "Jpeg", "jpg", "webp", "png ", "image/png", "pn", "pngjpeg"):
        yield body(f"format {value!r}", 400, f"body enum /{form_}", output_format=value)
    yield body("format null", 400, f"body type /{form_}", f"body enum /{form_}", output_format=None)
    for name, value in {"0": 0, "false": False, "list": ["png"], "object": {}}.items():
        yield body(f"format {name}", 400, f"body type /{form_}", f"body enum /{form_}", output_format=value)
    yield body("property that nobody knows", 200, callBackUrl="https://app.example/done", x=None)
    yield body("empty key", 200, **{"": 1})
    yield body(
        "everything at once",
        400,
        f"body maxItems /{urls}",
        f"body minLength /{prompt}",
        f"body enum /{size}",
        f"body enum /{form_}",
        image_urls=[URL] * 11,
        prompt="",
        image_size="1:2",
        output_format="gif",
    )


def forms() -> Iterator[Row]:
    wrong, good = "body content ", joined(part())
    yield form("empty file", 200, joined(part(b"")))
    yield form(
        "file with its own boundary inside", 200, joined(part(b"x--frontier--\r\n--frontie\r\n --frontier--\r\n"))
    )
    yield form("file with its own boundary after a line feed", 200, joined(part(b"\n--frontier--\n")))
    yield form("file of line breaks", 200, joined(part(b"\r\n\r\n--\r\n")))
    yield form("boundary in quotes", 200, good, media_type='multipart/form-data; boundary="frontier"')
    yield form("form in upper case", 200, good, media_type="Multipart/Form-Data; Boundary=frontier")
    spaced = joined(part(), boundary=b"a b c")
    yield form("boundary with spaces", 200, spaced, media_type='multipart/form-data; boundary="a b c"')
    odd = b"'()+_,-./:=?"
    yield form(
        "boundary of odd characters",
        200,
        joined(part(), boundary=odd),
        media_type=f'multipart/form-data; boundary="{odd.decode()}"',
    )
    long = b"x" * 70
    yield form(
        "longest boundary",
        200,
        joined(part(), boundary=long),
        media_type=f"multipart/form-data; boundary={long.decode()}",
    )
    dashed = "----WebKitFormBoundary--x--"
    in_dashes = joined(part(), boundary=dashed.encode())
    yield form("boundary of dashes", 200, in_dashes, media_type=f"multipart/form-data; boundary={dashed}")
    escaped = r'multipart/form-data; boundary="fron\tier"'
    yield form("boundary with an escaped letter", 200, good, media_type=escaped, own=True)
    before = 'multipart/form-data; x="; boundary=no"; boundary=frontier'
    yield form("boundary behind another parameter", 200, good, media_type=before)
    yield form("boundary in another case", 400, good, wrong, media_type="multipart/form-data; boundary=Frontier")
    padded = good.replace(b"frontier\r\n", b"frontier \t\r\n").replace(b"frontier--", b"frontier-- ")
    yield form("space behind the boundaries", 200, padded)
    yield form("text after the end", 200, good + b"epilogue")
    yield form("nothing after the end", 200, good[:-2])
    yield form("form after the end", 200, good + good)
    other = part(b"hello", 'form-data; name="note"')
    yield form("another part", 200, joined(other, part()))
    yield form("file name beyond ASCII", 200, joined(part(disposition='form-data; name="file"; filename="ü.png"')))
    yield form("name without quotes", 200, joined(part(disposition="form-data; name=file; filename=a.png")))
    for name in ('a\\"b', "a; name=x", "C:\\\\a.bin", "", "a" * 1000):
        given = joined(part(disposition=f'form-data; name="file"; filename="{name}"'))
        yield form(f"file name of {len(name)}, {name[:9]}", 200, given)
    yield form(
        "disposition in upper case", 200, joined(part(disposition='FORM-DATA; NAME="file"; FileName="a"')), own=True
    )
    yield form("headers in upper case", 200, good.replace(b"Disposition", b"DISPOSITION").replace(b"Type:", b"TYPE:"))
    yield form("file without a type", 200, joined(b"Content-Disposition: " + FILE.encode() + b"\r\n\r\nabc"))
    yield form("part without headers", 400, joined(b"\r\nabc"), wrong, own=True)
    spaced = joined(part().replace(b"Disposition:", b"Disposition :"))
    yield form("space before a colon", 400, spaced, wrong, own=True)
    yield form("text on the line of the start", 400, b"text" + good, "body required /file", own=True)
    no_latin = "multipart/form-data; boundary=\N{SNOWMAN}"
    yield form("boundary beyond Latin-1", 400, good, wrong, media_type=no_latin, doors=frozenset({"service"}))
    yield form("no part", 400, joined(), "body required /file")
    yield form("nothing in the form", 400, b"", "body required ")
    yield form("another part alone", 400, joined(other), "body required /file")
    yield form(
        "name in upper case",
        400,
        joined(part(disposition='form-data; name="FILE"; filename="a"')),
        "body required /file",
    )
    yield form("two files", 400, joined(part(), part()), f"{wrong}/file")
    yield form("file without a name", 400, joined(part(disposition='form-data; name="file"')), f"{wrong}/file")
    yield form("part without a name", 400, joined(part(disposition="form-data")), wrong)
    yield form("part that is no form's", 400, joined(part(disposition='attachment; name="file"; filename="a"')), wrong)
    yield form("no boundary", 400, good, wrong, media_type="multipart/form-data")
    yield form("empty boundary", 400, good, wrong, media_type='multipart/form-data; boundary=""')
    yield form("another boundary", 400, good, wrong, media_type="multipart/form-data; boundary=border")
    yield form("form that is cut off", 400, good[:-6], wrong)
    yield form("form without its last boundary", 400, joined(part(), end=b"\r\n"), wrong)
    yield form("line feeds alone", 400, joined(part().replace(b"\r\n", b"\n"), line=b"\n", end=b"--\n"), wrong)
    yield form("text before the start", 200, b"preamble\r\n" + good)
    yield form("JSON as a form", 400, text(GOOD), wrong)
    yield form("largest file", 200, joined(part(b"x" * LARGEST)))
    yield form("file too large", 413, joined(part(b"x" * (LARGEST + 1))), "body maxLength /file")
