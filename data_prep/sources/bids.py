"""A BIDS tree: the T1-weighted scans `sub-*/[ses-*/]anat/*_T1w.nii[.gz]`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data_prep.person import MAX_AGE, Person
from data_prep.rejections import Rejection, describe_rejections
from data_prep.sources.bids_names import find_folder_problem, find_name_problem, find_t1w_files, is_label_folder
from data_prep.sources.bids_tables import read_participants, read_sessions
from data_prep.sources.nifti_names import pad_numbers
from data_prep.sources.orientation_option import add_orientation_argument, make_reader
from data_prep.sources.scan import Found, Scan
from data_prep.sources.source import Source
from monai_vq.errors import InputError

__all__ = ["BIDS", "find_bids"]

ID_RULE = "the label of the BIDS entity sub-<label> of folder and file name, which must agree"


def find_bids(source: Path, *, assume_orientation: str | None = None) -> Found:
    """Lists the T1-weighted volumes of a BIDS tree without opening them.

    Only the `anat` folders directly under a subject or session are read: `derivatives/`, `sourcedata/`, `code/` and
    hidden files never are, so no processed copy of a person is taken for another scan. What looks like a subject,
    a session or a T1-weighted image there but is not named or stored as one is listed with the rejections. Numbers of
    unequal length are padded in session ids (`ses-02`, `ses-10`); scan ids are as the files.

    Args:
        source: root of the tree.
        assume_orientation: axes as stored, such as `PSR`, of volumes whose header has lost them.

    Raises:
        InputError: the folder is missing or has no such volume, or a table or the orientation cannot be read.
    """
    read = make_reader(assume_orientation)
    if not source.is_dir():
        raise InputError(f"no folder {source}; give the root of a BIDS tree, which holds the sub-* folders")
    found = Found(ID_RULE)
    unread_ages: list[str] = []
    people = read_participants(source, unread_ages)
    for patient_dir in _find_folders(source, "sub-", source, found):
        _find_patient(patient_dir, source, people.get(patient_dir.name, Person()), unread_ages, found)
    if not found.scans:
        rejected = f" ({describe_rejections(found.rejections)})" if found.rejections else ""
        raise InputError(f"no sub-*/[ses-*/]anat/*_T1w.nii[.gz] under {source}{rejected}; give the root of a BIDS tree")
    sessions = pad_numbers({scan.session_id for scan in found.scans})  # ses-2 is before ses-10
    found.scans = [
        replace(scan, read=read, session_id=sessions[scan.session_id])
        for scan in sorted(found.scans, key=lambda scan: scan.scan_id)
    ]
    _note_gaps(source, people, unread_ages, found)
    return found


def _find_folders(parent: Path, prefix: str, source: Path, found: Found) -> list[Path]:
    """Folders of subjects or sessions, sorted; those with an invalid name are listed with the rejections."""
    folders = []
    for path in sorted(path for path in parent.iterdir() if is_label_folder(path, prefix)):
        problem = find_folder_problem(path.name, prefix)
        if problem:
            found.rejections.append(Rejection(path.relative_to(source).as_posix(), *problem))
        else:
            folders.append(path)
    return folders


def _find_patient(patient_dir: Path, source: Path, person: Person, unread_ages: list[str], found: Found) -> None:
    sessions = read_sessions(patient_dir, unread_ages)
    for folder in (patient_dir, *_find_folders(patient_dir, "ses-", source, found)):
        session_id = "" if folder is patient_dir else folder.name
        at_session = person.updated(sessions.get(session_id, Person()))
        for path in find_t1w_files(folder / "anat"):
            relative = path.relative_to(source).as_posix()
            problem = find_name_problem(path, patient_dir.name, session_id)
            if problem:
                found.rejections.append(Rejection(relative, *problem))
            else:
                scan_id = path.name.partition("_T1w.nii")[0]
                found.scans.append(Scan((path,), relative, patient_dir.name, session_id, scan_id, at_session))


def _note_gaps(source: Path, people: dict[str, Person], unread_ages: Sequence[str], found: Found) -> None:
    if not (source / "dataset_description.json").is_file():
        found.notes.append("no dataset_description.json: the folder is taken for a BIDS tree by its sub-* folders")
    scanned = {scan.patient_id for scan in found.scans}
    unlisted, unscanned = scanned - set(people), set(people) - scanned
    if not people:
        found.notes.append("no participants.tsv: age, sex and diagnosis are unknown, and the split is not stratified")
    elif unlisted:
        found.notes.append(f"{len(unlisted)} patient(s) are not in participants.tsv, first {min(unlisted)}")
    if unscanned:
        found.notes.append(
            f"{len(unscanned)} participant(s) of participants.tsv have no T1w scan, first {min(unscanned)}"
        )
    if unread_ages:
        found.notes.append(
            f"{len(unread_ages)} age(s) are not years between 0 and {MAX_AGE} and count as unknown, "
            f"first {', '.join(unread_ages[:3])}"
        )


BIDS = Source(
    "a BIDS tree: sub-*/[ses-*/]anat/*_T1w.nii[.gz]",
    find_bids,
    add_orientation_argument,
    options=("assume_orientation",),
)
