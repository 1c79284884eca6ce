"""Images to draw on: which of them are decoded, and how much work that may be."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from nano_banana_edit_mock.engine import drawing
from PIL import EpsImagePlugin, Image


def draw(source: bytes | None) -> bytes:
    return drawing.render("p", size="1:1", output_format="png", source=source, seed="s")[1]


def image(form: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, 1).save(file, form, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, further: bytes = b"") -> bytes:
    """A black image of one bit a pixel, which its own decoder writes no smaller."""
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + further + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_more_scans(content: bytes) -> bytes:
    """A JPEG with forty scans before its first end."""
    return content.replace(b"\xff\xd9", b"\xff\xda\0\2" * 40 + b"\xff\xd9", 1)


BLANK = draw(None)
SCANS = with_more_scans(image("JPEG"))
SEVERAL = image("MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        *(("JPEG", "CMYK"), ("JPEG", "L"), ("GIF", "P"), ("WEBP", "RGBA")),
    ],
)
def test_web_images_are_drawn_on(form, mode):
    """An image of the web, in any mode, is the background of a result."""
    assert draw(image(form, mode=mode)) != BLANK


@pytest.mark.parametrize("form", ["TIFF", "BMP", "ICO", "PPM", "TGA", "PCX", "JPEG2000", "EPS", "PDF"])
def test_no_other_decoder_is_asked(form, monkeypatch):
    """Another image is like none, and what decodes it, or starts a program for that, is not called."""
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started."))
    Image.init()
    opened = {name: pair for name, pair in Image.OPEN.items() if name not in drawing.FORMATS}
    for name, (_, accept) in opened.items():
        monkeypatch.setitem(Image.OPEN, name, (lambda *_, name=name: pytest.fail(f"{name} was asked."), accept))
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n%%EOF\n"
    assert BLANK == draw(content if form == "EPS" else image(form))


@pytest.mark.parametrize(
    "content",
    [
        png(1, 40_000_000),
        png(30_000, 1),
        png(8_000, 8_000),
        SCANS,
        with_more_scans(SEVERAL),
        png(8, 8, chunk(b"abCd", b"") * 60_000),
        b"\xff\xd8" + b"\xff\xe0\0\2" * 100_000,
        b"GIF89a\x10\0\x10\0\0\0\0" + b"\x21\xfe\0" * 200_000,
    ],
    ids=["high", "wide", "large", "scans", "scans of several", "chunks", "markers", "extensions"],
)
def test_too_much_work_is_like_no_image(content, monkeypatch):
    """An image that is too much to decode is not decoded, however few bytes it has."""
    monkeypatch.setattr(Image.Image, "thumbnail", lambda *_: pytest.fail("It was decoded."))
    assert BLANK == draw(content)


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1), (5_000, 5_000)])
def test_large_images_are_drawn_on(size):
    """An image at the limits is decoded."""
    assert draw(png(*size)) != BLANK


def test_broken_tags_warn_nobody(recwarn):
    """A tag that cannot be read is no warning, of which one image may make thousands, and the image is drawn on."""
    tag = struct.pack(">HHII", 0x0112, 3, 1 << 20, 8)
    tags = b"MM\0*\0\0\0\x08" + struct.pack(">H", 1) + tag + bytes(4)
    assert draw(png(40, 30, chunk(b"eXIf", tags))) != BLANK
    assert not recwarn.list


def test_several_images_in_one_are_drawn_on():
    """A JPEG of a phone, with a preview behind the picture, is the background of a result."""
    assert draw(SEVERAL) != BLANK
