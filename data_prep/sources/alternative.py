"""What else a source has of a visit whose image turns out to be damaged."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from monai_vq.data import SliceStack, Volume, VolumeError

__all__ = ["ReadOrAdvise"]


_Voxels = TypeVar("_Voxels", bound=Volume | SliceStack)


@dataclass(frozen=True)
class ReadOrAdvise(Generic[_Voxels]):
    """Reads a scan, and names in the remedy of an error what could be taken in its place.

    Nothing is taken by itself, as that would mix ways of preprocessing without a word.

    Attributes:
        read: see `Scan.read`.
        advice: the other image and how it is taken.
    """

    read: Callable[[tuple[Path, ...]], _Voxels]
    advice: str

    def __call__(self, files: tuple[Path, ...]) -> _Voxels:
        """Reads.

        Raises:
            VolumeError: as `read` raises it, with the advice.
        """
        try:
            return self.read(files)
        except VolumeError as error:
            raise VolumeError(error.reason, f"{error.remedy}; {self.advice}") from error
