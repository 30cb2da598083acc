"""Which series of a DICOM folder are scans, and why the others are not."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monai_vq.data import VolumeError
from monai_vq.data.dicom import MIN_SLICES, FoundSeries, Series, check_series, find_grid

__all__ = ["Choice", "choose_series"]


@dataclass
class Choice:
    """What is taken and what is not.

    Attributes:
        scans: volumes.
        refused: series that look like volumes and are none, or of which nobody can say whose they are.
        left: series left out on purpose.
    """

    scans: list[Series] = field(default_factory=list)
    refused: list[tuple[Series, VolumeError]] = field(default_factory=list)
    left: list[tuple[Series, VolumeError]] = field(default_factory=list)


def choose_series(found: FoundSeries, series_regex: re.Pattern[str] | None, mixed_folders: bool) -> Choice:
    """Decides on each series by its headers.

    Args:
        found: what a folder holds.
        series_regex: what SeriesDescription or ProtocolName must contain.
        mixed_folders: take series from folders that hold images of several patients.
    """
    choice = Choice()
    crowded = set() if mixed_folders else _find_crowded(found)
    for series in found.series:
        if series_regex is not None and not _is_named(series, series_regex):
            reason = "neither SeriesDescription nor ProtocolName fits --series_regex"
            choice.left.append((series, VolumeError(reason, "widen it if this series is wanted")))
        elif series.n_slices < MIN_SLICES and not any(header.is_cut for header in series.headers):
            reason = f"{series.n_slices} slice(s), expected at least {MIN_SLICES} of a volume"
            choice.left.append((series, VolumeError(reason, "nothing is to do unless slices are missing")))
        else:
            try:
                _check_owner(series, crowded)
                series.check_complete()
                check_series(series.headers)
                find_grid([frame for header in series.headers for frame in header.frames])
            except VolumeError as error:
                choice.refused.append((series, error))
            else:
                choice.scans.append(series)
    return choice


def _is_named(series: Series, pattern: re.Pattern[str]) -> bool:
    texts = {text for header in series.headers for text in (header.info.description, header.info.protocol)}
    return any(map(pattern.search, texts))


def _find_crowded(found: FoundSeries) -> set[Path]:
    """Folders with images of several patients."""
    patients: dict[Path, set[str]] = defaultdict(set)
    groups: Iterable[Sequence] = (*(one.headers for one in found.series), *(one.headers for one in found.left))
    for headers in groups:
        for header in headers:
            patients[header.path.parent].add(header.patient)
    return {folder for folder, ids in patients.items() if len(ids - {""}) > 1}


def _check_owner(series: Series, crowded: set[Path]) -> None:
    if not all(header.patient for header in series.headers):
        raise VolumeError("the headers have no PatientID, so nobody can say whose scan it is", "export it with an id")
    if any(header.path.parent in crowded for header in series.headers):
        raise VolumeError(
            "the folder holds images of several patients",
            "sort the files into a folder each, or give --mixed_folders if their PatientIDs can be trusted",
        )
    if any(header.burned_in for header in series.headers):
        reason = "text is burned into the pixels (BurnedInAnnotation), which may name the patient"
        raise VolumeError(reason, "cover it, and set the element to NO")
