"""The batches of CIFAR-10: pixels and classes out of the files of either version."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.sources.packed import read_tar_members
from data_prep.sources.plain_pickle import read_plain_pickle
from monai_vq.data import VolumeError

__all__ = ["BINARY", "CLASSES", "PYTHON", "Part", "Version", "read_part"]

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MAX_BATCH_BYTES = 64 << 20  # a batch as published has 31 MB
_CHANNELS, _SIDE = 3, 32
_PIXELS = _CHANNELS * _SIDE * _SIDE
_DOWNLOAD_AGAIN = "download the archive again"
_PUBLISHED_MD5 = {  # as torchvision checks them; those of the binary version's files are not published
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


@dataclass(frozen=True)
class Version:
    """One of the two forms in which CIFAR-10 is published.

    Attributes:
        folder: its name once unpacked.
        archive: its name as downloaded.
        suffix: of the batches' names.
    """

    folder: str
    archive: str
    suffix: str

    def batches(self, split: str) -> tuple[str, ...]:
        """Names of the batches of a split, `train` or `test`, in their order."""
        stems = ("test_batch",) if split == "test" else tuple(f"data_batch_{number}" for number in range(1, 6))
        return tuple(stem + self.suffix for stem in stems)


PYTHON = Version("cifar-10-batches-py", "cifar-10-python.tar.gz", "")
BINARY = Version("cifar-10-batches-bin", "cifar-10-binary.tar.gz", ".bin")


@dataclass(frozen=True)
class Part:
    """The images of a split, its batches one after the other.

    Attributes:
        pixels: uint8 [N, 32, 32, 3].
        labels: numbers of the classes, uint8 [N].
        keys: `<batch>#<number in it>` of each image.
        changed: batches that are not as published.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    keys: tuple[str, ...]
    changed: tuple[str, ...]


def read_part(version: Version, files: tuple[Path, ...], split: str) -> Part:
    """Reads a split, once a process as long as its files stay the same.

    Args:
        version: of the files.
        files: the batches of the split in their order, or the archive alone.
        split: `train` or `test`.

    Raises:
        VolumeError: a batch is missing, damaged, or has other content.
        OSError: a file cannot be opened.
    """
    return _read_part(version, files, split, tuple(path.stat().st_mtime_ns for path in files))


@lru_cache(maxsize=2)  # train and test: 184 MB
def _read_part(version: Version, files: tuple[Path, ...], split: str, modified: tuple[int, ...]) -> Part:
    """Reads; `modified` (ns) makes files that were replaced be read again."""
    names = version.batches(split)
    contents = _read_contents(version, files, names)
    decode = _decode_binary if version == BINARY else _decode_pickle
    batches = [decode(name, content) for name, content in contents.items()]
    rows = np.concatenate([pixels for pixels, _ in batches])  # [N, 3072], one channel after the other
    return Part(
        pixels=rows.reshape(-1, _CHANNELS, _SIDE, _SIDE).transpose(0, 2, 3, 1),
        labels=np.concatenate([labels for _, labels in batches]),
        keys=tuple(f"{n}#{i}" for n, (_, labels) in zip(names, batches, strict=True) for i in range(len(labels))),
        changed=tuple(name for name, content in contents.items() if _is_changed(name, content)),
    )


def _read_contents(version: Version, files: tuple[Path, ...], names: tuple[str, ...]) -> dict[str, bytes]:
    if len(files) == len(names) and files[0].name == names[0]:
        for path in files:
            if path.stat().st_size > MAX_BATCH_BYTES:
                raise VolumeError(f"{path.name} has more than {MAX_BATCH_BYTES} bytes", _DOWNLOAD_AGAIN)
        return {path.name: path.read_bytes() for path in files}
    members = read_tar_members(files[0], [f"{version.folder}/{name}" for name in names])
    missing = [name for name in names if f"{version.folder}/{name}" not in members]
    if missing:
        raise VolumeError(f"{files[0].name} lacks {', '.join(missing)}", _DOWNLOAD_AGAIN)
    return {name: members[f"{version.folder}/{name}"] for name in names}


def _decode_pickle(name: str, content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    batch = read_plain_pickle(content)
    pixels, labels = (batch.get(key) for key in ("data", "labels")) if isinstance(batch, dict) else (None, None)
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != _PIXELS:
        raise VolumeError(f"{name} has no data of uint8 [N, {_PIXELS}]", _DOWNLOAD_AGAIN)
    if not isinstance(labels, list) or any(label not in range(len(CLASSES)) for label in labels):
        raise VolumeError(f"{name} has no list of labels from 0 to {len(CLASSES) - 1}", _DOWNLOAD_AGAIN)
    if len(labels) != len(pixels):
        raise VolumeError(f"{name} has {len(labels)} labels of {len(pixels)} images", _DOWNLOAD_AGAIN)
    return pixels, np.array(labels, dtype=np.uint8)


def _decode_binary(name: str, content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    size = 1 + _PIXELS
    if not content or len(content) % size:
        raise VolumeError(f"{name} has {len(content)} bytes, expected records of {size}", _DOWNLOAD_AGAIN)
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, size)
    labels = records[:, 0]
    if labels.max() >= len(CLASSES):
        raise VolumeError(f"{name} has the label {labels.max()}, expected 0 to {len(CLASSES) - 1}", _DOWNLOAD_AGAIN)
    return records[:, 1:], labels


def _is_changed(name: str, content: bytes) -> bool:
    published = _PUBLISHED_MD5.get(name)
    return published is not None and hashlib.md5(content, usedforsecurity=False).hexdigest() != published
