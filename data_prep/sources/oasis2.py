"""OASIS-2, longitudinal: `OAS2_RAW_PART{1,2}/OAS2_XXXX_MRn/RAW/mpr-N.nifti.{hdr,img}` and its table."""

import argparse
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from data_prep.person import Person
from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.oasis2_table import read_oasis2_people
from data_prep.sources.oasis_grid import Grid
from data_prep.sources.oasis_sessions import (
    OVERLAP,
    find_pair_problem,
    find_pairs,
    find_sessions,
    pair_files,
    split_session,
)
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.data import Volume, VolumeError
from monai_vq.data.nifti_pair import read_nifti_pair
from monai_vq.data.orientation import axes_affine, check_axes
from monai_vq.errors import InputError

__all__ = ["OASIS2", "find_oasis2", "read_acquisition"]

ID_RULE = "the part OAS2_XXXX of the folder's name OAS2_XXXX_MRn; a patient's visits may lie in both parts"
GRID = Grid("ASL", (256, 256, 160), (1, 1, 1.25))
_ACQUISITION = re.compile(r"mpr-\d\.nifti")
_REMEDY = "give the folder that holds OAS2_RAW_PART1 and OAS2_RAW_PART2, with both archives unpacked"
_UNPACK = "unpack its archive again"
_NOTHING = "nothing is to do"


def find_oasis2(source: Path, *, table: Path | None = None, assume_orientation: str | None = None) -> Found:
    """Lists the first whole acquisition of each visit, without opening it.

    Args:
        source: the folder of both parts, one part, or the folder of the visits.
        table: the demographics; by default the ones found by their name (see `read_oasis2_people`).
        assume_orientation: axes, such as `ASL`, for files whose headers have none or a false one; by default `ASL`
            for those that have none.

    Raises:
        InputError: an option is invalid, the folder is missing or has no such image, or the table cannot be read.
    """
    if assume_orientation is not None:
        check_axes(assume_orientation)
    sessions = find_sessions(source, "OAS2", _REMEDY)
    found = Found(ID_RULE, rejections=list(sessions.misnamed))
    people, notes = read_oasis2_people(table, sessions.parents, sessions.folders)
    for name, (folder, *copies) in sorted(sessions.folders.items()):
        for copy in copies:
            reason = f"the visit is also in {folder.relative_to(source).as_posix()}, which is taken"
            found.rejections.append(Rejection(copy.relative_to(source).as_posix(), reason, "remove one of the two"))
        taken = _choose_acquisition(folder, source, found)
        if taken is not None:
            found.scans.append(_to_scan(name, taken, source, people.sessions.get(name, Person()), assume_orientation))
    if not found.scans:
        raise InputError(f"no RAW/mpr-N.nifti.hdr and .img under {source}; {describe_rejections(found.rejections)}")
    found.notes += [*notes, OVERLAP]
    return found


def read_acquisition(files: tuple[Path, ...], assume_axes: str | None = None) -> Volume:
    """Reads one acquisition; where its header has no orientation, along the axes of the study's protocol.

    The study scanned in sagittal slices of 1.25 mm, stored last; a header that says otherwise is false.

    Args:
        files: the `.hdr` and the `.img`.
        assume_axes: axes for headers without orientation, or with a false one; None refuses the false ones.

    Raises:
        VolumeError: see `read_nifti_pair`; or the grid is not the study's, or its slices not sagittal.
        OSError: a file cannot be opened.
    """
    volume = read_nifti_pair(files, assume_axes=assume_axes or GRID.axes)
    GRID.check(volume)
    if volume.axes[2] in "LR":
        return volume
    if assume_axes is None:
        raise VolumeError(
            f"the header's axes are {volume.axes}, but the study's slices are sagittal: the last must be L or R",
            f"look at the scan, and give --assume_orientation {GRID.axes} if its first axis runs forwards",
        )
    return replace(volume, affine=axes_affine(volume.array.shape, volume.spacing, assume_axes))


def _choose_acquisition(folder: Path, source: Path, found: Found) -> Path | None:
    """Stem of the first acquisition with both files; the others are listed."""
    taken = None
    stems = find_pairs(folder / "RAW")
    if not stems:
        reason = "no image mpr-N.nifti.hdr and .img in RAW"
        found.rejections.append(Rejection(folder.relative_to(source).as_posix(), reason, _UNPACK))
    for stem in stems:
        relative = stem.relative_to(source).as_posix()
        if not stem.name.startswith("mpr"):  # 3906-3.nift.img, a second copy of an mpr-1
            found.left.append(Rejection(relative, "not named mpr-N: a stray copy of an acquisition", _NOTHING))
        elif problem := _find_name_problem(stem) or find_pair_problem(stem):
            found.rejections.append(Rejection(relative, *problem))
        elif taken is None:
            taken = stem
        else:
            reason = f"another acquisition of the visit, of which {taken.name} is taken"
            found.left.append(Rejection(relative, reason, _NOTHING))
    return taken


def _find_name_problem(stem: Path) -> tuple[str, str] | None:
    if _ACQUISITION.fullmatch(stem.name):
        return None
    return "the name is not of the form mpr-N.nifti.hdr and .img", "give it its original name, or move it elsewhere"


def _to_scan(session: str, stem: Path, source: Path, person: Person, assume_axes: str | None) -> Scan:
    patient_id, session_id = split_session(session)
    files = pair_files(stem)
    return Scan(
        files=files,
        source=files[0].relative_to(source).as_posix(),
        patient_id=patient_id,
        session_id=session_id,
        scan_id=f"{session}_{stem.name.removesuffix('.nifti')}",
        person=person,
        read=partial(read_acquisition, assume_axes=assume_axes),
    )


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="the demographics, .csv or .xlsx (default: found by their name)"
    )
    parser.add_argument(
        "--assume_orientation",
        metavar="AXES",
        help=f"axes as stored, such as {GRID.axes}, of files whose header has a false orientation (default: refused)",
    )


OASIS2 = Source(
    "OASIS-2 longitudinal: the folder with OAS2_RAW_PART1 and OAS2_RAW_PART2",
    find_oasis2,
    _add_arguments,
    options=("table", "assume_orientation"),
)
