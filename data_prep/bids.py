"""Finds the T1-weighted scans of a BIDS tree: `sub-*/[ses-*/]anat/*_T1w.nii[.gz]`."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.participants import Person, read_participants, read_sessions
from data_prep.rejections import Rejection
from monai_vq.errors import InputError

__all__ = ["Found", "Scan", "find_scans"]

_PATIENT = re.compile(r"sub-[A-Za-z0-9]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9]+")
_NAME = re.compile(  # entities are key-label pairs with alphanumeric labels; sub comes first, ses second
    r"(?P<patient>sub-[A-Za-z0-9]+)(?:_(?P<session>ses-[A-Za-z0-9]+))?(?:_[a-z]+-[A-Za-z0-9]+)*_T1w\.nii(?:\.gz)?"
)


@dataclass(frozen=True)
class Scan:
    """One volume of a source, and what its tables know of it.

    Attributes:
        path: of the volume.
        source: the same relative to the source's root, with forward slashes.
        patient_id: `sub-<label>`.
        session_id: `ses-<label>`, or empty.
        scan_id: the file's name without `_T1w` and suffix; unique in the source.
        person: diagnosis, age and sex at this session.
    """

    path: Path
    source: str
    patient_id: str
    session_id: str
    scan_id: str
    person: Person


@dataclass
class Found:
    """Scans sorted by id, what was left out, and what the user should know."""

    scans: list[Scan] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_scans(source: Path) -> Found:
    """Lists the T1-weighted volumes of a BIDS tree without opening them.

    Only the `anat` folders directly under a subject or session are read: `derivatives/`, `sourcedata/`, `code/` and
    hidden files never are, so no processed copy of a person is taken for another scan.

    Raises:
        InputError: the folder is missing or has no such volume, or a table cannot be read.
    """
    if not source.is_dir():
        raise InputError(f"no folder {source}; give the root of a BIDS tree, which holds the sub-* folders")
    found = Found()
    people = read_participants(source)
    for patient_dir in sorted(path for path in source.iterdir() if path.is_dir() and _PATIENT.fullmatch(path.name)):
        _find_patient(patient_dir, source, people.get(patient_dir.name, Person()), found)
    if not found.scans:
        rejected = f" ({len(found.rejections)} rejected by name)" if found.rejections else ""
        raise InputError(f"no sub-*/[ses-*/]anat/*_T1w.nii[.gz] under {source}{rejected}; give the root of a BIDS tree")
    found.scans.sort(key=lambda scan: scan.scan_id)
    _note_gaps(source, people, found)
    return found


def _find_patient(patient_dir: Path, source: Path, person: Person, found: Found) -> None:
    sessions = read_sessions(patient_dir)
    session_dirs = [path for path in patient_dir.iterdir() if path.is_dir() and _SESSION.fullmatch(path.name)]
    for folder in (patient_dir, *sorted(session_dirs)):
        session_id = "" if folder is patient_dir else folder.name
        at_session = person.updated(sessions.get(session_id, Person()))
        for path in sorted((folder / "anat").glob("*_T1w.nii*")):
            if path.name.startswith(".") or not path.name.endswith((".nii", ".nii.gz")):
                continue
            relative = path.relative_to(source).as_posix()
            problem = _find_problem(path, patient_dir.name, session_id)
            if problem:
                found.rejections.append(Rejection(relative, *problem))
            else:
                scan_id = path.name.partition("_T1w.nii")[0]
                found.scans.append(Scan(path, relative, patient_dir.name, session_id, scan_id, at_session))


def _find_problem(path: Path, patient_id: str, session_id: str) -> tuple[str, str] | None:
    """The (reason, remedy) for which a file is left out by its name alone."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return "the name is not of the form sub-<label>[_ses-<label>][_key-<label>...]_T1w", "rename the file"
    if (match["patient"], match["session"] or "") != (patient_id, session_id):
        folder = "/".join(filter(None, (patient_id, session_id)))
        return f"the name contradicts its folder ({folder})", "rename or move it"
    if path.suffix == ".nii" and path.with_name(f"{path.name}.gz").exists():
        return f"{path.name}.gz is the same scan and is taken, as its checksum can be tested", "delete one of them"
    if not path.exists():
        return "a link to a file that is not here", "fetch it first, as by `datalad get` or `git annex get`"
    return None


def _note_gaps(source: Path, people: dict[str, Person], found: Found) -> None:
    if not (source / "dataset_description.json").is_file():
        found.notes.append("no dataset_description.json: the folder is taken for a BIDS tree by its sub-* folders")
    unlisted = {scan.patient_id for scan in found.scans} - set(people)
    if not people:
        found.notes.append("no participants.tsv: age, sex and diagnosis are unknown, and the split is not stratified")
    elif unlisted:
        found.notes.append(f"{len(unlisted)} patient(s) are not in participants.tsv, first {min(unlisted)}")
