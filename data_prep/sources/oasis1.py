"""OASIS-1, cross-sectional: `disc*/OAS1_XXXX_MRn/...`, Analyze 7.5, with its table and tissue labels."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from data_prep.person import Person
from data_prep.rejections import describe_rejections
from data_prep.sources.alternative import ReadOrAdvise
from data_prep.sources.oasis1_choice import advise, choose_folder, choose_image, choose_segmentation, list_others
from data_prep.sources.oasis1_images import IMAGE_KINDS, SessionImage, find_images, read_image, read_segmentation
from data_prep.sources.oasis1_table import read_oasis1_people
from data_prep.sources.oasis_sessions import OVERLAP, find_sessions, pair_files, split_session
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.errors import InputError

__all__ = ["OASIS1", "find_oasis1"]

ID_RULE = "the part OAS1_XXXX of the folder's name OAS1_XXXX_MRn; MR2 is a rescan of the same patient"
_DEFAULT_IMAGE = "masked_t88"
_LABELLED = ("masked_t88", "t88")
_REMEDY = "give the folder that holds disc1, disc2, ..., with the archives oasis_cross-sectional_disc*.tar.gz unpacked"


def find_oasis1(source: Path, *, image: str = _DEFAULT_IMAGE, table: Path | None = None, labels: bool = False) -> Found:
    """Lists one image of each session, without opening it.

    The patient is `OAS1_XXXX`, so that a rescan (MR2) goes with the first scan. Of a session's acquisitions
    (`raw`) the first of which both files are there is taken, of its averages that of most acquisitions.

    Args:
        source: the folder of the discs, one disc, or the folder of the sessions.
        image: a key of `IMAGE_KINDS`.
        table: the clinical table; by default the one found by its name (see `read_oasis1_people`).
        labels: take FSL's tissue labels along, for images on their grid.

    Raises:
        InputError: an option is invalid, the folder is missing or has no such image, or the table cannot be read.
    """
    _check_options(image, labels)
    sessions = find_sessions(source, "OAS1", _REMEDY)
    found = Found(ID_RULE, rejections=list(sessions.misnamed), skull_stripped=image == "masked_t88")
    chosen = {name: choose_folder(folders, source, found) for name, folders in sorted(sessions.folders.items())}
    folders = {name: folder for name, folder in chosen.items() if folder is not None}
    people, notes = read_oasis1_people(table, sessions.parents, folders)
    for name, folder in folders.items():
        images = list(find_images(folder))
        taken = choose_image(images, folder, source, image, found)
        segmentation = choose_segmentation(images, taken) if labels else None
        list_others(images, (taken, segmentation), source, found)
        if taken is not None:
            person = people.sessions.get(name, Person())
            found.scans.append(_to_scan(name, taken, segmentation, source, person, advise(images, taken)))
    if not found.scans:
        raise InputError(f"no {image} image under {source}; {describe_rejections(found.rejections)}")
    found.notes += [*notes, *_note_labels(found.scans, labels), OVERLAP]
    return found


def _check_options(image: str, labels: bool) -> None:
    if image not in IMAGE_KINDS:
        raise InputError(f"unknown image {image!r}; expected one of {', '.join(IMAGE_KINDS)}")
    if labels and image not in _LABELLED:
        raise InputError(
            f"FSL's tissue labels are not on the grid of {image}; give --image {' or '.join(_LABELLED)}, or no --labels"
        )


def _to_scan(
    session: str, image: SessionImage, segmentation: SessionImage | None, source: Path, person: Person, advice: str
) -> Scan:
    patient_id, session_id = split_session(session)
    files, read = pair_files(image.stem), partial(read_image, kind=image.kind)
    return Scan(
        files=files,
        source=files[0].relative_to(source).as_posix(),
        patient_id=patient_id,
        session_id=session_id,
        scan_id=f"{session}_mpr-{image.number}" if image.kind == "raw" else session,
        person=person,
        read=ReadOrAdvise(read, advice) if advice else read,
        labels=pair_files(segmentation.stem) if segmentation else (),
        read_labels=read_segmentation,
    )


def _note_labels(scans: Sequence[Scan], labels: bool) -> list[str]:
    without = [scan.scan_id for scan in scans if labels and not scan.labels]
    return [f"{len(without)} scan(s) have no tissue labels in FSL_SEG, first {without[0]}"] if without else []


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    kinds = "; ".join(f"{name}: {kind.text}" for name, kind in IMAGE_KINDS.items())
    add = parser.add_argument
    add("--image", choices=tuple(IMAGE_KINDS), default=_DEFAULT_IMAGE, help=f"{kinds} (default: %(default)s)")
    add("--table", type=Path, metavar="FILE", help="the clinical table, .csv or .xlsx (default: found by its name)")
    add("--labels", action="store_true", help="take the tissue labels of FSL_SEG along (T88 only)")


OASIS1 = Source(
    "OASIS-1 cross-sectional: the folder with disc1, disc2, ...",
    find_oasis1,
    _add_arguments,
    options=("image", "table", "labels"),
)
