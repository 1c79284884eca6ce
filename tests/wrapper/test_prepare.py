"""What `prepare` makes of photos, and what it refuses."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from base64 import b64encode
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageCms
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nano_banana_edit import InvalidRequest, prepare

from .. import promises
from .conftest import URL, Face, Script, accepted, task, uploaded

SECRET = b"Zugspitze 47.4211 N"  # a place that must not be sent
SRGB = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
RED, BLUE, CLEAR = (250, 20, 20), (20, 20, 250), (0, 0, 0, 0)


def exif(orientation: int = 1) -> PIL.Image.Exif:
    """EXIF as a phone writes it: how it was held, what it is, where it was."""
    made = PIL.Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    made.get_ifd(0x8825)[29] = "2026:01:02"
    made.get_ifd(0x8825)[27] = SECRET
    return made


def photo(kind: str, size: tuple[int, int] = (64, 32), mode: str = "RGB", **options: Any) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    drawn = PIL.Image.new("RGB", size, RED)
    drawn.paste(BLUE, (size[0] // 2, 0, *size))
    content = io.BytesIO()
    drawn.convert(mode).save(content, kind, **options)
    return content.getvalue()


def read(prepared: tuple[str, bytes, str]) -> PIL.Image.Image:
    made = PIL.Image.open(io.BytesIO(prepared[1]))
    made.load()
    return made


def near(pixel: Any, colour: tuple[int, ...]) -> bool:
    return all(abs(one - other) <= 30 for one, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [
        ("JPEG", "JPEG"),
        ("HEIF", "JPEG"),
        ("AVIF", "JPEG"),
        ("WEBP", "JPEG"),
        ("PNG", "PNG"),
        ("TIFF", "PNG"),
        ("GIF", "PNG"),
        ("BMP", "PNG"),
    ],
)
def test_what_becomes_of_a_format(kind: str, becomes: str) -> None:
    """A format with losses becomes JPEG, another PNG; name and media type say so."""
    made = prepare((f"a.b.{kind.lower()}", photo(kind)))
    name, media_type = {"JPEG": ("a.b.jpg", "image/jpeg"), "PNG": ("a.b.png", "image/png")}[becomes]
    assert (name, media_type, becomes, (64, 32)) == (made[0], made[2], read(made).format, read(made).size)
    assert near(read(made).convert("RGB").getpixel((5, 5)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize(("orientation", "where"), [(1, (5, 5)), (3, (60, 5)), (6, (5, 5)), (8, (5, 60)), (2, (60, 5))])
def test_a_turned_photo_is_upright(kind: str, orientation: int, where: tuple[int, int]) -> None:
    """The rotation that EXIF names is applied to the pixels, once."""
    options = {"exif": exif(orientation)} if kind == "TIFF" else {"exif": exif(orientation).tobytes()}
    made = read(prepare(photo(kind, **options)))
    assert made.size == ((32, 64) if orientation > 4 else (64, 32))
    assert near(made.convert("RGB").getpixel(where), RED)
    assert 1 == made.getexif().get(0x0112, 1)


@promises.STRIPPED
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
def test_metadata_is_gone(kind: str) -> None:
    """Neither EXIF, place, XMP, comment, text, colour profile, resolution nor what follows the image is left."""
    import PIL.PngImagePlugin

    options: dict[str, Any] = {"exif": exif().tobytes()}
    if kind == "PNG":
        options["pnginfo"] = text = PIL.PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    elif kind == "JPEG":
        options |= {"comment": SECRET, "xmp": SECRET, "dpi": (300, 300)}
    elif kind in ("WEBP", "AVIF", "HEIF"):
        options["xmp"] = SECRET
    options["icc_profile"] = SRGB
    before = photo(kind, **options) + SECRET
    assert SECRET in before
    _, after, _ = made = prepare(before)
    assert SECRET not in after
    assert not {*read(made).info} - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not read(made).getexif()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_metadata_is_kept_if_asked(kind: str) -> None:
    """EXIF stays, the place too, but for the rotation, which is applied."""
    made = read(prepare(photo(kind, exif=exif(6)), strip_metadata=False))
    assert (SECRET.decode(), 1, (32, 64)) == (made.getexif()[0x010E], made.getexif().get(0x0112, 1), made.size)
    assert SECRET == made.getexif().get_ifd(0x8825)[27]


@given(width=st.integers(1, 90), height=st.integers(1, 90), most=st.integers(1, 100))
def test_a_large_photo_is_scaled_down_and_a_small_one_never_up(width: int, height: int, most: int) -> None:
    """The longest side is at most `max_side`, the shape stays, and a small image is as large as it was."""
    made = read(prepare(PIL.Image.new("RGB", (width, height)), max_side=most))
    if max(width, height) <= most:
        assert (width, height) == made.size
    else:
        assert most == max(made.size)
        scale = most / max(width, height)
        assert all(abs(new - old * scale) <= 1 for new, old in zip(made.size, (width, height), strict=True))


def test_the_default_fits_an_upload() -> None:
    """Without an argument the longest side is 2048; None leaves the size alone."""
    large = PIL.Image.new("L", (4096, 1024))
    assert ((2048, 512), (4096, 1024)) == (read(prepare(large)).size, read(prepare(large, max_side=None)).size)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "L", "RGB"])
def test_transparency_is_kept(mode: str) -> None:
    """What is transparent stays so, in every mode that has it, also if its format has losses."""
    clear = PIL.Image.new("RGBA", (8, 8), CLEAR)
    clear.paste((*RED, 255), (4, 0, 8, 8))
    content = io.BytesIO()
    if mode in ("P", "L", "RGB"):
        key = 0 if mode != "RGB" else (0, 0, 0)
        clear.convert("RGB").convert(mode).save(content, "PNG", transparency=key)
        made = read(prepare(content.getvalue()))
    elif mode == "PA":
        palette = clear.convert("RGB").convert("P")
        palette.putalpha(clear.getchannel("A"))
        made = read(prepare(palette))
    else:
        clear.convert(mode).save(content, "PNG")
        made = read(prepare(content.getvalue()))
    alpha = made.convert("RGBA").getchannel("A")
    assert (0, 255) == (alpha.getpixel((1, 1)), alpha.getpixel((6, 6)))


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "HEIF"])
def test_a_transparent_photo_becomes_png(kind: str) -> None:
    """JPEG has no transparency, so such a photo becomes PNG."""
    content = io.BytesIO()
    photo(kind)
    PIL.Image.new("RGBA", (8, 8), CLEAR).save(content, kind)
    made = prepare(("a", content.getvalue()))
    assert ("a.png", "image/png", 0) == (made[0], made[2], read(made).getpixel((1, 1))[3])


def test_a_wide_colour_profile_becomes_srgb() -> None:
    """Colours are those that were meant, without a profile: of a profile whose red and blue are swapped, blue."""
    swapped = SRGB.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    for mode in ("RGB", "RGBA"):
        made = read(prepare(photo("PNG", mode=mode, icc_profile=swapped)))
        assert (mode, True) == (made.mode, near(made.getpixel((5, 5))[:3], BLUE))


@pytest.mark.parametrize("profile", [b"damaged", SRGB])
@pytest.mark.parametrize("mode", ["CMYK", "L", "RGB"])
def test_a_profile_that_is_none_is_ignored(mode: str, profile: bytes) -> None:
    """A damaged profile, or one of other channels, is as if it were not there."""
    made = read(prepare(photo("JPEG", mode=mode, icc_profile=profile)))
    assert made.mode == ("L" if mode == "L" else "RGB")
    assert mode == "L" or near(made.getpixel((5, 5)), RED)


def test_sixteen_bits_become_eight() -> None:
    """A grey of 16 bits keeps its brightness; Pillow alone makes it white."""
    content = io.BytesIO()
    PIL.Image.new("I;16", (4, 4), 0x8000).save(content, "PNG")
    assert ("L", 128) == ((made := read(prepare(content.getvalue()))).mode, made.getpixel((1, 1)))


@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_without_a_range_are_refused(mode: str) -> None:
    """Nobody knows which value is white."""
    with pytest.raises(InvalidRequest, match=f"image has the mode {mode}, whose values have no range; scale them"):
        prepare(PIL.Image.new(mode, (2, 2)))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG", "AVIF"])
def test_one_of_many_frames_is_the_callers_choice(kind: str) -> None:
    """An animation, or a document of several pages, is refused; as a PIL image it is what it shows now."""
    other = PIL.Image.new("RGB", (64, 32), BLUE)
    content = photo(kind, save_all=True, append_images=[other])
    with pytest.raises(InvalidRequest, match=r"image \(x\) has 2 frames or pages; pass the one you mean as a PIL"):
        prepare(("x", content))
    chosen = PIL.Image.open(io.BytesIO(content))
    chosen.seek(1)
    assert near(read(prepare(chosen)).convert("RGB").getpixel((5, 5)), BLUE)


@pytest.mark.parametrize("kind", ["MPO", "HEIF"])
def test_the_main_picture_of_a_phone(kind: str) -> None:
    """What a phone adds to its photo, such as a preview, is left out."""
    content = photo(kind, save_all=True, append_images=[PIL.Image.new("RGB", (64, 32), BLUE)])
    assert near(read(prepare(content)).getpixel((5, 5)), RED)


@pytest.mark.parametrize("form", ["path", "text", "bytes", "file", "named", "data", "pil"])
def test_every_local_form_is_taken(form: str, tmp_path: Path) -> None:
    """What `edit` takes, but for URLs, is prepared, and keeps its name."""
    content = photo("TIFF")
    (path := tmp_path / "Ein Foto.tif").write_bytes(content)
    with path.open("rb") as file, PIL.Image.open(path) as opened:
        given_as = {
            "path": path,
            "text": str(path),
            "bytes": content,
            "file": file,
            "named": ("Ein Foto.tif", io.BytesIO(content)),
            "data": f"data:image/tiff;base64,{b64encode(content).decode()}",
            "pil": opened,
        }
        made = prepare(given_as[form])
    assert made[0] == ("Ein Foto.png" if form in ("path", "text", "file", "named") else "image.png")
    assert (64, 32) == read(made).size


def test_what_is_given_stays_as_it_was() -> None:
    """A PIL image of the caller is neither scaled nor turned nor stripped itself."""
    mine = PIL.Image.open(io.BytesIO(photo("JPEG", exif=exif(6).tobytes(), comment=SECRET)))
    prepare(mine, max_side=8)
    assert ((64, 32), SECRET, 6) == (mine.size, mine.info["comment"], mine.getexif()[0x0112])


def test_edit_takes_what_it_returns(face: Face) -> None:
    """The upload has the name, the type and the content that were prepared."""
    made = prepare(("IMG_1.HEIC", photo("HEIF")))
    script = Script([uploaded(), accepted(), task()])
    face.call(script, "edit", [made], "p")
    assert b'filename="IMG_1.jpg"\r\nContent-Type: image/jpeg\r\n' in script.requests[0].content
    assert made[1] in script.requests[0].content


@pytest.mark.parametrize(
    ("given_as", "options", "message"),
    [
        (URL, {}, rf"image is the URL '{URL}'; pass it to edit"),
        (b"", {}, r"image \(image\) cannot be read: it is not a known image"),
        (b"\x89PNG\r\n\x1a\n", {}, r"image \(image\) cannot be read: "),
        (photo("JPEG")[:300], {}, r"image \(image\) cannot be read: Truncated"),
        (("a.svg", b"<svg/>", "image/svg+xml"), {}, r"image \(a.svg\) cannot be read: "),
        ("missing.heic", {}, "image 'missing.heic' does not exist"),
        (PIL.Image.new("La", (2, 2)), {}, "image cannot be converted .*; pass image.convert"),
        (b"", {"max_side": 0}, "max_side is 0; it must be a whole number of pixels, at least 1, or None"),
        (b"", {"max_side": True}, "max_side is True"),
        (b"", {"max_side": 1.5}, "max_side is 1.5"),
        (b"", {"strip_metadata": "no"}, "strip_metadata is 'no'; it must be True or False"),
    ],
)
def test_what_is_refused(given_as: Any, options: dict[str, Any], message: str) -> None:
    """Each refusal is one InvalidRequest with field, value and remedy; no error of Pillow escapes."""
    with pytest.raises(InvalidRequest, match=message) as refused:
        prepare(given_as, **options)
    assert refused.value.field == next(iter(options), "image")


@pytest.mark.parametrize("most", [2, 3000])
def test_a_bomb_is_refused(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More pixels than Pillow opens, or warns of, is an error of ours, which says how they are allowed."""
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(InvalidRequest, match=r"exceeds limit of .*; set PIL.Image.MAX_IMAGE_PIXELS if you trust it"):
        prepare(photo("PNG", (64, 64)))


