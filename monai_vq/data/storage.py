"""Where the voxels of a volume are held: in memory or, where they do not fit, in files that are mapped into it."""

from __future__ import annotations

import io
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = [
    "BLOCK_BYTES",
    "LARGEST_VOLUME_BYTES",
    "MAX_VOLUME_BYTES",
    "MEMORY",
    "Disk",
    "Memory",
    "Storage",
    "blocks",
    "largest_stride_first",
]

MAX_VOLUME_BYTES = 2 << 30  # 2 GiB: a 0.4 mm head in float32 has 0.7 GiB; where nobody has asked what is free
LARGEST_VOLUME_BYTES = 64 << 30  # 64 GiB: a head at 0.1 mm in float32 has 40; where that was asked
BLOCK_BYTES = 64 << 20  # of a volume that is worked on at a time: large enough for a disk, small beside any memory


class Storage(Protocol):
    """Makes the arrays that are as large as a volume.

    Attributes:
        max_bytes: of a file's voxels; a header that declares more is taken for damaged.
    """

    max_bytes: int

    def empty(self, shape: Sequence[int], dtype: DTypeLike, order: Literal["C", "F"] = "C") -> NDArray[Any]:
        """Returns an array of undefined numbers that is freed when it is no longer used."""

    def buffer(self) -> BinaryIO:
        """Returns a file for bytes as large as a volume, open to be written and read, and gone when it is closed."""


class Memory:
    """Holds arrays in memory.

    Args:
        max_bytes: of a file's voxels.
    """

    def __init__(self, max_bytes: int = MAX_VOLUME_BYTES) -> None:
        self.max_bytes = max_bytes

    def empty(self, shape: Sequence[int], dtype: DTypeLike, order: Literal["C", "F"] = "C") -> NDArray[Any]:
        """Returns an array in memory."""
        return np.empty(tuple(shape), dtype, order)

    def buffer(self) -> BinaryIO:
        """Returns a file in memory."""
        return io.BytesIO()


class Disk:
    """Holds arrays in nameless files, of which the system keeps in memory what fits: nothing stays after a kill.

    Args:
        folder: on a disk, not in memory (as ``/dev/shm`` is); is made where it is missing.
    """

    max_bytes = LARGEST_VOLUME_BYTES

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def empty(self, shape: Sequence[int], dtype: DTypeLike, order: Literal["C", "F"] = "C") -> NDArray[Any]:
        """Returns a mapped array.

        Raises:
            OSError: the disk has no room for it, or the folder cannot be written to.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size == 0:  # which cannot be mapped
            return np.empty(tuple(shape), dtype, order)
        with self.buffer() as file:
            _reserve(file, size)
            return np.memmap(file, dtype, "r+", shape=tuple(shape), order=order)  # keeps the file that is closed here

    def buffer(self) -> BinaryIO:
        """Returns a nameless file.

        Raises:
            OSError: the folder cannot be written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self.folder)


MEMORY = Memory()


def blocks(length: int, item_bytes: int) -> Iterator[slice]:
    """Divides items that lie one after another into parts of at most `BLOCK_BYTES`, and of one item at least."""
    step = max(1, BLOCK_BYTES // max(1, item_bytes))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def largest_stride_first(array: NDArray[Any]) -> NDArray[Any]:
    """A view in which parts along the first axis lie together in memory or in a file, whatever the array's order."""
    return array.transpose(np.argsort([-abs(stride) for stride in array.strides], kind="stable"))


def _reserve(file: BinaryIO, size: int) -> None:
    """Takes the room now: a disk that turns out to be full as a mapped page is written would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:  # Windows reserves what a file is extended by
        file.truncate(size)
