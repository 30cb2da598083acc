"""Which names of a BIDS tree are T1-weighted scans, and what is wrong with those that only look like one."""

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["find_folder_problem", "find_name_problem", "find_t1w_files", "is_label_folder"]

_T1W = re.compile(r"(?P<stem>[^.].*_t1w)(?P<ending>[^.]*(?:\..*)?)", re.IGNORECASE)  # no hidden file
_ENDINGS = (".nii.gz", ".nii")
_SIDECAR, _HEADER, _IMAGE = ".json", ".hdr", ".img"
_NAME = re.compile(  # entities are key-label pairs with alphanumeric labels; sub comes first, ses second
    r"(?P<patient>sub-[A-Za-z0-9]+)(?:_(?P<session>ses-[A-Za-z0-9]+))?(?:_[a-z]+-[A-Za-z0-9]+)*_T1w\.nii(?:\.gz)?"
)
_PART = re.compile(r"_part-(phase|real|imag)_")


def is_label_folder(path: Path, prefix: str) -> bool:
    """Whether a folder is meant as that of a subject (prefix `sub-`) or session (`ses-`), however it is spelt."""
    return path.name.lower().startswith(prefix) and path.is_dir()


def find_folder_problem(name: str, prefix: str) -> tuple[str, str] | None:
    """The (reason, remedy) for which a subject's or session's folder is left out with all it holds.

    >>> find_folder_problem("sub-CC02", "sub-")
    >>> find_folder_problem("sub-CC_02", "sub-")
    ("the label 'CC_02' must be letters and digits", 'rename it and its files, as to sub-CC02')
    >>> find_folder_problem("SES-01", "ses-")
    ('the name must begin with ses- in small letters', 'rename it and its files, as to ses-01')
    """
    label = name[len(prefix) :]
    plain = "".join(re.findall("[A-Za-z0-9]", label)) or "01"
    remedy = f"rename it and its files, as to {prefix}{plain}"
    if plain != label:
        return f"the label {label!r} must be letters and digits", remedy
    if not name.startswith(prefix):
        return f"the name must begin with {prefix} in small letters", remedy
    return None


def find_t1w_files(folder: Path) -> Iterator[Path]:
    """Everything in an `anat` folder that is meant as a T1-weighted image, sorted; the first of an .img/.hdr pair."""
    names = {path.name.lower() for path in folder.glob("*")}
    for path in sorted(folder.glob("*")):
        match = _T1W.fullmatch(path.name)
        if match is None or path.suffix.lower() == _SIDECAR:
            continue
        if _HEADER in match["ending"].lower() and path.name.lower().replace(_HEADER, _IMAGE) in names:
            continue
        yield path


def find_name_problem(path: Path, patient_id: str, session_id: str) -> tuple[str, str] | None:
    """The (reason, remedy) for which an image is left out by its name alone.

    Args:
        path: one of `find_t1w_files`.
        patient_id: of the folder that holds it.
        session_id: of the folder that holds it; may be empty.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        return _find_form_problem(path.name)
    if (match["patient"], match["session"] or "") != (patient_id, session_id):
        folder = "/".join(filter(None, (patient_id, session_id)))
        return f"the name contradicts its folder ({folder})", "rename or move it"
    if part := _PART.search(path.name):
        return f"the {part[1]} part of a complex image, expected its magnitude", "nothing is to do if part-mag is there"
    if path.suffix == ".nii" and path.with_name(f"{path.name}.gz").exists():
        return f"{path.name}.gz is the same scan and is taken, as its checksum can be tested", "delete one of them"
    if not path.exists():
        return "a link to a file that is not here", "fetch it first, as by `datalad get` or `git annex get`"
    return None


def _find_form_problem(name: str) -> tuple[str, str]:
    if name.endswith(tuple(f"_T1w{ending}" for ending in _ENDINGS)):
        return "the name is not of the form sub-<label>[_ses-<label>][_key-<label>...]_T1w", "rename the file"
    if name.lower().endswith(_ENDINGS):
        return "the name does not end in _T1w.nii or _T1w.nii.gz, spelt so", "rename the file if it is a raw scan"
    return "the format is not NIfTI in one file (_T1w.nii or _T1w.nii.gz)", "convert it, as by dcm2niix or nibabel"
