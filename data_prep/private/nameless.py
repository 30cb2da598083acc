"""Reading whose errors do not name the files that were read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Generic, TypeVar

from data_prep.private.path_words import hide_words, path_words
from monai_vq.data import SliceStack, Volume, VolumeError

__all__ = ["NamelessReader"]

_PARTS = 2  # of a path, from its end: a sentence about reading says no more of it


_Voxels = TypeVar("_Voxels", bound=Volume | SliceStack)


@dataclass(frozen=True)
class NamelessReader(Generic[_Voxels]):
    """Reads a scan whose files have pseudonyms.

    Attributes:
        read: see `Scan.read`.
    """

    read: Callable[[tuple[Path, ...]], _Voxels]

    def __call__(self, files: tuple[Path, ...]) -> _Voxels:
        """Reads.

        Raises:
            VolumeError: as `read` raises it, with `(name)` in place of a file's.
        """
        try:
            return self.read(files)
        except VolumeError as error:
            words = {word for path in files for word in path_words(PurePath(*path.parts[-_PARTS:]))}
            hide = hide_words(dict.fromkeys(words, "(name)"))
            raise VolumeError(hide(error.reason), hide(error.remedy)) from None
