"""What there is to reconstruct under a path: scans of every format, named so that no two are written over another."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.filebasedimages import ImageFileError

from monai_vq.data import Volume, VolumeError, read_volume
from monai_vq.data.analyze import read_analyze
from monai_vq.data.image_pair import NIFTI_PAIR_MAGIC, read_pair_header
from monai_vq.data.nifti_pair import read_nifti_pair
from monai_vq.data.orientation import check_axes
from monai_vq.data.scan_names import name_scans
from monai_vq.data.storage import Storage
from monai_vq.errors import InputError
from monai_vq.reconstruct.dicom_inputs import find_dicom_scans
from monai_vq.reconstruct.input_scan import FoundScans, InputScan, SkippedFile

__all__ = ["find_inputs"]

_ENDINGS = (".nii.gz", ".nii")
_PAIR_ENDINGS = (".hdr", ".img")
_BIDS = re.compile(r"(?:^|[/_])(?P<patient>sub-[A-Za-z0-9]+)(?:[/_](?P<session>ses-[A-Za-z0-9]+))?")


def find_inputs(path: Path, *, patient_regex: str | None = None, assume_axes: str | None = None) -> FoundScans:
    """Lists the scans of a file or folder; no voxel is read.

    A scan is a `.nii` or `.nii.gz` file, a pair of `.hdr` and `.img`, or a series of DICOM images; a folder may hold
    all of these at any depth. Hidden files are not looked at. Scans are named after their files, or after their path
    where two files have the same name; DICOM series after a hash of their SeriesInstanceUID, because names and folders
    of DICOM files hold names of people.

    Args:
        path: a file or folder.
        patient_regex: searched in a NIfTI or Analyze file's path below the folder; its group named `patient` (or first
            group) is the patient's id, one named `session` the visit. By default BIDS names are understood
            (`sub-01/ses-02`), and every other scan counts as a patient of its own.
        assume_axes: anatomical direction in which each stored index grows, such as `LAS`, of Analyze files and of NIfTI
            files that have lost their orientation.

    Raises:
        InputError: the path does not exist, or an option is invalid.
    """
    if assume_axes is not None:
        check_axes(assume_axes)
    pattern = _compile(patient_regex)
    root, files, left = _list_files(path)
    found, others, present = FoundScans(skipped=left), [], frozenset(files)
    for file in files:
        name = file.name.lower()
        if name.endswith(_ENDINGS):
            found.scans.append(_nifti_scan(file, root, assume_axes))
        elif name.endswith(_PAIR_ENDINGS):
            _add_pair(file, root, assume_axes, present, found)
        elif file.is_file():  # and not a link to nowhere
            others.append(file)
    found.scans = [_identify(scan, pattern) for scan in _named(found.scans)]
    dicom = find_dicom_scans(others, is_alone=path.is_file())
    found.scans += dicom.scans
    found.skipped += dicom.skipped
    return found


def _compile(patient_regex: str | None) -> re.Pattern[str]:
    if patient_regex is None:
        return _BIDS
    try:
        pattern = re.compile(patient_regex)
    except re.error as error:
        raise InputError(f"--patient_regex {patient_regex!r} is no regular expression ({error})") from error
    if not pattern.groups:
        raise InputError(f"--patient_regex {patient_regex!r} has no group; give one, such as '(P[0-9]+)'")
    return pattern


def _list_files(path: Path) -> tuple[Path, list[Path], list[SkippedFile]]:
    """The folder to which places are relative, all files that are not hidden, sorted, and folders that were left."""
    if path.is_file():
        twins = [path.with_suffix(ending) for ending in _PAIR_ENDINGS] if path.suffix in _PAIR_ENDINGS else [path]
        return path.parent, sorted({path, *(twin for twin in twins if twin.is_file())}), []
    if not path.is_dir():
        raise InputError(
            f"--input {path}: there is no such file or folder; give a NIfTI or Analyze file, a folder of these or of "
            "DICOM series, or a prepared dataset"
        )
    files: list[Path] = []
    closed: list[OSError] = []
    n_links = 0
    for folder, subfolders, names in os.walk(path, onerror=closed.append):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        n_links += sum(Path(folder, name).is_symlink() for name in subfolders)
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return path, sorted(files), _describe_folders(n_links, len(closed))


def _describe_folders(n_links: int, n_closed: int) -> list[SkippedFile]:
    """Folders that were not looked into, by their number: a name may be a person's."""
    left = []
    if n_links:  # which may lead round in a circle
        remedy = "give the folders that they lead to, if they are wanted"
        left.append(SkippedFile(".", f"{n_links} link(s) to folders, which are not followed", remedy))
    if n_closed:
        left.append(SkippedFile(".", f"{n_closed} folder(s) cannot be opened", "check their permissions"))
    return left


