"""The picture of a scan: a strip of its slices with the foreground's contour and the patient's directions."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from data_prep.qc.pixels import to_uint8
from monai_vq.data import PLANE_AXES, ScanRecord

__all__ = ["ORIENTATION", "direction_labels", "shown_slices", "slice_strip"]

ORIENTATION = {
    "axial": "image left = patient's right, image top = anterior",
    "coronal": "image left = patient's right, image top = superior",
    "sagittal": "image left = anterior, image top = superior",
}
"""How the slices of each plane are shown (and stored)."""

_SLICES_PER_STRIP = 8
_GAP = 2  # pixels between slices, as photographs have no dark border of their own
_SMALLEST, _LARGEST = 96, 160  # pixels of a slice's longer side: room for the letters, and 8 side by side on a screen
_CONTOUR = (255, 140, 0)
_LETTER = (120, 220, 255)
_LETTER_HEIGHT = 13
_JPEG_QUALITY = 80
_OPPOSITE = dict(zip("LRAPSI", "RLPAIS", strict=True))


def slice_strip(record: ScanRecord, dataset_dir: Path) -> bytes:
    """Draws evenly spaced slices of a scan side by side, with the contour of the foreground mask.

    Args:
        record: the scan.
        dataset_dir: its prepared dataset.

    Returns:
        A JPEG of up to 8 slices, its pixels square whatever the slices' spacing. At its edges stand the directions
        of the patient's body, none where the scan has no axes.
    """
    shown = shown_slices(record)
    slices = np.load(record.slices_path(dataset_dir), mmap_mode="r")[shown]  # [S, H, W] or [S, H, W, 3]
    masks = np.load(record.mask_path(dataset_dir), mmap_mode="r")[shown]
    width, height = _tile_size(masks.shape[1:], record.slice_spacing)
    strip = Image.new("RGB", (len(shown) * (width + _GAP) - _GAP, height))
    for position, (image, mask) in enumerate(zip(to_uint8(slices), masks, strict=True)):
        strip.paste(_draw_tile(image, mask, (width, height)), (position * (width + _GAP), 0))
    if labels := direction_labels(record):
        _draw_labels(strip, labels, width)
    buffer = io.BytesIO()
    strip.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)  # else a contour of one pixel loses its colour
    return buffer.getvalue()


def shown_slices(record: ScanRecord) -> NDArray[np.intp]:
    """Positions, in the stored stack, of the slices on the strip."""
    count = len(record.slice_indices)
    return np.linspace(0, count - 1, min(count, _SLICES_PER_STRIP)).round().astype(np.intp)


def direction_labels(record: ScanRecord) -> dict[str, str]:
    """The patient's direction at each edge of a slice, by `left`, `right`, `top`, `bottom`.

    Empty where the source gave no axes: nothing then proves how the images lie.
    """
    if not (record.plane and record.axes):
        return {}
    _, bottom, right = PLANE_AXES[record.plane]
    return {"left": _OPPOSITE[right], "right": right, "top": _OPPOSITE[bottom], "bottom": bottom}


def _tile_size(shape: tuple[int, ...], spacing: tuple[float, ...]) -> tuple[int, int]:
    """(width, height) in square pixels: those of the finer side, within the limits."""
    sides_mm = [count * mm for count, mm in zip(shape, spacing, strict=True)]
    longest = min(max(max(sides_mm) / min(spacing), _SMALLEST), _LARGEST)
    height, width = (max(1, round(side / max(sides_mm) * longest)) for side in sides_mm)
    return width, height


def _draw_tile(image: NDArray[np.uint8], mask: NDArray[np.bool_], size: tuple[int, int]) -> Image.Image:
    tile = Image.fromarray(image).convert("RGB").resize(size, Image.Resampling.BOX)  # repeats pixels if it enlarges
    inside = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
    colour: NDArray[Any] = np.array(tile)  # [H, W, 3]
    colour[inside & ~ndimage.binary_erosion(inside, border_value=1)] = _CONTOUR  # an image's edge is no contour
    return Image.fromarray(colour)


def _draw_labels(strip: Image.Image, labels: dict[str, str], tile_width: int) -> None:
    """Left and right at the ends of the strip, top and bottom at the first slice."""
    places = {
        "left": ((2, strip.height / 2), "lm"),
        "right": ((strip.width - 3, strip.height / 2), "rm"),
        "top": ((tile_width / 2, 1), "mt"),
        "bottom": ((tile_width / 2, strip.height - 2), "mb"),
    }
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(_LETTER_HEIGHT)
    for edge, (place, anchor) in places.items():
        draw.text(place, labels[edge], _LETTER, font, anchor, stroke_width=2, stroke_fill=(0, 0, 0))
