"""The font of a prompt: the first on the machine that has all its characters, or else the one that lacks the fewest."""

import re
import unicodedata
from functools import lru_cache
from typing import cast

from PIL import ImageFont, features
from PIL.ImageFont import FreeTypeFont

SHOWN = 1_000  # characters of a prompt; no image has room for more

# Pillow looks for these in the system's folders. Its own font, which comes first, has little more than ASCII.
_NAMES = (
    *("DejaVuSans.ttf", "segoeui.ttf", "Arial.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf"),
    *("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf"),
    *("msyh.ttc", "meiryo.ttc", "malgun.ttf", "Nirmala.ttc", "seguisym.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "Arial Unicode.ttf"),
    *("FreeSans.ttf", "unifont.otf", "unifont.ttf"),
)
_PROBE = 16  # pixels
_LACKING = "\U0010ffff"  # no font has it
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")  # joiners and selectors


def choose(prompt: str) -> tuple[str, str | None, list[str]]:
    """Return a prompt as the machine can draw it, the name of its font, and what a reader has to know.

    Nothing is drawn as the box of a missing character: it is written without its accents, or as its number.
    """
    seen = _UNSEEN.sub("", prompt[:SHOWN])
    text = " ".join("".join(char if char.isprintable() else " " for char in seen).split())
    if text.isascii():
        return text, None, []
    chars, name, notes = {*text}, None, []
    lacking = {char for char in chars if not _draws(None, char)}
    for other in _NAMES if lacking else ():
        less = {char for char in chars if not _draws(other, char)} if _load(other, _PROBE) else chars
        if len(less) < len(lacking):
            name, lacking = other, less
    if lacking:
        text = "".join(_spell(name, char) if char in lacking else char for char in text).replace("][", " ")
        notes.append("no font here has all its characters")
    if not features.check("raqm") and any(unicodedata.bidirectional(char) in {"R", "AL"} for char in chars):
        notes.append("right-to-left text needs libfribidi")
    return text, name, notes


def font(name: str | None, size: int) -> FreeTypeFont:
    """Return a font that there is; Pillow's own has no name."""
    return cast("FreeTypeFont", _load(name, size))


@lru_cache(100)
def _load(name: str | None, size: int) -> FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size) if name else cast("FreeTypeFont", ImageFont.load_default(size))
    except OSError:
        return None


def _draws(name: str | None, char: str) -> bool:
    """Return whether a font has a character: all that it lacks look alike."""
    return _look(name, char) != _look(name, _LACKING)


@lru_cache(5_000)
def _look(name: str | None, char: str) -> tuple[tuple[int, int], bytes]:
    mask = font(name, _PROBE).getmask(char)
    return mask.size, bytes(mask)


def _spell(name: str | None, char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base != char and _draws(name, base) else f"[U+{ord(char):04X}]"