def _nifti_scan(file: Path, root: Path, assume_axes: str | None) -> InputScan:
    read = partial(_read_nifti, assume_axes=assume_axes)
    return InputScan("", "", "", file.relative_to(root).as_posix(), "NIfTI", (file,), read, _nifti_header)


def _read_nifti(files: tuple[Path, ...], storage: Storage, assume_axes: str | None) -> Volume:
    if not files[0].exists():
        raise VolumeError("a link to a file that is not here", "fetch it first, as by `datalad get`")
    return read_volume(files[0], assume_axes=assume_axes, storage=storage)


def _add_pair(file: Path, root: Path, assume_axes: str | None, files: frozenset[Path], found: FoundScans) -> None:
    """Adds a pair once, by its header; an image without one is skipped."""
    header, image = (_twin(file, ending, files) for ending in _PAIR_ENDINGS)
    place = file.relative_to(root).as_posix()
    if header is None:
        found.skipped.append(SkippedFile(place, f"{file.stem}.hdr is missing beside it", "give both files of the pair"))
    elif file == header:
        pair = (header, image or header.with_suffix(".img"))
        read = partial(_read_pair, assume_axes=assume_axes)
        found.scans.append(InputScan("", "", "", place, "image pair", pair, read, _nifti_header))


def _twin(file: Path, ending: str, files: frozenset[Path]) -> Path | None:
    spellings = (file.with_suffix(ending), file.with_suffix(ending.upper()))
    return next((one for one in spellings if one == file or one in files), None)


def _read_pair(files: tuple[Path, ...], storage: Storage, assume_axes: str | None) -> Volume:
    if _is_nifti_pair(files):
        return read_nifti_pair(files, assume_axes=assume_axes, storage=storage)
    if assume_axes is None:
        raise VolumeError(
            "Analyze files do not say how the head lies in them, and left and right would be a guess",
            "give --assume_orientation with the axes as stored, such as LAS",
        )
    return read_analyze(files, axes=assume_axes, storage=storage)


def _is_nifti_pair(files: tuple[Path, ...]) -> bool:
    return read_pair_header(files)[0][-4:] == NIFTI_PAIR_MAGIC


def _nifti_header(files: tuple[Path, ...]) -> Any | None:
    """The header whose geometry a reconstruction takes over; None for Analyze, which has none."""
    if len(files) == 2 and not _is_nifti_pair(files):
        return None
    try:
        return nib.load(files[-1]).header
    except ImageFileError:  # a name that nibabel does not take for NIfTI
        return None


def _named(scans: Iterable[InputScan]) -> list[InputScan]:
    """Scans with unique ids, by the files' names alone where these are unique."""
    scans = list(scans)
    places = [re.sub(r"(?i)\.(nii|nii\.gz|hdr)$", "", scan.place) for scan in scans]
    counts = Counter(place.rpartition("/")[2].casefold() for place in places)
    labels = [place if counts[(name := place.rpartition("/")[2]).casefold()] > 1 else name for place in places]
    return [replace(scan, scan_id=name) for scan, name in zip(scans, name_scans(labels), strict=True)]


def _identify(scan: InputScan, pattern: re.Pattern[str]) -> InputScan:
    match = pattern.search(scan.place)
    if match is None:
        return replace(scan, patient_id=scan.scan_id)
    groups = match.groupdict()
    return replace(
        scan, patient_id=groups.get("patient") or match[1], session_id=groups.get("session") or "", known=True
    )
