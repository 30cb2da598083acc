"""Sorts a heap of files into series, and the series into volumes."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monai_vq.data.dicom.copies import drop_copies
from monai_vq.data.dicom.geometry import ORIENTATION_TOLERANCE, slice_order
from monai_vq.data.dicom.headers import DicomHeader, read_header
from monai_vq.data.dicom.kinds import find_other_kind
from monai_vq.data.dicom.stream import NotDicomError
from monai_vq.data.nifti import VolumeError
from monai_vq.errors import InputError

__all__ = ["MIN_SLICES", "FoundSeries", "LeftImages", "Series", "UnreadFile", "find_series"]

MAX_FILES = 500_000  # of 2.8 kB in memory each
MIN_SLICES = 8
"""Fewer images of one orientation, size and echo are no volume, but pictures to plan one by."""
_ECHO_TOLERANCE = 0.01  # ms; some scanners write the same echo time with other digits in every slice


@dataclass(frozen=True)
class Series:
    """Images that are meant as one volume, and may still not be one (see `check_series` and `find_grid`).

    Attributes:
        headers: in the order of slices; as the files are named where that is unknown.
        n_copies: files left out as they are another of the series, byte by byte.
    """

    headers: tuple[DicomHeader, ...]
    n_copies: int = 0

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths in the order of `headers`."""
        return tuple(header.path for header in self.headers)

    @property
    def n_slices(self) -> int:
        """Slices, of which an enhanced file has many."""
        return sum(len(header.frames) for header in self.headers)


@dataclass(frozen=True)
class LeftImages:
    """Images of one series that are left out on purpose."""

    headers: tuple[DicomHeader, ...]
    reason: str


@dataclass(frozen=True)
class UnreadFile:
    """A file of which no image can be made; `error` says why and quotes nothing of it."""

    path: Path
    error: VolumeError


@dataclass
class FoundSeries:
    """What a heap of files holds.

    Attributes:
        series: sorted by study, series and echo.
        left: localizers, derived images, other objects.
        damaged: files that are DICOM, or empty, and cannot be read.
        others: files that are not DICOM.
    """

    series: list[Series] = field(default_factory=list)
    left: list[LeftImages] = field(default_factory=list)
    damaged: list[UnreadFile] = field(default_factory=list)
    others: list[UnreadFile] = field(default_factory=list)


def find_series(source: Path | Iterable[Path]) -> FoundSeries:
    """Finds the MR volumes among files by their headers alone; names and places of the files mean nothing.

    A series is what shares a SeriesInstanceUID. It is parted by matrix size, orientation and echo time where each
    part has at least `MIN_SLICES` images; a part that is smaller stays in, so that the series is refused, not silently
    shortened, when one of its slices is damaged.

    Args:
        source: a folder, searched to its depth, or files. Hidden files are never read.

    Raises:
        InputError: the folder does not exist, or has too many files.
    """
    found = FoundSeries()
    by_series: dict[str, list[DicomHeader]] = defaultdict(list)
    for path in _list_files(source):
        try:
            header = read_header(path)
            if not header.series and not find_other_kind(header):
                raise VolumeError("the header has no SeriesInstanceUID, or ends before it", "export the file again")
        except NotDicomError as error:
            found.others.append(UnreadFile(path, error))
        except VolumeError as error:
            found.damaged.append(UnreadFile(path, error))
        else:
            by_series[header.series].append(header)
    for headers in by_series.values():
        _sort_series(headers, found)
    found.series.sort(key=_series_order)
    return found


def _list_files(source: Path | Iterable[Path]) -> list[Path]:
    if not isinstance(source, Path):
        return sorted(source)
    if not source.is_dir():
        raise InputError("the source is no folder; give the folder that holds the DICOM files")
    files: list[Path] = []
    for folder, subfolders, names in os.walk(source):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        paths = (Path(folder, name) for name in names if not name.startswith("."))
        files += [path for path in paths if path.is_file()]
        if len(files) > MAX_FILES:
            raise InputError(f"more than {MAX_FILES} files; prepare a part of them at a time")
    return sorted(files)


def _sort_series(headers: list[DicomHeader], found: FoundSeries) -> None:
    by_kind: dict[str, list[DicomHeader]] = defaultdict(list)
    for header in headers:
        by_kind[find_other_kind(header)].append(header)
    slices, n_copies = drop_copies(by_kind.pop("", []))
    found.left += [LeftImages(tuple(others), reason) for reason, others in sorted(by_kind.items())]
    parts = _part(slices)
    if any(Series(tuple(part)).n_slices < MIN_SLICES for part in parts):
        parts = [slices] if slices else []
    for part in parts:
        found.series.append(Series(_order(part), n_copies if part is parts[0] else 0))


def _part(headers: Sequence[DicomHeader]) -> list[list[DicomHeader]]:
    parts: list[list[DicomHeader]] = []
    for header in headers:
        for part in parts:
            if _are_alike(part[0], header):
                part.append(header)
                break
        else:
            parts.append([header])
    return parts


def _are_alike(first: DicomHeader, second: DicomHeader) -> bool:
    a, b = first.frames[0], second.frames[0]
    same_size = (first.format.rows, first.format.columns) == (second.format.rows, second.format.columns)
    same_echo = a.echo_time == b.echo_time or (
        a.echo_time is not None and b.echo_time is not None and abs(a.echo_time - b.echo_time) <= _ECHO_TOLERANCE
    )
    same_orientation = a.orientation == b.orientation or (
        a.orientation is not None
        and b.orientation is not None
        and all(abs(x - y) <= ORIENTATION_TOLERANCE for x, y in zip(a.orientation, b.orientation, strict=True))
    )
    return same_size and same_echo and same_orientation


def _order(headers: Sequence[DicomHeader]) -> tuple[DicomHeader, ...]:
    try:
        order: Iterable[int] = slice_order([header.frames[0] for header in headers])
    except VolumeError:  # told when the volume is checked
        order = range(len(headers))
    return tuple(headers[index] for index in order)


def _series_order(series: Series) -> tuple[str, str, float, int, str]:
    first = series.headers[0]
    return first.study, first.series, first.frames[0].echo_time or 0.0, first.format.rows or 0, str(first.path)
