"""What the names of an OASIS-3 download say: whose session it is, on which day, and which image is T1-weighted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "SessionName",
    "find_images",
    "find_name_problem",
    "is_t1w",
    "name_scan",
    "parse_session",
    "resembles_session",
]

_SESSION = re.compile(r"(?P<patient>OAS3\d{4})_(?P<modality>[A-Za-z0-9]+)_(?P<session>d\d{4})", re.ASCII)
_RESEMBLES_SESSION = re.compile(r"OAS3\d+.*MR.*", re.ASCII | re.IGNORECASE)
_T1W = re.compile(  # both spellings of the session occur
    r"sub-(?P<patient>OAS3\d{4})_sess?-(?P<session>d\d{4})(?:_[A-Za-z]+-[A-Za-z0-9]+)*_T1w\.nii(?:\.gz)?",
    re.ASCII,
)
_ENDINGS = (".nii", ".nii.gz")


@dataclass(frozen=True)
class SessionName:
    """What the name of a session's folder says.

    Attributes:
        patient_id: `OAS3nnnn`.
        modality: `MR`, or the tracer of a PET session.
        session_id: `d` and the days since the participant's entry, four digits.
    """

    patient_id: str
    modality: str
    session_id: str

    @property
    def day(self) -> int:
        """Days since the participant's entry."""
        return int(self.session_id.removeprefix("d"))


def parse_session(name: str) -> SessionName | None:
    """Reads the name of a session's folder; None for any other folder.

    >>> parse_session("OAS30001_MR_d0757")
    SessionName(patient_id='OAS30001', modality='MR', session_id='d0757')
    >>> parse_session("anat1")
    """
    match = _SESSION.fullmatch(name)
    return SessionName(match["patient"], match["modality"], match["session"]) if match else None


def resembles_session(name: str) -> bool:
    """Whether a folder's name looks like that of an MR session which somebody changed, such as `OAS30001_MR_757`."""
    return bool(_RESEMBLES_SESSION.fullmatch(name)) and parse_session(name) is None


def find_images(folder: Path) -> Iterator[Path]:
    """All NIfTI images of a session, in `anat1/` as in `anat1/NIFTI/`; sorted, the compressed of two twins first."""
    paths = (path for path in folder.rglob("*.nii*") if path.name.endswith(_ENDINGS) and not path.name.startswith("."))
    yield from sorted(paths, key=lambda path: (path.name.endswith(".nii"), path))  # a gzip stream has a checksum


def is_t1w(name: str) -> bool:
    """Whether an image is meant as T1-weighted: T2w, FLAIR, swi, angio, dwi, bold ... lie beside it."""
    return "t1w" in name.lower()


def find_name_problem(path: Path, session: SessionName) -> tuple[str, str] | None:
    """The (reason, remedy) for which a T1-weighted image is left out by its name alone.

    Args:
        path: of an image that `is_t1w`.
        session: that of the folder that holds it.
    """
    match = _T1W.fullmatch(path.name)
    if match is None:
        return "the name is not of the form sub-<id>_ses-<day>[_key-<label>...]_T1w.nii.gz", "rename or move the file"
    if (match["patient"], match["session"]) != (session.patient_id, session.session_id):
        return f"the name contradicts its folder, a session of {session.patient_id}", "rename or move it"
    if not path.exists():
        return "a link to a file that is not here", "fetch it first"
    return None


def name_scan(name: str) -> str:
    """Scan id of a T1-weighted image without a `find_name_problem`.

    >>> name_scan("sub-OAS30001_sess-d0757_run-01_T1w.nii.gz")
    'OAS30001_d0757_run-01'
    """
    return re.sub("_sess?-", "_", name.partition("_T1w.nii")[0].removeprefix("sub-"), count=1)
