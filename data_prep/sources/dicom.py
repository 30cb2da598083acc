"""Finds the MR volumes in any folder of DICOM files, and takes people's names off them."""

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from data_prep.pseudonyms import Pseudonyms
from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.dicom_choice import Choice, choose_series
from data_prep.sources.dicom_names import DicomNames, default_key_file
from data_prep.sources.dicom_people import parse_dicom_age, person_of
from data_prep.sources.dicom_sessions import number_sessions
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.data.dicom import DERIVED, FoundSeries, LeftImages, Series, find_series, read_series
from monai_vq.errors import InputError

__all__ = ["DICOM", "find_dicom"]


def find_dicom(
    source: Path,
    *,
    series_regex: str | None = None,
    key_file: Path | None = None,
    keep_ids: bool = False,
    mixed_folders: bool = False,
    derived: bool = False,
) -> Found:
    """Lists every original MR volume under a folder; only headers are read, and of them an allow-list.

    Names and depth of the folders mean nothing. Studies of a patient become sessions in the order of their dates, the
    volumes of a study scans in the order of their numbers. Unless `keep_ids`, nothing of names, ids, dates, UIDs,
    institutions, folders and files is in what is returned, but in `Scan.files`, from which the voxels are read.

    Args:
        source: the folder.
        series_regex: takes only series whose SeriesDescription or ProtocolName contains it, whatever the case.
        key_file: keeps the key of the pseudonyms and who is who; written. By default beside the source's folder.
        keep_ids: keep PatientIDs and relative paths, for data that were de-identified before.
        mixed_folders: take series from folders that hold images of several patients, told apart by PatientID.
        derived: also take volumes that are derived from other images, as defaced and reformatted ones are.

    Raises:
        InputError: the folder does not exist, nothing in it is an MR volume, or an option is wrong.
    """
    if keep_ids and key_file is not None:
        raise InputError("--keep_ids writes no pseudonyms, so --key_file would stay unused; give one of the two")
    pattern = _compile(series_regex)
    files = find_series(source, derived)
    pseudonyms = None if keep_ids else Pseudonyms.open(key_file or default_key_file(source))
    names = DicomNames(source, pseudonyms)
    choice = choose_series(files, pattern, mixed_folders)
    found = Found(id_rule=f"{'' if keep_ids else 'keyed hash of '}PatientID of the DICOM headers")
    found.scans = _name_scans(choice.scans, names)
    _list_others(files, choice, names, found)
    if pseudonyms is not None:
        pseudonyms.save()
    if not found.scans:
        listed = [*found.rejections, *found.left]
        raise InputError(
            f"no MR volume among the DICOM files{f' ({describe_rejections(listed)})' if listed else ''}; "
            "give a folder of exported MR series"
        )
    _note(files, choice, found, beside_source=not keep_ids and key_file is None)
    return found


def _compile(series_regex: str | None) -> re.Pattern[str] | None:
    try:
        return None if series_regex is None else re.compile(series_regex, re.IGNORECASE)
    except re.error as error:
        raise InputError(f"--series_regex is no regular expression ({error}); give one, such as mprage|t1") from error


def _name_scans(chosen: Sequence[Series], names: DicomNames) -> list[Scan]:
    by_patient: dict[str, list[Series]] = defaultdict(list)
    for series in chosen:
        by_patient[series.headers[0].patient].append(series)
    scans = []
    for original, volumes in sorted(by_patient.items()):
        patient = names.patient(original)
        for session, run, series in number_sessions(volumes):
            scan = Scan(
                files=series.files,
                source=names.place(series.files, "series"),
                patient_id=patient,
                session_id=session,
                scan_id=f"{patient}_{session}_{run}",
                person=person_of(series.headers),
                read=read_series,
            )
            scans.append(scan)
    return sorted(scans, key=lambda scan: scan.scan_id)


def _list_others(files: FoundSeries, choice: Choice, names: DicomNames, found: Found) -> None:
    for series, error in choice.refused:
        found.rejections.append(Rejection.from_error(names.place(series.files, "series"), error))
    for unread in files.damaged:
        found.rejections.append(Rejection.from_error(names.place([unread.path], "file"), unread.error))
    for series, error in choice.left:
        found.left.append(Rejection.from_error(names.place(series.files, "series"), error))
    for images in files.left:
        found.left.append(_describe_left(images, names))
    for unread in files.others:
        found.left.append(Rejection.from_error(names.place([unread.path], "file"), unread.error))


def _describe_left(images: LeftImages, names: DicomNames) -> Rejection:
    place = names.place([header.path for header in images.headers], "series")
    remedy = "give --derived if it is a scan, such as a defaced one" if images.reason == DERIVED else images.remedy
    return Rejection(place, f"{len(images.headers)} file(s): {images.reason}", remedy)


def _note(files: FoundSeries, choice: Choice, found: Found, beside_source: bool) -> None:
    infos = [series.headers[0].info for series in choice.scans]
    copies, damaged = sum(series.n_copies for series in files.series), len(files.damaged)
    undated = sum(not info.date for info in infos)
    ages = sum(bool(info.age) and parse_dicom_age(info.age) is None for info in infos)
    sessions = len({(scan.patient_id, scan.session_id) for scan in found.scans})
    several = f"{len(found.scans)} scans in {sessions} sessions: each volume of a study is one, of whatever contrast"
    notes = [
        (beside_source, "the pseudonyms' key is in *.pseudonyms.json beside the source's folder; keep it apart"),
        (copies, f"{copies} file(s) are copies of others, byte by byte, and are left out"),
        (damaged, f"{damaged} file(s) cannot be read: a series that ended with one of them would lack a slice"),
        (undated, f"{undated} scan(s) have no StudyDate: the order of their patients' sessions is unknown"),
        (ages, f"{ages} age(s) are not of the form 074Y and count as unknown"),
        (len(found.scans) - sessions, f"{several}; choose by --series_regex"),
    ]
    found.notes += [note for holds, note in notes if holds]


def _add_arguments(parser: argparse._ActionsContainer) -> None:
    add = parser.add_argument
    add("--series_regex", metavar="REGEX", help="take series whose SeriesDescription or ProtocolName contains it")
    add("--key_file", type=Path, help="keeps the key of the pseudonyms (default: beside the source's folder)")
    add("--keep_ids", action="store_true", help="write PatientIDs and paths as they are; for de-identified data")
    add("--mixed_folders", action="store_true", help="take series from folders with images of several patients")
    add("--derived", action="store_true", help="also take derived volumes, such as defaced or reformatted ones")


DICOM = Source(
    summary="any folder of DICOM MR series; pseudonymised",
    finder=find_dicom,
    add_arguments=_add_arguments,
    options=("series_regex", "key_file", "keep_ids", "mixed_folders", "derived"),
    example="--series_regex mprage",
)
