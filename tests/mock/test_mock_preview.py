"""The drawn results: shape, format, background, label, text."""

import os
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from typing import Any

import pytest
from nano_banana_edit_mock import load
from nano_banana_edit_mock.engine import fonts
from nano_banana_edit_mock.engine.drawing import LONG_SIDE, MAX_PIXELS, _wrap, render
from PIL import Image, ImageChops, features

CHOICES = {c.field[0]: c.value for c in load().constraints if c.keyword == "enum"}
PANEL = (17, 17, 17)
LONG = "Turn the harbour into a winter scene with lanterns. " * 90


def draw(prompt="Make it snow.", *, size="1:1", output_format="png", source=None, seed="a") -> bytes:
    return render(prompt, size=size, output_format=output_format, source=source, seed=seed)[1]


def media_type(output_format: str) -> str:
    return render("", size="1:1", output_format=output_format, source=None, seed="a")[0]


def read(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def file(size=(300, 200), mode="RGB", colour="red", form="PNG", **options) -> bytes:
    written = BytesIO()
    Image.new(mode, size, colour).save(written, form, **options)
    return written.getvalue()


def chunk(content: bytes) -> bytes:
    """A chunk of a PNG, its name first."""
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def bomb(width, height) -> bytes:
    """A PNG that claims a size without having it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, (header, b"IDAT" + zlib.compress(b""), b"IEND")))


@pytest.mark.parametrize("output_format", CHOICES["output_format"])
@pytest.mark.parametrize("size", CHOICES["image_size"])
def test_every_choice(size, output_format):
    """Every documented shape and format is drawn, in the exact ratio and about the same long side."""
    image = read(draw(size=size, output_format=output_format))
    width, height = map(int, (size if ":" in size else "1:1").split(":"))
    assert output_format.upper() == image.format
    assert image.width * height == image.height * width
    assert 0.95 < max(image.size) / LONG_SIDE < 1.05
    assert f"image/{output_format}" == media_type(output_format)


@pytest.mark.parametrize("size", ["1:999", "999:1", "7:5", "100:100"])
def test_any_ratio(size):
    """A ratio that the document may add tomorrow is drawn exactly, however slim."""
    width, height = map(int, size.split(":"))
    image = read(draw(LONG, size=size))
    assert image.width * height == image.height * width


@pytest.mark.parametrize("size", ["large", "0:1", "1:0", "1:1000000000", "16x9", ""])
def test_no_ratio(size):
    """A size that is no ratio is drawn square."""
    assert (LONG_SIDE, LONG_SIDE) == read(draw(size=size, source=file())).size


def test_unknown_format():
    """A format that cannot be written is drawn as PNG."""
    assert "PNG" == read(draw(output_format="hologram")).format
    assert "image/png" == media_type("hologram")


def test_equal_arguments_equal_bytes():
    """The same arguments draw the same file; another seed or prompt draws another."""
    assert draw() == draw()
    assert draw() != draw(seed="b")
    assert draw() != draw("Make it rain.")


@pytest.mark.parametrize(("given", "drawn"), [((300, 200), (300, 200)), ((2048, 1024), (1024, 512)), ((1, 1), (1, 1))])
def test_auto(given, drawn):
    """`auto` is the shape of the source, no longer than any result."""
    assert drawn == read(draw(size="auto", source=file(given))).size


def test_orientation():
    """A photo is turned upright as its EXIF data says."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert (200, 300) == read(draw(size="auto", source=file((300, 200), form="JPEG", exif=exif))).size


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("RGB", "red", (255, 0, 0)), ("RGBA", (0, 0, 0, 0), (255, 255, 255)), ("L", 9, (9, 9, 9)), ("1", 1, (255,) * 3)],
)
def test_background(mode, colour, expected):
    """The source is on the left, and what is transparent in it is white; on the right it is changed."""
    image = read(draw(size="16:9", source=file(mode=mode, colour=colour)))
    assert expected == image.getpixel((3, image.height // 2)) != image.getpixel((image.width - 3, image.height // 2))


@pytest.mark.parametrize(
    "source",
    [
        b"no image",
        b"",
        file()[:60],
        file(form="JPEG")[:-200],
        bomb(MAX_PIXELS, 2),
        file((10_000, MAX_PIXELS // 10_000 + 1), mode="1", colour=1),
        bomb(10, 10),
    ],
)
def test_bad_source(source):
    """What is no whole image of a sensible size is left out."""
    assert draw() == draw(source=source)


@pytest.mark.filterwarnings("ignore:Invalid APNG")
def test_odd_source():
    """A source that Pillow opens with a warning, such as one that claims to be animated and is not, is drawn on."""
    plain = file()
    odd = plain[:33] + chunk(b"acTL" + bytes(8)) + plain[33:]  # behind the signature and the first chunk
    assert draw(source=plain) == draw(source=odd) != draw()


@pytest.mark.parametrize("source", [None, file()])
def test_it_says_that_it_is_a_mocks(source):
    """A yellow label at the top is part of every result; only one without an upload says so."""
    image = read(draw(source=source))
    assert [(242, 201, 76)] * 2 == [image.getpixel(place) for place in ((0, 0), (image.width - 1, 40))]
    label = (0, 0, image.width, 60)
    assert (source is not None) == (image.crop(label).tobytes() == read(draw("x", source=file())).crop(label).tobytes())


def panel(image: Image.Image) -> Any:
    """The box of pure white, which only text has on a gradient."""
    box = ImageChops.difference(image.convert("L"), Image.new("L", image.size, 255)).point(
        lambda level: 255 * (not level)
    )
    return box.getbbox()


@pytest.mark.parametrize("prompt", ["Snow", LONG, "x" * 5000, "a\nb\tc\x00d", "\N{GRINNING FACE}\u96ea" * 100])
@pytest.mark.parametrize("size", ["1:1", "21:9", "9:16"])
def test_text_stays_inside(prompt, size):
    """Any prompt is written on a dark panel in the lower half, within the image."""
    image = read(draw(prompt, size=size))
    left, top, right, bottom = panel(image)
    assert 0 < left < right < image.width
    assert image.height / 2 <= top < bottom < image.height
    assert PANEL == image.getpixel((0, image.height - 1)) == image.getpixel((image.width - 1, top))


class Mono:
    """A font whose characters are all one pixel wide."""

    getlength = staticmethod(len)


@pytest.mark.parametrize(
    ("text", "width", "rows", "lines"),
    [
        ("", 7, 9, []),
        ("one two", 7, 9, ["one two"]),
        ("one two three", 7, 9, ["one two", "three"]),
        ("one two three", 8, 9, ["one two", "three"]),
        ("one two three", 6, 9, ["one", "two", "three"]),
        ("abcdef", 4, 9, ["abcd", "ef"]),
        ("abcd ef", 3, 9, ["abc", "d", "ef"]),
        ("abc", 0, 9, ["a", "b", "c"]),
        ("one two three", 7, 1, ["one tw…"]),
        ("a b cd", 3, 1, ["a…"]),
        ("one two three", 7, 2, ["one two", "three"]),
    ],
)
def test_lines(text, width, rows, lines):
    """Text is broken at blanks, a word where it is too long, and what is left over at the end becomes an ellipsis."""
    assert lines == _wrap(text, Mono(), width=width, rows=rows)


def test_slim_shape():
    """Where there is no room for two lines one is written, and the picture is seen above it."""
    image = read(draw(LONG, size="30:1"))
    assert PANEL == image.getpixel((0, image.height - 1)) != image.getpixel((0, 0))


CHOOSE = """
import sys
from nano_banana_edit_mock.engine.fonts import choose
for prompt in sys.argv[1:]:
    print(ascii(choose(prompt)))
"""


def chosen(*prompts, **environment):
    """What is drawn of prompts on a machine whose fonts are where the environment says."""
    command = [sys.executable, "-c", CHOOSE, *prompts]
    run = subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, text=True)
    return [eval(line) for line in run.stdout.splitlines()]


def test_a_machine_without_fonts(tmp_path):
    """A character that no font has is written without its accent or as its number, and the label says so."""
    note = ["no font here has all its characters"]
    nowhere = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS")}
    found = chosen(
        "snow\n on\t\x07it", "caf\u00e9", "\u96ea\u2744\ufe0f!", "1 \u2192 2", "\u201cit\u2019s\u201d", **nowhere
    )
    assert [
        ("snow on it", None, []),
        ("cafe", None, note),
        ("[U+96EA U+2744]!", None, note),
        ("1 [U+2192] 2", None, note),
        ("\u201cit\u2019s\u201d", None, []),
    ] == found


def test_a_font_of_the_machine(tmp_path):
    """A font of the machine that has all characters is taken, and of several the one that lacks the fewest."""
    text, name, notes = chosen("\u0421\u043d\u0435\u0433")[0]
    if name is None:
        pytest.skip("this machine has no font with Cyrillic letters")
    assert ("\u0421\u043d\u0435\u0433", []) == (text, notes)
    assert draw("\u0421\u043d\u0435\u0433") == draw("\u0421\u043d\u0435\u0433") != draw("[U+0421 U+043D U+0435 U+0433]")


def test_right_to_left(monkeypatch):
    """Without the library that lays it out, the label says that right-to-left text runs the wrong way."""
    prompt = "\u05e9\u05dc\u05d2"
    assert "right-to-left" not in str(fonts.choose(prompt)) or not features.check("raqm")
    monkeypatch.setattr(features, "check", lambda name: False)
    assert "right-to-left text needs libfribidi" == fonts.choose(prompt)[2][-1]


def test_blank_prompt():
    """A prompt of blanks leaves the panel empty."""
    assert None is panel(read(draw("   ")))


def test_long_prompts_end_with_an_ellipsis():
    """What does not fit is cut, so that more of it changes nothing."""
    assert draw(LONG) == draw(LONG + "and more")
    assert draw(LONG[:60].strip()) != draw(LONG)
