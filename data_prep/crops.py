"""Crops of scikit-image's own colour pictures as an ImageNet-like folder tree: natural images without a download."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage
from numpy.typing import NDArray
from PIL import Image

from monai_vq.atomic import PART
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.errors import InputError

__all__ = ["DEFAULT_SIZE", "PICTURES", "CropSummary", "write_crops"]

# Recorded in colour and shipped in the wheel; its other pictures are grey, drawn (color.png, logo.png, chessboards), or
# downloaded on first use. The two views of the stereo pair show one scene, so they are one picture.
PHOTOGRAPHS = {
    "astronaut": ("astronaut.png",),
    "chelsea": ("chelsea.png",),
    "coffee": ("coffee.png",),
    "motorcycle": ("motorcycle_left.png", "motorcycle_right.png"),
    "rocket": ("rocket.jpg",),
}
# Through a telescope, a microscope and an ophthalmoscope: to train on only, as scores are to be of natural images.
INSTRUMENTS = {"hubble_deep_field": ("hubble_deep_field.jpg",), "ihc": ("ihc.png",), "retina": ("retina.jpg",)}
PICTURES = PHOTOGRAPHS | INSTRUMENTS
DEFAULT_SIZE = 64
MIN_SIZE, MAX_SIZE = 16, 256
HELD_OUT = ("val", "test", "test")  # photographs
# Grey levels between a crop's darkest and lightest pixel that make it more than JPEG's noise: around the retina 67
# crops of 64 pixels span 0 to 7, all others of all pictures 16 and more.
MIN_RANGE = 12


@dataclass(frozen=True)
class CropSummary:
    """What was written.

    Attributes:
        output_dir: root of the tree.
        counts: number of crops of each picture, by split and picture.
        n_constant: crops left out because they show nothing.
    """

    output_dir: Path
    counts: dict[str, dict[str, int]]
    n_constant: int


def write_crops(output_dir: Path, size: int = DEFAULT_SIZE, seed: int = 0) -> CropSummary:
    """Cuts the pictures into squares that do not overlap: ``<split>/<picture>/<file>_<row>_<column>.png``.

    The split is by picture: no crop of a picture that is held out was trained on. A picture is a class. The crops of
    one picture are not independent of each other, so an interval over crops is narrower than one over pictures.

    Args:
        output_dir: root of the tree, absent or empty; written under another name, then renamed.
        size: side of the squares in pixels, 16 to 256.
        seed: draws which photographs are held out.

    Raises:
        InputError: the size is out of range, the folder holds something, or scikit-image lacks a picture.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(f"--size {size}: expected {MIN_SIZE} to {MAX_SIZE} pixels")
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise InputError(f"{output_dir} exists and is not empty; choose another --output_dir")
    files = _find_files()
    part = output_dir.with_name(f".{output_dir.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
    counts: dict[str, dict[str, int]] = {name: {} for name in SPLIT_NAMES}
    n_constant = 0
    for picture, split in sorted(assign_pictures(seed).items()):
        folder = part / split / picture
        folder.mkdir(parents=True)
        written = [_write_file(path, folder, size) for path in files[picture]]
        counts[split][picture] = sum(kept for kept, _ in written)
        n_constant += sum(left for _, left in written)
    part.replace(output_dir)
    return CropSummary(output_dir, counts, n_constant)


def assign_pictures(seed: int) -> dict[str, str]:
    """Returns the split of each picture: the seed draws one photograph for val and two for test."""
    drawn = np.random.default_rng(seed).permutation(sorted(PHOTOGRAPHS)).tolist()
    return dict.fromkeys(PICTURES, "train") | dict(zip(drawn, HELD_OUT, strict=False))


def cut(pixels: NDArray[np.uint8], size: int) -> dict[tuple[int, int], NDArray[np.uint8]]:
    """Returns the squares [size, size, 3] of a picture [H, W, 3] by (row, column) of their corner; no two overlap.

    What is left over at the ends is shared by both: the grid stands in the middle of the picture.
    """
    height, width = pixels.shape[:2]
    rows = range(height % size // 2, height - size + 1, size)
    columns = range(width % size // 2, width - size + 1, size)
    return {(r, c): pixels[r : r + size, c : c + size] for r in rows for c in columns}


def _write_file(path: Path, folder: Path, size: int) -> tuple[int, int]:
    """Writes a file's crops; returns how many were kept and how many left out."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    crops = cut(pixels, size)
    kept = {corner: crop for corner, crop in crops.items() if np.ptp(crop, axis=(0, 1)).max() >= MIN_RANGE}
    for (row, column), crop in kept.items():
        Image.fromarray(crop).save(folder / f"{path.stem}_{row:04d}_{column:04d}.png")
    return len(kept), len(crops) - len(kept)


def _find_files() -> dict[str, list[Path]]:
    """The pictures' files in the installed package: its functions would download what is not there."""
    folder = Path(skimage.__file__).parent / "data"
    files = {picture: [folder / name for name in names] for picture, names in PICTURES.items()}
    missing = [path.name for paths in files.values() for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"scikit-image {skimage.__version__} does not ship {', '.join(missing)}; "
            "install the version of constraints.txt"
        )
    return files
