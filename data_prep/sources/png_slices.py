"""OASIS as PNG slices (`keras_png_slices_data`): brains as 2-D pictures, with segmentations and a shipped split."""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.data import SliceStack, VolumeError, file_sha256, files_sha256, foreground_slices
from monai_vq.data.foreground_slices import slices_mask
from monai_vq.data.pictures import read_picture
from monai_vq.errors import InputError

__all__ = ["PNG_SLICES", "find_png_slices"]

ID_RULE = "the number after case_ in the name of each slice"
MAX_PNG_BYTES = 16 << 20
LEVEL = 85  # grey levels from one tissue to the next: 0 background, 85 CSF, 170 grey matter, 255 white matter
_SEG = "seg"
_NAME = re.compile(rf"(?P<kind>case|{_SEG})_(?P<case>\d{{3,6}})_slice_(?P<number>\d{{1,6}})(?:\.nii)?\.png")
_FOLDER = re.compile(r"(?:keras_png_slices_)?(?:seg_)?(?P<split>train|test|val)(?:id|idate|idation)?")
_REMEDY = "give the folder that holds keras_png_slices_train, _validate, _test and their _seg_ siblings"


@dataclass(frozen=True)
class _Slice:
    """One PNG, by its name and folders; `source` is its path under the root."""

    path: Path
    source: str
    kind: str
    case: int
    number: int
    split: str


def find_png_slices(source: Path, *, resplit: bool = False) -> Found:
    """Lists the cases of a tree of PNG slices, each with its slices in numeric order and their segmentations.

    Names decide, not the depth of folders: copies that nest a `train` folder or drop `.nii` are read as well. The
    shipped split is that of the nearest folder which names one. `slice_index` is the number in a slice's name.

    Args:
        source: the root of the tree.
        resplit: leave the shipped split, so that the preparation makes one by patient.

    Raises:
        InputError: the folder is missing or holds no usable case.
    """
    if not source.is_dir():
        raise InputError(f"no folder {source}; {_REMEDY}")
    found = Found(ID_RULE)
    cases: dict[int, list[_Slice]] = defaultdict(list)
    for one in _list_slices(source):
        cases[one.case].append(one)
    for case, slices in sorted(cases.items()):
        _find_case(f"case_{case:03d}", slices, resplit, found)
    if any(scan.split for scan in found.scans):
        _leave_unsplit(found)
        found.notes.append("the shipped split is kept; --resplit makes one by patient")
    if not found.scans:
        rejected = f" ({describe_rejections(found.rejections)})" if found.rejections else ""
        raise InputError(f"no case_<number>_slice_<number>.nii.png under {source}{rejected}; {_REMEDY}")
    return found


def _list_slices(source: Path) -> Iterator[_Slice]:
    for path in sorted(source.rglob("*.png")):
        match = _NAME.fullmatch(path.name)
        if match:
            relative = path.relative_to(source)
            named = [folder["split"] for part in relative.parts[:-1] if (folder := _FOLDER.fullmatch(part.lower()))]
            split = named[-1] if named else ""
            yield _Slice(path, relative.as_posix(), match["kind"], int(match["case"]), int(match["number"]), split)


def _find_case(case: str, slices: Sequence[_Slice], resplit: bool, found: Found) -> None:
    splits = sorted({one.split for one in slices})
    if len(splits) > 1 and not resplit:
        places = " and ".join(split or "no split" for split in splits)
        remedy = "keep it in one of them, or give --resplit"
        found.rejections.append(Rejection(slices[0].source, f"{case} is in {places}", remedy))
        return
    try:
        images, segments = (_by_number(slices, kind, found) for kind in ("case", _SEG))
    except VolumeError as error:
        found.rejections.append(Rejection.from_error(slices[0].source, error))
        return
    for number in sorted(segments.keys() - images.keys()):
        lonely = segments.pop(number)
        found.rejections.append(Rejection(lonely.source, "a segmentation without its slice", "fetch the slice as well"))
    if not images:
        return
    if segments and len(segments) < len(images):
        n_missing = len(images) - len(segments)
        found.notes.append(f"{case}: {n_missing} of {len(images)} slices have no segmentation; its labels are left out")
        segments = {}
    files = [one.path for kind in (images, segments) for _, one in sorted(kind.items())]
    found.scans.append(
        Scan(
            files=tuple(files),
            source=images[min(images)].source,
            patient_id=case,
            session_id="",
            scan_id=case,
            read=_read_case,
            split="" if resplit else splits[0],
        )
    )


