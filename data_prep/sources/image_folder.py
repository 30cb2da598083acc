"""Folders of pictures, one a class, as ImageNet has them: `train/<class>/*.JPEG`, `val/...`; JPEG and PNG."""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.image_stacks import (
    DEFAULT_VAL_FRACTION,
    NaturalImage,
    add_val_argument,
    find_stacks,
    hash_pixels,
)
from data_prep.sources.scan import Found
from data_prep.sources.source import Source
from monai_vq.data import SliceStack, VolumeError, files_sha256
from monai_vq.data.pictures import MODES, convert_mode, fit_square, read_picture
from monai_vq.errors import InputError

__all__ = ["IMAGE_FOLDER", "find_image_folder"]

DEFAULT_SIZE = 256
MIN_SIZE, MAX_SIZE = 16, 1024
MAX_PICTURE_BYTES = 256 << 20
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_JPEG = (".jpeg", ".jpg")
_PICTURES = (*_JPEG, ".png")
_OTHER_PICTURES = (".avif", ".bmp", ".heic", ".jp2", ".tif", ".tiff", ".webp")
_REMEDY = "give the folder that holds train and val or test, or one folder a class"


@dataclass(frozen=True)
class _Picture:
    """A file of a class, and its place among them."""

    path: Path
    split: str
    label: str
    index: int


def find_image_folder(
    source: Path,
    *,
    size: int = DEFAULT_SIZE,
    mode: str = MODES[0],
    val_fraction: float = DEFAULT_VAL_FRACTION,
    seed: int = 0,
) -> Found:
    """Lists the pictures of class folders as stacks of one class.

    Where the source has `train` and `val` alone, as ImageNet, whose test pictures have no classes, its `val` is what
    is scored at the end (`test`), and a validation part is cut from train. Where it has no split, both are cut.
    Every picture is decoded, as neither damage nor copies are known otherwise. `slice_index` is a picture's number
    in its class's sorted files.

    Args:
        source: the root of the folders.
        size: side of the square that every picture becomes (see `fit_square`).
        mode: `rgb` or `grey`, for all.
        val_fraction: see `find_stacks`.
        seed: see `find_stacks`.

    Raises:
        InputError: there are no such folders, nothing usable in them, or a setting is out of range.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(f"--size {size}: expected {MIN_SIZE} to {MAX_SIZE} pixels")
    if mode not in MODES:
        raise InputError(f"--mode {mode!r}: expected one of {', '.join(MODES)}")
    if not source.is_dir():
        raise InputError(f"no folder {source}; {_REMEDY}")
    rejections: list[Rejection] = []
    pictures, notes = _list_pictures(source, rejections)
    images = [
        NaturalImage(
            key=picture.path.relative_to(source).as_posix(),
            index=picture.index,
            label=picture.label,
            split=picture.split,
            content=content,
            files=(picture.path,),
        )
        for picture, content in _hash_pictures(pictures, size, mode, source, rejections)
    ]
    if not images:
        rejected = f" ({describe_rejections(rejections)})" if rejections else ""
        raise InputError(f"no picture {', '.join(_PICTURES)} in a class folder of {source}{rejected}; {_REMEDY}")
    read = partial(_read, size=size, mode=mode)
    found = find_stacks(images, read, source=source, val_fraction=val_fraction, seed=seed)
    found.rejections = rejections + found.rejections
    found.notes = notes + found.notes
    if any(picture.path.suffix.lower() in _JPEG for picture in pictures):
        found.notes.append("JPEG has no checksums: pictures that are cut off are found, changed bytes mostly are not")
    return found


def _list_pictures(source: Path, rejections: list[Rejection]) -> tuple[list[_Picture], list[str]]:
    """All pictures by name, and what to say of the split."""
    roots = [(folder, _SPLITS[folder.name.lower()]) for folder in _folders(source) if folder.name.lower() in _SPLITS]
    splits = {split for _, split in roots}
    notes = []
    if roots and "train" not in splits:
        raise InputError(f"{source} has {', '.join(sorted(splits))} and no train folder; {_REMEDY}")
    if splits == {"train", "val"}:
        roots = [(folder, "test" if split == "val" else split) for folder, split in roots]
        notes.append("there is no test folder: the pictures of val are the test split")
    pictures: list[_Picture] = []
    numbers: Counter[tuple[str, str]] = Counter()
    for root, split in roots or [(source, "train")]:
        for label, path in _list_classes(root):
            if path.suffix.lower() in _OTHER_PICTURES:
                reason = f"pictures in the format {path.suffix} are not read"
                rejections.append(Rejection(path.relative_to(source).as_posix(), reason, "convert it to PNG"))
                continue
            pictures.append(_Picture(path, split, label, numbers[split, label]))
            numbers[split, label] += 1
    return pictures, notes


def _list_classes(root: Path) -> Iterator[tuple[str, Path]]:
    """(class, picture) of the folders under a root, sorted; pictures beside the folders have no class."""
    for path in sorted(path for path in root.iterdir() if _is_picture(path)):
        yield "", path
    for folder in _folders(root):
        inner = sorted(path for path in folder.rglob("*") if _is_picture(path))  # Tiny ImageNet: <class>/images/*
        yield from ((folder.name, path) for path in inner if not _is_hidden(path.relative_to(folder)))


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not _is_hidden(Path(path.name)))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in (*_PICTURES, *_OTHER_PICTURES) and not path.name.startswith(".") and path.is_file()


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _hash_pictures(
    pictures: list[_Picture], size: int, mode: str, source: Path, rejections: list[Rejection]
) -> Iterator[tuple[_Picture, bytes]]:
    """Each picture that can be read, with the hash of what it becomes."""
    for picture in tqdm(pictures, desc="looking at pictures", unit="picture", disable=None):
        try:
            yield picture, hash_pixels(_read_square(picture.path, size, mode))
        except (VolumeError, OSError) as error:
            rejections.append(Rejection.from_error(picture.path.relative_to(source).as_posix(), error))


def _read_square(path: Path, size: int, mode: str) -> NDArray[np.uint8]:
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise VolumeError(f"{path.name} has more than {MAX_PICTURE_BYTES} bytes", "scale it down")
    return fit_square(convert_mode(read_picture(path.read_bytes(), path.name), mode), size)


def _read(files: tuple[Path, ...], *, size: int, mode: str, split: str, indices: tuple[int, ...]) -> SliceStack:
    """A stack again; what is at `indices` of the split's class is in `files`, in the same order."""
    pixels = np.stack([_read_square(path, size, mode) for path in files])
    return SliceStack(pixels, np.ones(pixels.shape[:3], dtype=bool), indices, files_sha256(files))


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--size",
        type=int,
        default=DEFAULT_SIZE,
        metavar="PIXELS",
        help="every picture's central square becomes PIXELS x PIXELS (default: %(default)s)",
    )
    parser.add_argument(
        "--mode", default=MODES[0], help=f"{' or '.join(MODES)}, for all pictures (default: %(default)s)"
    )
    add_val_argument(parser)


IMAGE_FOLDER = Source(
    summary="pictures in class folders, as ImageNet: [train|val|test/]<class>/*.JPEG or *.png",
    finder=find_image_folder,
    add_arguments=_add_arguments,
    options=("size", "mode", "val_fraction", "seed"),
    volumes=False,
    foreground="every pixel",
)
