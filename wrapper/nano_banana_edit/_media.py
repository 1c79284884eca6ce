"""Kinds of image files: media types, file extensions and signatures.

The tables are ours, since `mimetypes` answers with what the machine's registry says.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# The first extension is the one that a new file gets.
_EXTENSIONS = {
    "image/png": ("png", "apng"),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/webp": ("webp",),
    "image/gif": ("gif",),
    "image/bmp": ("bmp", "dib"),
    "image/tiff": ("tiff", "tif"),
    "image/avif": ("avif", "avifs"),
    "image/heic": ("heic", "heics"),
    "image/heif": ("heif", "heifs", "hif"),
    "image/jxl": ("jxl",),
    "image/jp2": ("jp2", "j2k", "jpf", "jpx"),
    "image/vnd.microsoft.icon": ("ico",),
    "image/vnd.adobe.photoshop": ("psd",),
    "image/svg+xml": ("svg",),
}
_TYPES = {extension: media_type for media_type, extensions in _EXTENSIONS.items() for extension in extensions}
_ALIASES = {
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
    "image/x-bmp": "image/bmp",
    "image/x-icon": "image/vnd.microsoft.icon",
}
# ISO/IEC 14496-12: a file of this family begins with the size of its first box, `ftyp`, and the major brand.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "image/heic"),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), "image/heif"),  # of any coding; another brand may name it
}
_SIGNATURES = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"BM.{4}\x00{4}", "image/bmp"),
    (rb"II[*+]\x00|MM\x00[*+]", "image/tiff"),  # with + it is BigTIFF
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "image/jp2"),
    (rb"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (rb"8BPS", "image/vnd.adobe.photoshop"),
)
_PATTERNS = tuple((re.compile(pattern, re.DOTALL), media_type) for pattern, media_type in _SIGNATURES)
SIGNED = {media_type for _, media_type in _SIGNATURES} | {*_BRANDS.values()}
_START = 512  # bytes that tell a text from anything else
LONGEST = 64  # bytes that tell a signature


def of_content(content: bytes) -> str | None:
    """Return the media type of an image by its first bytes, or None if it is no known image."""
    if content[4:8] == b"ftyp":
        brands = (content[at : at + 4] for at in (8, *range(16, min(int.from_bytes(content[:4]), LONGEST), 4)))
        found = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
        return min(found, key="image/heif".__eq__, default=None)
    return next((media_type for pattern, media_type in _PATTERNS if pattern.match(content)), None)


def is_text(content: bytes) -> bool:
    """Return whether a body is no image but a text, such as a page or a refusal, by its first bytes."""
    start = content[:_START]
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.end == len(start) == _START  # the last character is cut
    return b"\0" not in start


def of_name(name: str) -> str | None:
    """Return the media type of an image by the extension of its file name, or None if it is unknown."""
    return _TYPES.get(PurePosixPath(name).suffix[1:].lower())


def of_format(output_format: str) -> str | None:
    """Return the media type of an output format, such as `jpeg`, or None if it is unknown."""
    return _TYPES.get(output_format.strip().lower())


def standard(media_type: str) -> str:
    """Return a media type by its standard name, in lower case and without parameters: `image/jpg` is `image/jpeg`."""
    name = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(name, name)


def extension(media_type: str) -> str | None:
    """Return the extension of a media type, with its dot, or None if it is unknown."""
    known = _EXTENSIONS.get(standard(media_type))
    return f".{known[0]}" if known else None
