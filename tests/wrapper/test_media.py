"""Kinds of image files, by their first bytes, names and media types."""

import mimetypes

import pytest
from nano_banana_edit import _media


@pytest.fixture(autouse=True)
def odd_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own table of media types is wrong."""
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_, **__: ("image/x-odd", None))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\x89PNG", None),
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"RIFF1\n34WEBPVP8L", "image/webp"),
        (b"RIFF1234WAVE", None),
        (b"12345678WEBP", None),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"GIFT", None),
        (b"BM\x36\x00\x0c\x00\0\0\0\0\x36\0", "image/bmp"),
        (b"BMW is a car", None),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"MM\0+", "image/tiff"),
        (b"II+\0", "image/tiff"),
        (b"\xff\x0a", "image/jxl"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
        (b"\0\0\1\0", "image/vnd.microsoft.icon"),
        (b"8BPS", "image/vnd.adobe.photoshop"),
        *((b"\0\0\0 ftyp" + brand, "image/avif") for brand in (b"avif", b"avis")),
        *((b"\0\0\0 ftyp" + brand, "image/heic") for brand in (b"heic", b"heix", b"heim", b"hevc", b"hevx")),
        *((b"\0\0\0 ftyp" + brand, "image/heif") for brand in (b"mif1", b"msf1")),
        *(
            (b"\0\0\0\x18ftyp" + brands, media_type)
            for brands, media_type in (
                (b"mif1\0\0\0\0mif1avif", "image/avif"),
                (b"msf1\0\0\0\0mif1heic", "image/heic"),
                (b"MiHE\0\0\0\0mif1miaf", "image/heif"),
                (b"jpeg\0\0\0\0jpegmif1", "image/heif"),
                (b"isom\0\0\0\0iso2mp41heic", None),
                (b"mif1\0\0\0\0mif1miafheic", "image/heif"),
            )
        ),
        (b"\0\0\0 ftypisom", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_signatures(content: bytes, expected: str | None) -> None:
    """The first bytes tell the media type."""
    assert expected == _media.of_content(content)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "image/png"),
        ("A.JPG", "image/jpeg"),
        ("a.b.jpeg", "image/jpeg"),
        ("/x/y.webp", "image/webp"),
        ("a.tif", "image/tiff"),
        ("a.txt", None),
        ("png", None),
        (".png", None),
        ("", None),
    ],
)
def test_names(name: str, expected: str | None) -> None:
    """The extension of a file name tells the media type."""
    assert expected == _media.of_name(name)


def test_formats() -> None:
    """Every output format has a media type, and that an extension."""
    assert [_media.of_format(name) for name in ("png", "jpeg", "JPEG", "raw")] == [
        "image/png",
        "image/jpeg",
        "image/jpeg",
        None,
    ]
    assert [_media.extension(name) for name in ("image/png", "image/jpg", "Image/JPEG; q=1", "text/html")] == [
        ".png",
        ".jpg",
        ".jpg",
        None,
    ]
