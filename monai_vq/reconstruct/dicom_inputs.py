"""DICOM series among files, under names that say nothing of a person.

A series is called after a hash of its SeriesInstanceUID (`series-3fa9c2d1`), a random number of the scanner's, which
nobody can guess; a patient after the first series of the input that is theirs (`patient-3fa9c2d1`). PatientID,
PatientName, dates, and names of files and folders are in no name, message or file.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from monai_vq.data import VolumeError
from monai_vq.data.dicom import DERIVED, MIN_SLICES, Series, UnreadFile, find_series, read_header, read_series
from monai_vq.reconstruct.input_scan import FoundScans, InputScan, SkippedFile
from monai_vq.reconstruct.scan import ReconstructedScan

__all__ = ["compression_ratio", "find_dicom_scans"]

_DIGITS = 8  # hexadecimal


def find_dicom_scans(files: Sequence[Path], is_alone: bool = False) -> FoundScans:
    """Lists the MR volumes among files by their headers; what is not DICOM is passed over.

    Volumes that are derived from other images, as defaced ones are, are taken where no original one is among the files.

    Args:
        files: of whatever kind.
        is_alone: the one file was given by itself, and is reported if it is not DICOM.
    """
    series = find_series(files)
    if not series.series and any(images.reason == DERIVED for images in series.left):
        series = find_series(files, take_derived=True)
    found, by_digest = FoundScans(), defaultdict(list)
    for one in series.series:
        by_digest[_digest(one.headers[0].series)].append(one)
    patients = _name_patients(series.series)
    for digest, volumes in sorted(by_digest.items()):
        for number, volume in enumerate(volumes, start=1):  # echoes or orientations of one series
            name = f"series-{digest}" + (f"_{number}" if len(volumes) > 1 else "")
            _add(volume, name, patients, found)
    for images in series.left:
        place = f"series-{_digest(images.headers[0].series)}"
        found.skipped.append(SkippedFile(place, f"{len(images.headers)} file(s): {images.reason}", images.remedy))
    found.skipped += [_describe(unread) for unread in series.damaged]
    found.skipped += [_describe(unread) for unread in series.others if is_alone]
    return found


def compression_ratio(files: Sequence[Path], done: ReconstructedScan) -> float | None:
    """Bits of the pixels of the slices that were reconstructed over those of their latent; None where that has none.

    Args:
        files: of the series.
        done: its reconstruction.
    """
    fit = done.latent.fit
    latent_bits = float(done.scores["bits_per_pixel"].sum()) * math.prod(fit.image_size)
    stored = read_header(files[0]).format.bits_stored or 16
    return len(done.scores) * math.prod(fit.own_size) * stored / latent_bits if latent_bits > 0 else None


def _add(series: Series, name: str, patients: dict[str, str], found: FoundScans) -> None:
    try:
        _check_volume(series)
    except VolumeError as error:
        found.skipped.append(SkippedFile(name, error.reason, error.remedy))
        return
    original = series.headers[0].patient
    patient = patients.get(original, name)
    scan = InputScan(name, patient, "", name, "DICOM", series.files, read_series, _no_header, bool(original))
    found.scans.append(scan)


def _check_volume(series: Series) -> None:
    if series.n_slices < MIN_SLICES:
        reason = f"{series.n_slices} slice(s), expected at least {MIN_SLICES} of a volume"
        raise VolumeError(reason, "give all files of the series")
    if any(one.burned_in for one in series.headers):
        reason = "text is burned into the pixels (BurnedInAnnotation), which may name the patient"
        raise VolumeError(reason, "cover it, and set the element to NO")
    series.check_complete()


def _no_header(files: tuple[Path, ...]) -> None:
    """DICOM has no NIfTI header."""


def _name_patients(volumes: Sequence[Series]) -> dict[str, str]:
    """A name for each PatientID; a header without one stands for nobody known."""
    digests: dict[str, list[str]] = defaultdict(list)
    for volume in volumes:
        if volume.headers[0].patient:
            digests[volume.headers[0].patient].append(_digest(volume.headers[0].series))
    return {patient: f"patient-{min(own)}" for patient, own in digests.items()}


def _digest(series_uid: str) -> str:
    return hashlib.sha256(series_uid.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _describe(unread: UnreadFile) -> SkippedFile:
    """A file of which no image can be made, by a hash of its content: its name may be a person's."""
    error: VolumeError = unread.error
    return SkippedFile(f"file-{_content_digest(unread.path)}", error.reason, error.remedy)


def _content_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    except OSError:
        return "unreadable"
