"""What needs Pillow: results as PIL images, and photos made ready for an edit."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from nano_banana_edit_client.constraints import shorten

from . import _media
from ._errors import InvalidRequest, is_of_handler, must_be
from ._images import ImageInput, parse

if TYPE_CHECKING:
    import PIL.Image

_QUALITY = 95  # the highest that Pillow advises for JPEG
# Formats with losses, of which JPEG is a worthy successor, and the others. Pillow hands EPS to Ghostscript.
_PHOTOS = ("AVIF", "HEIF", "JPEG", "JPEG2000", "MPO", "WEBP")
_OPENED = (*_PHOTOS, "BMP", "GIF", "ICO", "PNG", "PSD", "TIFF")
_ONE_PICTURE = ("HEIF", "MPO")  # whose further frames are previews and depth maps


def pillow(what: str) -> ModuleType:
    """Return PIL.Image, which also reads HEIC if pillow-heif is installed."""
    try:
        from PIL import Image  # noqa: PLC0415 - of the extra
    except ModuleNotFoundError as missing:
        hint = f"{what} needs {missing.name}: pip install 'nano-banana-edit[images]'"
        raise ModuleNotFoundError(hint, name=missing.name) from missing
    with suppress(ModuleNotFoundError):
        from pillow_heif import register_heif_opener  # noqa: PLC0415

        register_heif_opener()
    return Image


def opened(content: bytes, what: str, refusal: Callable[[str], Exception]) -> PIL.Image.Image:
    """Return an image that is read, with its format. Raises what `refusal` makes of the reason if that fails."""
    pil = pillow(what)
    try:
        return _loaded(pil, content)
    except (pil.DecompressionBombError, pil.DecompressionBombWarning) as error:
        raise refusal(f"{error}; set PIL.Image.MAX_IMAGE_PIXELS if you trust it") from error
    except pil.UnidentifiedImageError as error:
        found = _media.of_content(content) or "not a known image"
        remedy = "; pip install 'nano-banana-edit[images]'" if found.startswith("image/hei") else ""
        raise refusal(f"it is {found}{', which Pillow cannot read' if found[:3] != 'not' else ''}{remedy}") from error
    except Exception as error:
        if is_of_handler(error):
            raise
        raise refusal(str(error).rstrip(".")) from error


def _loaded(pil: ModuleType, content: bytes) -> PIL.Image.Image:
    known = {*pil.registered_extensions().values()} - {"MPO"}  # a JPEG to Pillow, which may lack AVIF
    image: PIL.Image.Image = pil.open(io.BytesIO(content), formats=[name for name in _OPENED if name in known])
    if pil.MAX_IMAGE_PIXELS and image.width * image.height > pil.MAX_IMAGE_PIXELS:  # Pillow itself warns, and reads on
        raise pil.DecompressionBombError(f"it has {image.width} x {image.height} pixels")
    image.load()
    return image


def prepare(image: ImageInput, *, max_side: int | None = 2048, strip_metadata: bool = True) -> tuple[str, bytes, str]:
    """Make a photo ready for an edit: in a format that every service reads, upright, in sRGB, and not too large.

    JPEG, HEIC, AVIF, WebP and JPEG 2000 become JPEG, unless they have transparency; all others, such as PNG, TIFF, GIF
    and a PIL image that was not opened from a file, become PNG. Each has 8 bits a channel. Needs the extra `images`.

    Args:
        image: An image as for `edit`, other than a URL. Of several frames or pages, pass the one you mean as a PIL
            image: `image.seek(n)` chooses it.
        max_side: Longest side in pixels, at least 1; a larger image is scaled down, a smaller one is never scaled up.
            None for any size; default 2048, at which every image fits into an upload.
        strip_metadata: Whether nothing but the pixels stays, so that no place, camera or date is sent; default True. If
            not, the EXIF stays, without its rotation, which is applied.

    Returns:
        `(name, content, media_type)`, which `edit` and `upload` take.

    Raises:
        InvalidRequest: The image is a URL, cannot be read, has several frames, or an argument is invalid.
        ModuleNotFoundError: The extra `images` is not installed.
    """
    if max_side is not None and (not isinstance(max_side, int) or isinstance(max_side, bool) or max_side < 1):
        raise must_be("a whole number of pixels, at least 1, or None", "max_side", max_side)
    if not isinstance(strip_metadata, bool):
        raise must_be("True or False", "strip_metadata", strip_metadata)
    pillow("prepare")
    from PIL import ImageOps  # noqa: PLC0415 - found by `pillow`

    name, source = _source(image)
    try:
        upright = ImageOps.exif_transpose(source)
        exif = b"" if strip_metadata else upright.getexif().tobytes()
        ready = _in_srgb(upright, max_side)
        ready.info.clear()  # of which Pillow writes comments and more by itself
        is_photo = source.format in _PHOTOS and ready.mode != "RGBA"
        content = io.BytesIO()
        ready.save(content, "JPEG" if is_photo else "PNG", quality=_QUALITY, exif=exif)
    except Exception as error:
        if is_of_handler(error):
            raise
        raise _refusal(f"cannot be converted ({error}); pass image.convert('RGB')") from error
    extension, media_type = ("jpg", "image/jpeg") if is_photo else ("png", "image/png")
    return f"{name}.{extension}", content.getvalue(), media_type


def _in_srgb(image: PIL.Image.Image, max_side: int | None) -> PIL.Image.Image:
    """Return an image, which may be changed, scaled down, with 8 bits a channel, grey or in sRGB."""
    from PIL import Image, ImageCms  # noqa: PLC0415 - of the extra

    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")  # Pillow itself cuts at 255
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    if max_side is not None:
        image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)  # before the colours: they take longer
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        with suppress(
            ImageCms.PyCMSError, OSError
        ):  # one that is damaged, or of other channels; browsers ignore it too
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            return cast("PIL.Image.Image", ImageCms.profileToProfile(image, source, target, outputMode=mode))
    return image.convert(mode) if image.mode == "CMYK" else image


def _source(image: ImageInput) -> tuple[str, PIL.Image.Image]:
    """Return the name of an image, without its extension, and the image."""
    if hasattr(image, "getexif"):
        name, found = "image", cast("PIL.Image.Image", image)
    else:
        local = parse(image, "image")
        if isinstance(local, str):
            raise _refusal(f"is the URL {shorten(local)}; pass it to edit, or download it first")
        with local.reading() as file:
            found = opened(file.read(), "prepare", lambda reason: _refusal(f"({local.name}) cannot be read: {reason}"))
        name = Path(local.name).stem
        frames = getattr(found, "n_frames", 1)
        if frames > 1 and found.format not in _ONE_PICTURE:
            raise _refusal(f"({local.name}) has {frames} frames or pages; pass the one you mean as a PIL image")
    if found.mode in ("F", "I"):
        raise _refusal(f"has the mode {found.mode}, whose values have no range; scale them, and pass a PIL image")
    return name, found


def _refusal(problem: str) -> InvalidRequest:
    return InvalidRequest(f"image {problem}.", field="image")


def preview(content: bytes, side: int) -> bytes:
    """Return a small JPEG of an image, on white. Raises ValueError if Pillow cannot open it."""
    small = _in_srgb(opened(content, "preview", ValueError), side).convert("RGBA")
    paper = pillow("preview").new("RGB", small.size, "white")
    paper.paste(small, mask=small)
    shown = io.BytesIO()
    paper.save(shown, "JPEG", quality=80)
    return shown.getvalue()
