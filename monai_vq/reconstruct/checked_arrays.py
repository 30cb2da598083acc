"""Arrays of an ``.npz`` file that somebody else may have made: each is looked at before any memory is taken for it."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

__all__ = ["DAMAGE", "CheckedArrays"]

SMALL = 1 << 20  # bytes of an array whose shape is not known beforehand
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
DAMAGE = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, OverflowError, RuntimeError),
    *(NotImplementedError, zipfile.BadZipFile, zlib.error, SyntaxError, tokenize.TokenError, MemoryError),
)
"""What a file that is none of ours, or a damaged one, may raise while it is opened and read."""


class CheckedArrays:
    """Opens an ``.npz`` file; nothing in it is executed.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._archive.namelist()

    def shape(self, name: str) -> tuple[int, ...]:
        """Returns the shape that an array declares; it is not read."""
        with self._open(name) as (_, shape, _):
            return shape

    def dtype(self, name: str) -> np.dtype:
        """Returns the type that an array declares; it is not read."""
        with self._open(name) as (_, _, dtype):
            return dtype

    def read(self, name: str, dtype: DTypeLike, shape: Sequence[int], max_bytes: int = SMALL) -> NDArray[Any]:
        """Reads an array.

        Args:
            name: of the array.
            dtype: that it must have; a text may have any length.
            shape: that it must have; -1 for any length of an axis.
            max_bytes: that it may have.

        Raises:
            KeyError: there is none of this name.
            ValueError: it is of another type or shape, larger than allowed, or than what the file holds of it.
        """
        with self._open(name) as (member, found, own):
            size = math.prod(found) * own.itemsize
            fits = len(found) == len(shape) and all(n in (-1, m) for n, m in zip(shape, found, strict=True))
            same = own.kind == "U" if np.dtype(dtype).kind == "U" else own == np.dtype(dtype)
            if not (fits and same and min(found, default=1) >= 0):
                raise ValueError(f"{name} is {own} {list(found)}, expected {np.dtype(dtype)} {list(shape)}")
            if size > max_bytes:
                raise ValueError(f"{name} has {size} bytes, expected at most {max_bytes}")
            if size != self._archive.getinfo(f"{name}.npy").file_size - member.tell():
                raise ValueError(f"{name} is cut off")
        with self._archive.open(f"{name}.npy") as file:
            return npy.read_array(file, allow_pickle=False)

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype]]:
        """Yields an array's file behind its header, its shape and its type."""
        if name not in self:
            raise KeyError(name)
        info = self._archive.getinfo(f"{name}.npy")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is packed in another way")
        with self._archive.open(info) as member:
            version = npy.read_magic(member)
            if version not in _HEADERS:
                raise ValueError(f"{name} is of npy version {version}")
            shape, _, dtype = _HEADERS[version](member)
            yield member, shape, dtype
