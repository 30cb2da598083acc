"""ADNI as LONI ships it: `<PTID>/<series>/<time>/<image>/*`, NIfTI or DICOM, with ADNIMERGE and a collection's CSV."""

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from data_prep.rejections import describe_rejections
from data_prep.sources.adni_choice import advise, check_preference, choose_images
from data_prep.sources.adni_names import LEVELS, is_patient
from data_prep.sources.adni_people import DIAGNOSES, People
from data_prep.sources.adni_tables import ADNIMERGE_PATTERN, find_collections
from data_prep.sources.adni_tree import Image, Tree, read_tree
from data_prep.sources.alternative import ReadOrAdvise
from data_prep.sources.orientation_option import add_orientation_argument
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from data_prep.sources.tables import find_table
from monai_vq.data import Volume, VolumeError, read_volume
from monai_vq.data.dicom import read_series
from monai_vq.data.orientation import check_axes
from monai_vq.errors import InputError

__all__ = ["ADNI", "find_adni", "read_image"]

ID_RULE = "the PTID that names the patient's folder; a file whose name has another is refused"
MIN_EXTENT_MM, MAX_EXTENT_MM = 100.0, 500.0  # a head is 130 mm wide; slices were lost, or the header is wrong


def find_adni(
    source: Path,
    *,
    table: Path | None = None,
    collection: Sequence[Path] | None = None,
    diagnosis: str = DIAGNOSES[0],
    preference: Sequence[str] = LEVELS,
    assume_orientation: str | None = None,
) -> Found:
    """Lists one T1-weighted image of each patient and day, without opening it (see `choose_images`).

    Args:
        source: the folder of the patients' folders, or one above it.
        table: ADNIMERGE; by default the one beside the images.
        collection: tables of the collections; by default those beside the images.
        diagnosis: `visit`, ADNIMERGE's DX of the visit nearest to the scan, or `baseline`, its DX_bl.
        preference: levels of preprocessing, the best first.
        assume_orientation: axes, such as `PSR`, of the NIfTI files whose header has lost its orientation; by default
            these are refused.

    Raises:
        InputError: an option is invalid, the folder is missing or has no image, or a table cannot be read.
    """
    check_preference(preference)
    if diagnosis not in DIAGNOSES:
        raise InputError(f"unknown diagnosis {diagnosis!r}; expected one of {', '.join(DIAGNOSES)}")
    if assume_orientation is not None:
        check_axes(assume_orientation)
    if not source.is_dir():
        raise InputError(f"no folder {source}; give the folder that holds the patients', such as 002_S_0295")
    tree = read_tree(source)
    images, left = choose_images(tree.images, preference)
    if not images:
        raise InputError(_describe_nothing(source, tree))
    folders = _table_folders(source)
    table = table or find_table(folders, ADNIMERGE_PATTERN)
    collections = find_collections(folders) if collection is None else list(collection)
    people = People.read(table, collections, diagnosis)
    first = {image.patient_id: image.acquired for image in sorted(tree.images, key=lambda image: image.acquired)[::-1]}
    scans = [_to_scan(image, first[image.patient_id], people, assume_orientation) for image in images]
    scans = _add_advice(scans, advise(tree.images, images, preference))
    scans.sort(key=lambda scan: scan.scan_id)
    notes = [*people.notes(images), *_note_levels(images), *_note_repeats(images)]
    return Found(ID_RULE, scans, tree.rejections, tree.left + left, notes)


def _describe_nothing(source: Path, tree: Tree) -> str:
    found = f" ({describe_rejections(tree.rejections)})" if tree.rejections else ""
    return (
        f"no T1-weighted image in a tree <PTID>/<series>/<time>/<image> under {source}{found}; give the folder that "
        "holds the patients', such as 002_S_0295, or for files in one folder the source nifti with --patient_regex"
    )


def _table_folders(source: Path) -> list[Path]:
    """Where tables may lie: in the source and in folders beside the patients', and above these."""
    shown = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
    above = [source.resolve().parent] if any(is_patient(path.name) for path in shown) else []
    return [source, *(path for path in shown if not is_patient(path.name)), *above]


def _to_scan(image: Image, first: date, people: People, assume_orientation: str | None) -> Scan:
    day = f"d{(image.acquired - first).days:04d}"  # since the patient's first image here: a date can name a person
    return Scan(
        files=image.files,
        source=image.source,
        patient_id=image.patient_id,
        session_id=day,
        scan_id=f"{image.patient_id}_{day}_{image.label}",
        person=people.person(image),
        read=partial(read_image, assume_axes=assume_orientation),
    )


def _add_advice(scans: Iterable[Scan], advice: Mapping[str, str]) -> list[Scan]:
    """Lets the errors of reading say what else a visit has (see `advise`)."""
    return [
        replace(scan, read=ReadOrAdvise(scan.read, advice[scan.source])) if scan.source in advice else scan
        for scan in scans
    ]


def read_image(files: tuple[Path, ...], assume_axes: str | None = None) -> Volume:
    """Reads one NIfTI file or one DICOM series, and refuses what cannot be a whole head.

    Raises:
        VolumeError: see `read_volume` and `read_series`; or a side of the volume is no head's.
        OSError: a file cannot be opened.
    """
    is_series = files[0].name.lower().endswith(".dcm")
    volume = read_series(files) if is_series else read_volume(files[0], assume_axes=assume_axes)
    extent = [size * count for size, count in zip(volume.spacing, volume.array.shape, strict=True)]
    if not MIN_EXTENT_MM <= min(extent) <= max(extent) <= MAX_EXTENT_MM:
        sides = " x ".join(f"{side:.0f}" for side in extent)
        raise VolumeError(
            f"{volume.array.shape} voxels cover {sides} mm, expected a head: {MIN_EXTENT_MM:g} to {MAX_EXTENT_MM:g}",
            "download the image again, or leave it out",
        )
    return volume


def _note_levels(images: Iterable[Image]) -> list[str]:
    counts = Counter(image.series.level for image in images)
    if len(counts) < 2:
        return []
    described = ", ".join(f"{counts[level]} {level}" for level in LEVELS if level in counts)
    return [f"the preprocessing differs between scans: {described}; --preference takes one level alone"]


def _note_repeats(images: Iterable[Image]) -> list[str]:
    n_repeats = sum(image.series.repeat for image in images)
    return [f"{n_repeats} visit(s) have only a repeated scan, which is taken"] if n_repeats else []


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add("--table", type=Path, metavar="FILE", help="ADNIMERGE (default: the one beside the images)")
    add(
        "--collection",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="CSV of each collection (default: those beside the images)",
    )
    add(
        "--diagnosis",
        default=DIAGNOSES[0],
        help=f"{' or '.join(DIAGNOSES)}: at the visit nearest to the scan, or at enrolment (default: %(default)s)",
    )
    add(
        "--preference",
        nargs="+",
        default=LEVELS,
        metavar="LEVEL",
        help=f"preprocessing to take of each visit, the best first (default: {' '.join(LEVELS)})",
    )
    add_orientation_argument(parser)


ADNI = Source(
    "ADNI from LONI: <PTID>/<series>/<time>/<image>, NIfTI or DICOM, with ADNIMERGE",
    find_adni,
    _add_arguments,
    options=("table", "collection", "diagnosis", "preference", "assume_orientation"),
)
