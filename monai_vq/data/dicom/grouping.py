"""Sorts a heap of files into series, and the series into volumes."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monai_vq.data.dicom.copies import drop_copies
from monai_vq.data.dicom.geometry import ORIENTATION_TOLERANCE, count_repeats, slice_order
from monai_vq.data.dicom.headers import DicomHeader, read_header
from monai_vq.data.dicom.kinds import DERIVED, find_other_kind
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
        n_missing: images of the series that its headers count and that are not there.
    """

    headers: tuple[DicomHeader, ...]
    n_copies: int = 0
    n_missing: int = 0

    @property
    def files(self) -> tuple[Path, ...]:
        """Paths in the order of `headers`."""
        return tuple(header.path for header in self.headers)

    @property
    def n_slices(self) -> int:
        """Slices, of which an enhanced file has many."""
        return sum(len(header.frames) for header in self.headers)

    def check_complete(self) -> None:
        """Refuses a series that was not copied to its end, which its slices do not show.

        Raises:
            VolumeError: images are missing.
        """
        if self.n_missing:
            raise VolumeError(
                f"{self.n_missing} image(s) are missing of those that the headers count (ImagesInAcquisition)",
                "export or copy the whole series again",
            )


@dataclass(frozen=True)
class LeftImages:
    """Images of one series that are left out on purpose; `remedy` says what to do if they are wanted."""

    headers: tuple[DicomHeader, ...]
    reason: str
    remedy: str = "nothing is to do if it is not wanted"


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
        left: localizers, derived images, several volumes in one series, other objects.
        damaged: files that are DICOM, or empty, and cannot be read.
        others: files that are not DICOM.
    """

    series: list[Series] = field(default_factory=list)
    left: list[LeftImages] = field(default_factory=list)
    damaged: list[UnreadFile] = field(default_factory=list)
    others: list[UnreadFile] = field(default_factory=list)


def find_series(source: Path | Iterable[Path], take_derived: bool = False) -> FoundSeries:
    """Finds the MR volumes among files by their headers alone; names and places of the files mean nothing.

    A series is what shares a SeriesInstanceUID. It is parted by matrix size, orientation and echo time where each
    part has at least `MIN_SLICES` images; a part that is smaller stays in, so that the series is refused, not silently
    shortened, when one of its slices is damaged. A part with several images at each place, as of time points or
    diffusion weightings, is left out.

    Args:
        source: a folder, searched to its depth, or files. Hidden files are never read.
        take_derived: also take what is derived from other images, as reformatted and defaced volumes are; maps and
            projections are left out nevertheless.

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
        _sort_series(headers, take_derived, found)
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


def _sort_series(headers: list[DicomHeader], take_derived: bool, found: FoundSeries) -> None:
    by_kind: dict[str, list[DicomHeader]] = defaultdict(list)
    for header in headers:
        by_kind[find_other_kind(header)].append(header)
    n_missing = _count_missing(headers)
    for kind in ("", DERIVED) if take_derived else ("",):
        _add_volumes(by_kind.pop(kind, []), n_missing, found)
    found.left += [LeftImages(tuple(others), reason) for reason, others in sorted(by_kind.items())]


def _count_missing(headers: Sequence[DicomHeader]) -> int:
    """How many fewer images there are than one acquisition has; a series may hold several, so it may have more."""
    n_frames = sum(len(header.frames) for header in headers)
    return max(0, max(header.n_acquired or 0 for header in headers) - n_frames)


def _add_volumes(headers: Sequence[DicomHeader], n_missing: int, found: FoundSeries) -> None:
    slices, n_copies = drop_copies(headers)
    parts = _part(slices)
    if any(Series(tuple(part)).n_slices < MIN_SLICES for part in parts):
        parts = [slices]
    for part in parts:
        n_repeats = _count_repeats(part)
        if n_repeats > 1:
            reason = f"{n_repeats} images at each place, as of time points, diffusion weightings or repeats"
            found.left.append(LeftImages(tuple(part), reason, "give the files of one of them alone if it is wanted"))
        else:
            found.series.append(Series(_order(part), n_copies if part is parts[0] else 0, n_missing))


def _count_repeats(headers: Sequence[DicomHeader]) -> int:
    """How many images lie at each place; 1 where that is unknown, or where there is more to tell of the series."""
    if len({header.sop_class for header in headers}) > 1:
        return 1
    try:
        return count_repeats([frame for header in headers for frame in header.frames])
    except VolumeError:
        return 1


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