def test_a_picture_that_is_a_bomb_is_not_read() -> None:
    """A small file of very many pixels is refused by its head, before it takes the memory of its pixels."""
    many = io.BytesIO()
    PIL.Image.new("1", (13_000, 13_000)).save(many, "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a program of a user
        with pytest.raises(InvalidRequest, match="it has 13000 x 13000 pixels; set PIL"):
            prepare(many.getvalue())


def test_no_program_reads_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Pillow would hand to Ghostscript is refused: a picture may not run a program."""
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program runs"))
    monkeypatch.setattr("shutil.which", lambda _: "gs")
    with pytest.raises(InvalidRequest, match="it is not a known image"):
        prepare(("photo.eps", eps, "application/postscript"))


def test_a_handler_of_the_caller_is_heard() -> None:
    """What a signal handler raises meanwhile is no fault of the image."""

    class Interrupted(PIL.Image.Image):
        def load(self) -> Any:
            handler(14, sys._getframe())

    def handler(signum: int, frame: Any) -> None:
        raise TimeoutError("the caller's")

    with pytest.raises(TimeoutError, match="the caller's"):
        prepare(Interrupted())


@pytest.mark.parametrize(
    ("missing", "code", "said"),
    [
        ("PIL", "prepare(b'')", "ModuleNotFoundError: prepare needs PIL: pip install 'nano-banana-edit[images]'\n"),
        ("pillow_heif", "prepare(b'\\0\\0\\0\\x18ftypheic')", "it is image/heic, which Pillow cannot read; "),
    ],
)
def test_without_the_extra(missing: str, code: str, said: str) -> None:
    """Without Pillow the error names the extra; without pillow-heif alone all but HEIC works."""
    code = f"import sys; sys.modules['{missing}'] = None; from nano_banana_edit import prepare; {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said in done.stderr
    assert "pip install 'nano-banana-edit[images]'" in done.stderr
