"""CIFAR-10 (Krizhevsky 2009), 60,000 colour images of 32 x 32: the Python or the binary version, packed or not."""

from functools import partial
from pathlib import Path

import numpy as np

from data_prep.sources.cifar10_batches import BINARY, CLASSES, PYTHON, Version, read_part
from data_prep.sources.image_stacks import (
    DEFAULT_VAL_FRACTION,
    NaturalImage,
    add_val_argument,
    find_stacks,
    hash_pixels,
)
from data_prep.sources.packed import shared_sha256
from data_prep.sources.scan import Found
from data_prep.sources.source import Source
from monai_vq.data import SliceStack
from monai_vq.errors import InputError

__all__ = ["CIFAR10", "find_cifar10"]

_SPLITS = ("train", "test")  # as shipped
_REMEDY = (
    f"give the folder that holds {PYTHON.folder} or {BINARY.folder}, or {PYTHON.archive} or {BINARY.archive} as "
    "downloaded"
)


def find_cifar10(source: Path, *, val_fraction: float = DEFAULT_VAL_FRACTION, seed: int = 0) -> Found:
    """Lists CIFAR-10 as stacks of images of one class; the shipped test split stays what it is.

    All images are read, as neither their classes nor their copies are known otherwise. `slice_index` is an image's
    number in the five training batches one after the other, or in the test batch.

    Args:
        source: the folder of the batches, one that holds it, or an archive as downloaded.
        val_fraction: see `find_stacks`.
        seed: see `find_stacks`.

    Raises:
        InputError: there is no CIFAR-10, or a batch is missing, damaged, or has other content.
    """
    version, files = _locate(source)
    images: list[NaturalImage] = []
    changed: list[str] = []
    for split in _SPLITS:
        part = read_part(version, files[split], split)
        changed += part.changed
        images += [
            NaturalImage(key, index, CLASSES[label], split, hash_pixels(pixels), files[split])
            for index, (key, label, pixels) in enumerate(zip(part.keys, part.labels, part.pixels, strict=True))
        ]
    found = find_stacks(images, partial(_read, version=version), source=source, val_fraction=val_fraction, seed=seed)
    if changed:
        found.notes.append(f"{', '.join(changed)}: not as published (MD5), so changed by somebody or damaged")
    return found


def _locate(source: Path) -> tuple[Version, dict[str, tuple[Path, ...]]]:
    """The version, and for each split the files it is read from."""
    for version in (PYTHON, BINARY):
        for folder in (source, source / version.folder):
            files = {split: tuple(folder / name for name in version.batches(split)) for split in _SPLITS}
            missing = [path.name for paths in files.values() for path in paths if not path.is_file()]
            if not missing:
                return version, files
            if len(missing) < sum(map(len, files.values())):
                raise InputError(f"{folder} lacks {', '.join(missing)}; unpack or download the archive again")
    for version in (PYTHON, BINARY):
        for archive in (source, source / version.archive):
            if archive.name == version.archive and archive.is_file():
                return version, dict.fromkeys(_SPLITS, (archive,))
    raise InputError(f"no CIFAR-10 at {source}; {_REMEDY}")


def _read(files: tuple[Path, ...], *, version: Version, split: str, indices: tuple[int, ...]) -> SliceStack:
    pixels = np.ascontiguousarray(read_part(version, files, split).pixels[list(indices)])
    return SliceStack(pixels, np.ones(pixels.shape[:3], dtype=bool), indices, shared_sha256(files))


CIFAR10 = Source(
    summary="CIFAR-10, Python or binary version: cifar-10-batches-py, -bin, or the .tar.gz as downloaded",
    finder=find_cifar10,
    add_arguments=add_val_argument,
    options=("val_fraction", "seed"),
    volumes=False,
    foreground="every pixel",
)
