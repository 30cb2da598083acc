"""The folders of AD_NC: `{train,test}/{AD,NC}/<image>_<slice>.jpeg`, gathered into the scans they were cut from."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from data_prep.rejections import Rejection

__all__ = ["DIAGNOSES", "SPLITS", "SliceFiles", "find_root", "parse_slice_name", "read_folders"]

SPLITS = ("train", "test")
DIAGNOSES = ("AD", "NC")
_PLACES = (".", "AD_NC", "ADNI/AD_NC")  # below what a user may take for the root
_NAME = re.compile(r"(\d{1,9})_(\d{1,9})\.jpe?g", re.ASCII | re.IGNORECASE)
_ENDINGS = (".jpg", ".jpeg")


@dataclass(frozen=True)
class SliceFiles:
    """The slices of one scan.

    Attributes:
        number: ADNI's number of the image; it names the scan, not the patient.
        diagnosis: its folder, `AD` or `NC`.
        splits: those of `SPLITS` in which it has slices.
        slices: file by the number of the slice, increasing.
    """

    number: int
    diagnosis: str
    splits: tuple[str, ...]
    slices: dict[int, Path]

    @property
    def files(self) -> tuple[Path, ...]:
        """In the order of the slices' numbers, which is not that of the names."""
        return tuple(self.slices.values())


@dataclass(frozen=True, order=True)
class _Slice:
    number: int
    split: str
    diagnosis: str
    path: Path


def parse_slice_name(name: str) -> tuple[int, int] | None:
    """The numbers of image and slice.

    >>> parse_slice_name("218391_78.jpeg"), parse_slice_name("brain_78.jpeg")
    ((218391, 78), None)
    """
    match = _NAME.fullmatch(name)
    return (int(match[1]), int(match[2])) if match else None


def find_root(source: Path) -> Path | None:
    """The folder that holds `train` and `test`: the source, or one of its folders; None where there is none."""
    roots = (source / place for place in _PLACES)
    return next((root for root in roots if any(folder.is_dir() for *_, folder in _class_folders(root))), None)


def read_folders(root: Path, source: Path) -> tuple[list[SliceFiles], list[Rejection]]:
    """Gathers the slices of each scan; scans with slices in both splits are joined.

    Args:
        root: the folder that holds `train` and `test`.
        source: what the paths of rejections are relative to.

    Returns:
        The scans by number, and what cannot be used: names of another form, scans in both classes, and scans that
        have a slice twice.
    """
    images: defaultdict[int, list[_Slice]] = defaultdict(list)
    rejections = []
    for split, diagnosis, folder in _class_folders(root):
        for path in _find_pictures(folder):
            numbers = parse_slice_name(path.name)
            if numbers is None:
                reason = "the name is not of the form <image>_<slice>.jpeg, such as 218391_78.jpeg"
                rejections.append(Rejection(path.relative_to(source).as_posix(), reason, "give the file its name back"))
            else:
                images[numbers[0]].append(_Slice(numbers[1], split, diagnosis, path))
    scans = []
    for number, slices in sorted(images.items()):
        slices.sort()
        if problem := _find_problem(slices, source):
            rejections.append(Rejection(slices[0].path.relative_to(source).as_posix(), *problem))
            continue
        splits = tuple(split for split in SPLITS if any(one.split == split for one in slices))
        scans.append(SliceFiles(number, slices[0].diagnosis, splits, {one.number: one.path for one in slices}))
    return scans, rejections


def _find_problem(slices: list[_Slice], source: Path) -> tuple[str, str] | None:
    diagnoses = sorted({one.diagnosis for one in slices})
    if len(diagnoses) > 1:
        reason = f"slices of one scan lie in {' and '.join(diagnoses)}, expected one class"
        return reason, "remove those in the wrong folder"
    for one, following in pairwise(slices):
        if one.number == following.number:
            places = " and ".join(twin.path.relative_to(source).as_posix() for twin in (one, following))
            return f"slice {one.number} of the scan is there twice: {places}", "remove one of them"
    return None


def _class_folders(root: Path) -> Iterator[tuple[str, str, Path]]:
    for split in SPLITS:
        for diagnosis in DIAGNOSES:
            yield split, diagnosis, root / split / diagnosis


def _find_pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    paths = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in paths if path.name.lower().endswith(_ENDINGS))
