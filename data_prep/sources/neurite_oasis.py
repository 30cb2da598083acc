"""neurite-oasis: OASIS-1 as volumes and coronal slices between 0 and 1, also under Learn2Reg's numbers."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_prep.person import Person
from data_prep.rejections import describe_rejections
from data_prep.sources.neurite_files import (
    IMAGES,
    LABELS,
    NeuriteChoice,
    find_folders,
    find_numbered,
    folder_scans,
    numbered_scans,
)
from data_prep.sources.neurite_subjects import describe_missing, read_subjects
from data_prep.sources.oasis1_table import read_oasis1_people
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.errors import InputError

__all__ = ["NEURITE_OASIS", "find_neurite_oasis"]

ID_RULE = (
    "the OAS1_nnnn of the folder OASIS_OAS1_nnnn_MR1; of Learn2Reg's img0001, that of the line of subjects.txt which "
    "its number counts"
)
_OVERLAP = "neurite-oasis shows people of OASIS-1 under their OASIS-1 numbers: do not pool the two as different people"
_NO_TABLE = (
    "no table of OASIS-1, as oasis_cross-sectional.csv (name one by --table): age, sex and diagnosis are unknown"
)


def find_neurite_oasis(
    source: Path,
    *,
    image: str = IMAGES[0],
    labels: str | None = None,
    subjects: Path | None = None,
    table: Path | None = None,
) -> Found:
    """Lists one image of each subject, without opening it.

    Args:
        source: a folder that holds, at any depth, folders `OASIS_OAS1_nnnn_MR1`, or Learn2Reg's `img0001.nii.gz`.
        image: one of `IMAGES`; those named `slice_` are coronal 2-D files.
        labels: one of `LABELS` on the image's grid, as a second stack; None for none.
        subjects: the download's `subjects.txt`, without which Learn2Reg's numbers say nothing; by default looked for
            in the source.
        table: the clinical table of OASIS-1 (see `read_oasis1_people`).

    Raises:
        InputError: an option is invalid, a file or folder is missing, there is no usable image, or Learn2Reg's images
            lack the list of subjects.
    """
    choice = NeuriteChoice(image, labels)
    if not source.is_dir():
        raise InputError(f"no folder {source}; give the folder that holds the folders OASIS_OAS1_nnnn_MR1")
    subjects = subjects or next(iter(sorted(source.rglob("subjects.txt"))), None)
    listed = [] if subjects is None else read_subjects(subjects)
    folders, numbered = find_folders(source), find_numbered(source)
    found = Found(ID_RULE, skull_stripped=image.endswith("norm"))
    scans = [*folder_scans(folders, source, choice, found), *numbered_scans(numbered, listed, source, choice, found)]
    if not scans:
        raise InputError(_describe_nothing(source, folders, choice, found))
    sessions = {f"{scan.patient_id}_{scan.session_id}": scan.path.parent for scan in scans}
    people, notes = read_oasis1_people(table, (source,), sessions)
    if not people.sessions:
        notes = [_NO_TABLE]
    for scan in sorted(scans, key=lambda scan: scan.scan_id):
        person = people.sessions.get(f"{scan.patient_id}_{scan.session_id}", Person())
        found.scans.append(replace(scan, person=person))
    found.notes = [_OVERLAP, *notes, *_describe_labels(scans, choice)]
    if subjects and folders:
        names = [folder.name.removeprefix("OASIS_") for folder in folders]
        found.notes += describe_missing(listed, names, subjects.name)
    return found


def _describe_nothing(source: Path, folders: Sequence[Path], choice: NeuriteChoice, found: Found) -> str:
    rejected = f" ({describe_rejections(found.rejections)})" if found.rejections else ""
    return (
        f"no {choice.image} in {len(folders)} folder(s) OASIS_OAS1_nnnn_MR1 under {source}{rejected}; give the folder "
        "of the unpacked neurite-oasis, or another --image"
    )


def _describe_labels(scans: Sequence[Scan], choice: NeuriteChoice) -> Iterator[str]:
    bare = [scan.scan_id for scan in scans if not scan.labels and len(scan.files) == 1]
    if choice.labels and bare:
        yield f"{len(bare)} scan(s) have no labels {choice.labels}, first {min(bare)}"


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add("--image", choices=IMAGES, default=IMAGES[0], help="slice_ are coronal 2-D files (default: %(default)s)")
    add("--labels", choices=LABELS, help="take these tissue labels along: slices have seg4 and seg24 (default: none)")
    add("--subjects", type=Path, metavar="FILE", help="subjects.txt, for Learn2Reg's img0001 (default: the source's)")
    add(
        "--table", type=Path, metavar="FILE", help="the clinical table of OASIS-1, .csv or .xlsx (default: by its name)"
    )


NEURITE_OASIS = Source(
    summary="neurite-oasis: OASIS-1 as aligned or native volumes or 2-D slices; Learn2Reg's images with subjects.txt",
    finder=find_neurite_oasis,
    add_arguments=_add_arguments,
    options=("image", "labels", "subjects", "table"),
)
