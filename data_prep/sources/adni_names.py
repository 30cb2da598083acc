"""What the names of a LONI download say: whose image it is, when it was taken, and what was done to it."""

import re
from dataclasses import dataclass

__all__ = [
    "IMAGE_ENDINGS",
    "LEVELS",
    "Series",
    "find_name_problem",
    "hide_times",
    "image_number",
    "is_image_folder",
    "is_patient",
    "parse_acquisition_date",
    "parse_series",
    "resembles_patient",
]

LEVELS = ("scaled", "n3m", "n3", "b1", "gradwarp", "original")
"""Preprocessing of a series, the most first: ADNI made each from the next, and the first is what most studies use."""

IMAGE_ENDINGS = (".nii.gz", ".nii", ".dcm")

_PATIENT = re.compile(r"\d{3}_S_\d{4,5}", re.ASCII)  # ADNI-4 has five digits
_RESEMBLES_PATIENT = re.compile(r"\d+_S_\d+.*", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})_\d{2}_\d{2}_\d{2}(\.\d+)?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}_\d{2}_\d{2}(\.\d+)?|(?<=_)\d{14,20}(?=_)", re.ASCII)
_IMAGE_FOLDER = re.compile(r"[IS]\d+", re.ASCII)  # S, the series, in older downloads
_FILE = re.compile(r"ADNI_(?P<patient>\d{3}_S_\d{4,5})_.*_S\d+_I(?P<image>\d+)\.(?:dcm|nii|nii\.gz)", re.ASCII)

_T1 = re.compile(r"MP[-_]?RAGE|SPGR|^MT1_|^MPR(-R)?_", re.IGNORECASE)  # MPR and MT1 are ADNI's processed series
_DERIVED = re.compile(r"mask|register|normali[sz]ed|segment|extract|strip|template|jacobian", re.IGNORECASE)
_LEVEL_MARKS = {"scaled": "scaled", "n3m": "n3m", "n3": "n3", "b1": "b1_correction", "gradwarp": "gradwarp"}
_ACCELERATED = re.compile(r"(accel\w*?(?=[-_]|$)|grappa|sense)[-_]?\d?|[-_][ps]2(?=[-_]|$)", re.IGNORECASE)
_REPEAT = re.compile(r"repeat|-R$|[-_]2$", re.IGNORECASE)
_UNCORRECTED = re.compile(r"[-_]ND$", re.IGNORECASE)  # Siemens: no distortion correction


@dataclass(frozen=True)
class Series:
    """What the name of a T1-weighted series says.

    Attributes:
        level: one of `LEVELS`.
        repeat: the second scan of a visit, made in case the first is bad.
        accelerated: by parallel imaging, so noisier; ADNI-2 made it beside a full scan, ADNI-3 instead of it.
        uncorrected: the scanner's own correction of gradient distortion is off.
    """

    level: str
    repeat: bool = False
    accelerated: bool = False
    uncorrected: bool = False


def parse_series(name: str) -> Series | None:
    """Reads the name of a series' folder; None for what is no T1-weighted head, such as PET, masks and localizers.

    >>> parse_series("MPR-R__GradWarp__B1_Correction__N3__Scaled_2")
    Series(level='scaled', repeat=True, accelerated=False, uncorrected=False)
    >>> parse_series("Accelerated_Sagittal_MPRAGE_ND")
    Series(level='original', repeat=False, accelerated=True, uncorrected=True)
    >>> parse_series("Double_TSE")
    """
    if not _T1.search(name) or _DERIVED.search(name):
        return None
    acquisition, _, processing = name.partition("__")
    level = next((level for level, mark in _LEVEL_MARKS.items() if mark in processing.lower()), "original")
    unhurried = _ACCELERATED.sub("", acquisition)  # the 2 of GRAPPA2 counts no repeats
    return Series(
        level=level,
        repeat=bool(_REPEAT.search(unhurried)),
        accelerated=unhurried != acquisition,
        uncorrected=bool(_UNCORRECTED.search(acquisition)),
    )


def is_patient(name: str) -> bool:
    """Whether a folder's name is a PTID, such as `002_S_0295`."""
    return bool(_PATIENT.fullmatch(name))


def resembles_patient(name: str) -> bool:
    """Whether a folder's name looks like a PTID that somebody changed, such as `002_S_295`."""
    return bool(_RESEMBLES_PATIENT.fullmatch(name)) and not is_patient(name)


def is_image_folder(name: str) -> bool:
    """Whether a folder's name is that of an image or, in older downloads, of a series: `I40966`, `S21856`."""
    return bool(_IMAGE_FOLDER.fullmatch(name))


def parse_acquisition_date(name: str) -> str | None:
    """The day, ISO, of a folder such as `2006-11-02_08_16_44.0`; None for any other name."""
    match = _DATE.fullmatch(name)
    return match[1] if match else None


def hide_times(path: str) -> str:
    """A path with `*` for the days and times in it, which can name a person; as a pattern it still finds the file.

    >>> hide_times("002_S_0295/MPRAGE/2006-11-02_08_16_44.0/I40966/ADNI_MPRAGE_Br_20070219173850420_S1_I40966.nii")
    '002_S_0295/MPRAGE/*/I40966/ADNI_MPRAGE_Br_*_S1_I40966.nii'
    """
    return _TIME.sub("*", path)


def image_number(name: str, folder: str) -> int | None:
    """ADNI's number of an image, from the name of its file or else of its folder; None where neither says it."""
    if match := _FILE.fullmatch(name):
        return int(match["image"])
    return int(folder[1:]) if folder.startswith("I") else None


def find_name_problem(name: str, folder: str, patient_id: str) -> tuple[str, str] | None:
    """The (reason, remedy) for which an image's file contradicts the folders it lies in.

    Args:
        name: of the file; one that a converter chose says nothing and so contradicts nothing.
        folder: of the image or series.
        patient_id: the folder of the patient.
    """
    match = _FILE.fullmatch(name)
    if match is None:
        return None
    if match["patient"] != patient_id:
        return f"the name says {match['patient']}, its folder {patient_id}", "unpack the download again"
    if folder.startswith("I") and int(folder[1:]) != int(match["image"]):
        return f"the name says image I{match['image']}, its folder {folder}", "unpack the download again"
    return None
