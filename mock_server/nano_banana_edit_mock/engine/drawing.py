"""The drawing of results: before and after of an upload, or a gradient, labelled as a mock's, with the prompt on it."""

import random
import re
import warnings
from bisect import bisect_right
from io import BytesIO
from math import gcd

from PIL import Image, ImageDraw, ImageOps
from PIL.ImageFont import FreeTypeFont

from . import fonts

LABEL = "MOCK \N{MIDDLE DOT} not edited by the real service"
LONG_SIDE = 1024  # pixels, about; the ratio is exact
FORMATS = ("GIF", "JPEG", "PNG", "WEBP")  # of an input; Pillow hands others to programs, such as Ghostscript
MAX_PIXELS = 50_000_000  # of an input; a larger one may be a decompression bomb, and is too slow for a mock
MAX_SIDE = 20_000  # pixels of an input; a row costs time and memory, however short it is
MAX_SCANS = 20  # of an input in JPEG, each of which is decoded over all pixels; usual are ten and a preview
MAX_READS = 100_000  # of an input, each for one of the pieces that its format is made of
_JPEGS = ("JPEG", "MPO")  # a JPEG with further images behind it is another format to Pillow
_SQUARE = (LONG_SIDE, LONG_SIDE)
_RATIO = re.compile(r"([1-9][0-9]{0,2}):([1-9][0-9]{0,2})")


def render(prompt: str, *, size: str, output_format: str, source: bytes | None, seed: str) -> tuple[str, bytes]:
    """Draw a result and return its media type and bytes; on one machine equal arguments give equal results.

    `size` is width to height as `W:H`, or `auto` for the shape of `source`; anything else is square. `source` is an
    image file, which is drawn as it was on the left, and in two colours on the right. Without a readable one the
    background is a gradient. The colours depend on `seed`.
    """
    background = _decode(source) if source else None
    shape = _shape(size, background)
    hue = random.Random(seed).randrange(360)  # noqa: S311  colours, not secrets
    unit = max(10, min(shape) // 18)
    small = fonts.font(None, unit * 2 // 3)
    image = _split(ImageOps.fit(background, shape), hue, small) if background else _gradient(shape, hue)
    text, name, notes = fonts.choose(prompt)
    label = "; ".join([LABEL, *([] if background else ["no upload to draw on"]), *notes])
    _write(image, label, small, "#111111", "#f2c94c", top=True)
    _write(image, text, fonts.font(name, unit), "white", "#111111", top=False)
    file = BytesIO()
    form = Image.registered_extensions().get(f".{output_format}", "PNG")
    image.save(file, form)
    return Image.MIME[form], file.getvalue()


def _shape(size: str, background: Image.Image | None) -> tuple[int, int]:
    if ratio := _RATIO.fullmatch(size):
        width, height = int(ratio[1]), int(ratio[2])
        divisor = gcd(width, height)
        unit = round(LONG_SIDE / (max(width, height) // divisor))
        return width // divisor * unit, height // divisor * unit
    return background.size if background and size == "auto" else _SQUARE


def _decode(source: bytes) -> Image.Image | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a broken tag is a warning, and an image may have 65,535 of them
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(_Reader(source), formats=FORMATS)
            scans = source.count(b"\xff\xda") if image.format in _JPEGS else 1
            if max(image.size) > MAX_SIDE or image.width * image.height > MAX_PIXELS or scans > MAX_SCANS:
                return None
            image.draft("RGB", _SQUARE)
            image.thumbnail(_SQUARE)  # first, because each further step makes a copy
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except Exception:  # noqa: BLE001  Pillow's decoders raise almost anything on a broken file
        return None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


class _Reader(BytesIO):
    """A file that may be read only so often."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise ValueError("The image has too many pieces.")
        return super().read(size)


def _gradient(shape: tuple[int, int], hue: int) -> Image.Image:
    ramp = ImageOps.fit(Image.linear_gradient("L").rotate(30, expand=True).crop((64, 64, 256, 256)), shape)
    return ImageOps.colorize(ramp, f"hsl({hue}, 65%, 40%)", f"hsl({(hue + 50) % 360}, 80%, 75%)")


def _split(image: Image.Image, hue: int, font: FreeTypeFont) -> Image.Image:
    """Return an image with a line down its middle, left of it as it was before, and right of it in two colours."""
    middle = image.width // 2
    right = ImageOps.grayscale(image.crop((middle, 0, *image.size)))
    image.paste(ImageOps.colorize(right, f"hsl({hue}, 65%, 15%)", f"hsl({(hue + 50) % 360}, 80%, 92%)"), (middle, 0))
    draw = ImageDraw.Draw(image)
    draw.line((middle, 0, middle, image.height), "white", image.width // 250 + 1)
    for text, away, anchor in (("before", -font.size, "rt"), ("after", font.size, "lt")):
        place = middle + away, 3.5 * font.size  # below the label
        draw.text(place, text, "white", font, anchor, stroke_width=font.size / 8, stroke_fill="#111111")
    return image


def _write(image: Image.Image, text: str, font: FreeTypeFont, ink: str, panel: str, *, top: bool) -> None:
    """Write a text on a panel along the upper or lower edge, at most half as high as the image."""
    unit = font.size
    rows = max(1, int((image.height // 2 - unit) * 2 // (3 * unit)))
    lines = _wrap(text, font, width=int(image.width - 2 * unit), rows=rows)
    height = len(lines) * unit * 3 // 2 + unit
    start = 0 if top else image.height - height
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, start, image.width, start + height), fill=panel)
    draw.multiline_text((unit, start + unit / 2), "\n".join(lines), fill=ink, font=font, spacing=unit / 2)


def _wrap(text: str, font: FreeTypeFont, *, width: int, rows: int) -> list[str]:
    """Return the lines of a text without white space but blanks."""
    rest = text
    lines: list[str] = []
    while rest and len(lines) < rows:
        # No glyph is narrower than a pixel, so a line has at most `width` characters.
        counts = range(1, min(len(rest), max(1, width)) + 1)
        count = max(1, bisect_right(counts, float(width), key=lambda count: float(font.getlength(rest[:count]))))
        if count < len(rest):
            count = max(rest.rfind(" ", 0, count + 1), 0) or count
        lines.append(rest[:count])
        rest = rest[count:].lstrip()
    if rest:
        lines[-1] = f"{lines[-1][:-1].rstrip()}…"
    return lines
