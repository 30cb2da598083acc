"""MNIST (LeCun et al. 1998) and what is published in its format, such as Fashion-MNIST: grey images of 28 x 28."""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.sources.image_stacks import (
    DEFAULT_VAL_FRACTION,
    NaturalImage,
    add_val_argument,
    find_stacks,
    hash_pixels,
)
from data_prep.sources.packed import MAX_UNPACKED_BYTES, read_gzip, shared_sha256
from data_prep.sources.scan import Found
from data_prep.sources.source import Source
from monai_vq.data import SliceStack, VolumeError
from monai_vq.data.file_kind import file_kind
from monai_vq.errors import InputError

__all__ = ["MNIST", "find_mnist"]

_PREFIXES = {"train": "train", "test": "t10k"}
_KINDS = {"images": 3, "labels": 1}  # what a file holds: its number of axes
_UINT8 = 0x08  # third byte of an idx file
_MAX_SIDE = 4096
_REMEDY = "give the folder that holds train-images-idx3-ubyte[.gz] and its three siblings, as MNIST/raw"
_DOWNLOAD_AGAIN = "download the file again"


def find_mnist(source: Path, *, val_fraction: float = DEFAULT_VAL_FRACTION, seed: int = 0) -> Found:
    """Lists the images of four idx files as stacks of one class; the shipped test split stays what it is.

    The files may be packed or not, lie in the folder itself or as torchvision puts them (`MNIST/raw`), and have a
    hyphen or a dot before `idx3`. Where both forms are there the packed one is read, as it has a checksum. Classes are
    the digits of the files, as MNIST and Fashion-MNIST do not differ in anything else. `slice_index` is an image's
    number in its file.

    Args:
        source: the folder, or one that holds it.
        val_fraction: see `find_stacks`.
        seed: see `find_stacks`.

    Raises:
        InputError: a file is missing, damaged, or not of this format; there are two data sets.
    """
    folder = _locate(source)
    images = []
    for split, prefix in _PREFIXES.items():
        files = tuple(_find_file(folder, prefix, kind) for kind in _KINDS)
        pixels, labels = (_read_idx(path, axes) for path, axes in zip(files, _KINDS.values(), strict=True))
        if len(pixels) != len(labels):
            raise InputError(
                f"{files[0].name} has {len(pixels)} images, {files[1].name} {len(labels)} labels; {_REMEDY}"
            )
        images += [
            NaturalImage(f"{files[0].name}#{index}", index, str(label), split, hash_pixels(image), files)
            for index, (image, label) in enumerate(zip(pixels, labels, strict=True))
        ]
    return find_stacks(images, _read, source=source, val_fraction=val_fraction, seed=seed)


def _locate(source: Path) -> Path:
    folders = [source, source / "raw", *sorted(source.glob("*/raw"))]
    found = [folder for folder in folders if _candidates(folder, _PREFIXES["train"], "images")]
    if len(found) > 1:
        names = ", ".join(folder.relative_to(source).as_posix() for folder in found)
        raise InputError(f"{source} holds several data sets, {names}; give one of them")
    if not found:
        raise InputError(f"no MNIST at {source}; {_REMEDY}")
    return found[0]


def _find_file(folder: Path, prefix: str, kind: str) -> Path:
    candidates = _candidates(folder, prefix, kind)
    if not candidates:
        raise InputError(f"no {prefix}-{kind}-idx{_KINDS[kind]}-ubyte[.gz] in {folder}; {_REMEDY}")
    return candidates[0]


def _candidates(folder: Path, prefix: str, kind: str) -> list[Path]:
    names = [f"{prefix}-{kind}{mark}idx{_KINDS[kind]}-ubyte{end}" for end in (".gz", "") for mark in "-."]
    return [folder / name for name in names if (folder / name).is_file()]


def _read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """The array of an idx file, [N, H, W] or [N]; read once a process as long as the file stays the same."""
    return _decode_idx(path, axes, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)  # images and labels of train and test: 55 MB
def _decode_idx(path: Path, axes: int, modified: int) -> NDArray[np.uint8]:
    """Decodes; `modified` (ns) makes a file that was replaced be read again."""
    content = read_gzip(path) if path.suffix == ".gz" else _read_plain(path)
    if content[:4] != bytes([0, 0, _UINT8, axes]):
        raise VolumeError(f"{path.name} is no idx file of bytes but {file_kind(content)}", _DOWNLOAD_AGAIN)
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if min(shape) < 1 or max(shape[1:], default=1) > _MAX_SIDE or len(content) != start + math.prod(shape):
        declared = " x ".join(map(str, shape))
        raise VolumeError(f"{path.name} declares {declared} bytes and has {len(content) - start}", _DOWNLOAD_AGAIN)
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _read_plain(path: Path) -> bytes:
    if path.stat().st_size > MAX_UNPACKED_BYTES:
        raise VolumeError(f"{path.name} has more than {MAX_UNPACKED_BYTES} bytes", _DOWNLOAD_AGAIN)
    return path.read_bytes()


def _read(files: tuple[Path, ...], *, split: str, indices: tuple[int, ...]) -> SliceStack:
    pixels = _read_idx(files[0], _KINDS["images"])[list(indices)]
    return SliceStack(pixels, np.ones(pixels.shape, dtype=bool), indices, shared_sha256(files))


MNIST = Source(
    summary="MNIST, Fashion-MNIST and others in their format: train-images-idx3-ubyte[.gz] and its siblings",
    finder=find_mnist,
    add_arguments=add_val_argument,
    options=("val_fraction", "seed"),
    volumes=False,
    foreground="every pixel",
)
