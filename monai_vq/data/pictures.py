"""Reads the bytes of a PNG or JPEG picture so that damage and absurd sizes are found before a pixel is trusted."""

import io
import struct
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from monai_vq.data.file_kind import file_kind
from monai_vq.data.nifti import VolumeError

__all__ = ["MAX_PICTURE_PIXELS", "MAX_PICTURE_SIDE", "MODES", "convert_mode", "fit_square", "read_picture"]

MODES = ("rgb", "grey")
MAX_PICTURE_SIDE = 16384
MAX_PICTURE_PIXELS = 64 << 20  # below the number from which PIL warns of a decompression bomb
_FORMATS = ("PNG", "JPEG")  # PIL knows 40 more, each with code that reads what strangers wrote
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"
_CHUNK_FRAME = 12  # bytes of a PNG chunk beside its data: length, type, checksum
_16_BIT = ("I", "I;16", "I;16B", "I;16L")
_DOWNLOAD_AGAIN = "download or copy the file again"


def read_picture(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decodes a picture as a viewer shows it: turned as its EXIF says, grey or RGB, 8 bits.

    PIL shows a PNG whose checksums are wrong without a word (it reads over those of the pixels); here every chunk's
    is compared. JPEG has no checksums: a picture that is cut off is found, a flipped byte often is not.

    Grey stays grey, at 16 bits scaled to 8; RGB at 16 bits loses its low bytes. Transparent pixels are laid over
    black. A palette becomes RGB, or grey where all its colours in use are. CMYK and YCCK (of JPEG, inverted as Adobe
    writes them) become RGB by (1 - C)(1 - K), without a colour profile.

    Args:
        content: all bytes of the file; what it is, is seen from them and not from the name.
        name: named in errors, as a scan may be read from many files.

    Returns:
        Pixels, 0 black and 255 white: [H, W] where the picture is grey, else [H, W, 3].

    Raises:
        VolumeError: the file is empty, no PNG or JPEG, damaged, cut off, animated or too large.
    """
    if not content:
        raise VolumeError(f"{name} is empty (0 bytes)", _DOWNLOAD_AGAIN)
    if not content.startswith((_PNG_SIGNATURE, _JPEG_START)):
        raise VolumeError(f"{name} is no PNG or JPEG but {file_kind(content)}", _DOWNLOAD_AGAIN)
    if content.startswith(_PNG_SIGNATURE):
        _check_png_chunks(content, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual EXIF, and of sizes that are refused below
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                _check_frame(image, name)
                return _to_array(ImageOps.exif_transpose(image))
    except (VolumeError, MemoryError):
        raise
    except Exception as error:  # PIL has no type of its own for bad bytes: about ten of Python's were seen
        raise VolumeError(f"{name} is damaged or cut off", _DOWNLOAD_AGAIN) from error  # PIL's own words quote bytes


def _check_png_chunks(content: bytes, name: str) -> None:
    """Compares the checksum of every chunk, up to and with the last."""
    position, kind = len(_PNG_SIGNATURE), b""
    while kind != b"IEND":
        if position + _CHUNK_FRAME > len(content):
            raise VolumeError(f"{name} is cut off: it has no end chunk", _DOWNLOAD_AGAIN)
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + _CHUNK_FRAME + length
        if end > len(content):
            raise VolumeError(f"{name} is cut off: a chunk ends at byte {end} of {len(content)}", _DOWNLOAD_AGAIN)
        if zlib.crc32(content[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise VolumeError(f"{name} is damaged: the chunk at byte {position} has another checksum", _DOWNLOAD_AGAIN)
        position = end


def _check_frame(image: Image.Image, name: str) -> None:
    """Checks what the header declares, before anything of that size is allocated."""
    width, height = image.size
    if not 1 <= min(image.size) <= max(image.size) <= MAX_PICTURE_SIDE or width * height > MAX_PICTURE_PIXELS:
        raise VolumeError(
            f"{name} has {width} x {height} pixels, expected sides of 1 to {MAX_PICTURE_SIDE} and at most "
            f"{MAX_PICTURE_PIXELS} pixels",
            "scale it down",
        )
    if image.format == "PNG" and getattr(image, "is_animated", False):
        raise VolumeError(f"{name} is an animation", "save one of its pictures")


def _to_array(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in _16_BIT:
        wide = np.asarray(image).astype(np.int64)
        return ((wide + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257; rounded to the nearest
    if image.mode == "P":
        return _grey_if_equal(_over_black(image.convert("RGBA")))
    if "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _over_black(image.convert("LA" if image.mode in ("1", "L", "LA", "La") else "RGBA"))
    return np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _over_black(image: Image.Image) -> NDArray[np.uint8]:
    """Lays a picture with opacity, `LA` or `RGBA`, over black."""
    layers = np.asarray(image).astype(np.uint16)  # [H, W, 2] or [H, W, 4]
    colours, opacity = layers[..., :-1], layers[..., -1:]
    covered: NDArray[np.uint8] = ((colours * opacity + 127) // 255).astype(np.uint8)
    return covered[..., 0] if covered.shape[-1] == 1 else covered


def _grey_if_equal(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(colours[..., 0]) if (colours == colours[..., :1]).all() else colours


def convert_mode(pixels: NDArray[np.uint8], mode: str) -> NDArray[np.uint8]:
    """Makes a picture grey, by the luma of ITU-R BT.601, or colour, its three channels equal; or leaves it as it is.

    Args:
        pixels: [H, W] or [H, W, 3].
        mode: one of `MODES`.

    Returns:
        [H, W] where the mode is `grey`, [H, W, 3] where it is `rgb`.
    """
    if mode == "rgb":
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return pixels if pixels.ndim == 2 else np.array(Image.fromarray(pixels).convert("L"))


def fit_square(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Brings the central square of a picture to `size` x `size` pixels, by cubic interpolation without aliasing.

    That is: the shorter side becomes `size`, and the middle of the longer one is kept. A square of that size already
    keeps its pixels.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(square)
    return np.array(Image.fromarray(np.ascontiguousarray(square)).resize((size, size), Image.Resampling.BICUBIC))