def _by_number(slices: Sequence[_Slice], kind: str, found: Found) -> dict[int, _Slice]:
    """One file for each slice of a kind; equal copies in other folders are left out.

    Raises:
        VolumeError: a slice is there twice with different content.
    """
    taken: dict[int, _Slice] = {}
    for one in (one for one in slices if one.kind == kind):
        twin = taken.setdefault(one.number, one)
        if twin is one:
            continue
        if file_sha256(twin.path) != file_sha256(one.path):
            raise VolumeError(f"{one.path.name} differs from {twin.source}", "keep one of the two")
        found.left.append(Rejection(one.source, f"a copy of {twin.source}", "nothing is to do"))
    return taken


def _leave_unsplit(found: Found) -> None:
    """Takes out cases in no folder of a split, where others are in one."""
    remedy = "move it into one, or give --resplit"
    found.rejections += [
        Rejection(scan.source, f"{scan.scan_id} is in no train, validate or test folder", remedy)
        for scan in found.scans
        if not scan.split
    ]
    found.scans = [scan for scan in found.scans if scan.split]


def _read_case(files: tuple[Path, ...]) -> SliceStack:
    """Slices and, where they are among the files, segmentations; slices without foreground are left out."""
    images = [path for path in files if not path.name.startswith(_SEG)]
    segments = [path for path in files if path.name.startswith(_SEG)]
    slices = _stack(images)
    labels = _to_labels(_stack(segments), segments) if segments else None
    if labels is not None and labels.shape != slices.shape:
        sizes = f"{list(labels.shape[1:])}, the slices {list(slices.shape[1:])}"
        raise VolumeError(f"the segmentations have pixels {sizes}", "download both again")
    mask = slices_mask(slices)
    kept = np.flatnonzero(mask.any(axis=(1, 2)))
    if not kept.size:
        raise VolumeError("no slice has anything brighter than black", "download the case again")
    numbers = [int(_NAME.fullmatch(path.name)["number"]) for path in images]  # type: ignore[index]  # as it was found
    return SliceStack(
        slices=slices[kept],
        mask=mask[kept],
        slice_indices=tuple(numbers[index] for index in kept),
        sha256=files_sha256(files),
        labels=None if labels is None else labels[kept],
    )


def _stack(paths: Sequence[Path]) -> NDArray[np.uint8]:
    """Grey pictures of one size, [S, H, W]."""
    pictures = [_read_grey(path) for path in paths]
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            sizes = f"{list(picture.shape)} pixels, {paths[0].name} {list(pictures[0].shape)}"
            raise VolumeError(f"{path.name} has {sizes}", "download the case again")
    return np.stack(pictures)


def _read_grey(path: Path) -> NDArray[np.uint8]:
    if path.stat().st_size > MAX_PNG_BYTES:
        raise VolumeError(f"{path.name} has more than {MAX_PNG_BYTES} bytes", "download the case again")
    picture = read_picture(path.read_bytes(), path.name)
    if picture.ndim != 2:
        raise VolumeError(f"{path.name} is a colour picture, expected a grey one", "download the case again")
    return picture


def _to_labels(levels: NDArray[np.uint8], paths: Sequence[Path]) -> NDArray[np.uint8]:
    """Grey levels 0, 85, 170 and 255 to 0, 1, 2 and 3; others mean that the picture was resized or compressed."""
    odd = levels % LEVEL != 0
    if odd.any():
        first = int(np.flatnonzero(odd.any(axis=(1, 2)))[0])
        level = int(levels[first][odd[first]][0])
        reason = f"{paths[first].name} has the grey level {level}, expected 0, {LEVEL}, {2 * LEVEL} or {3 * LEVEL}"
        raise VolumeError(reason, "use the segmentations as published: resizing and JPEG make up levels")
    return levels // LEVEL


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--resplit", action="store_true", help="make a split by patient instead of the shipped one")


PNG_SLICES = Source(
    summary="OASIS as PNG slices: keras_png_slices_train/case_001_slice_0.nii.png and its siblings",
    finder=find_png_slices,
    add_arguments=_add_arguments,
    options=("resplit",),
    volumes=False,
    foreground=foreground_slices.ALGORITHM,
)
