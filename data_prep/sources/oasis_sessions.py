"""The session folders of an OASIS-1 or OASIS-2 download, wherever its archives were unpacked, and their image pairs."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.rejections import Rejection
from monai_vq.errors import InputError

__all__ = ["OVERLAP", "Sessions", "find_pair_problem", "find_pairs", "find_sessions", "pair_files", "split_session"]

OVERLAP = "OASIS-1, -2 and -3 number overlapping groups of people anew: do not pool them as if nobody were in two"
_ARCHIVE_LEVELS = 2  # disc1/ alone, or in a folder named after its archive
_N_SHOWN = 5
_PAIR = (".hdr", ".img")


@dataclass
class Sessions:
    """Where the sessions are.

    Attributes:
        folders: of each session by its name, such as `OAS1_0001_MR1`; several if it was unpacked in several places.
        parents: the source and the folders in it that are no session, where tables may lie.
        misnamed: folders that look like a session's and are not named like one.
    """

    folders: dict[str, list[Path]] = field(default_factory=dict)
    parents: list[Path] = field(default_factory=list)
    misnamed: list[Rejection] = field(default_factory=list)


def find_sessions(source: Path, study: str, remedy: str) -> Sessions:
    """Finds `<study>_XXXX_MRn` in the source or up to two levels below it.

    Args:
        source: the unpacked download.
        study: `OAS1` or `OAS2`.
        remedy: what to give instead of a folder without sessions.

    Raises:
        InputError: there is no such folder, or no session in it.
    """
    if not source.is_dir():
        raise InputError(f"no folder {source}; {remedy}")
    sessions, level = Sessions(), [source]
    for _ in range(1 + _ARCHIVE_LEVELS):
        sessions.parents += level
        children = [child for folder in level for child in _list_folders(folder)]
        level = [child for child in children if not _take(child, study, source, sessions)]
    if not sessions.folders:
        shown = ", ".join(sorted(path.name for path in source.iterdir())[:_N_SHOWN]) or "nothing"
        raise InputError(f"no folder {study}_XXXX_MRn in {source}, which holds {shown}; {remedy}")
    if any(folder.parent == source for folders in sessions.folders.values() for folder in folders):
        sessions.parents.append(source.resolve().parent)  # the source is one disc, its table may lie beside it
    return sessions


def split_session(name: str) -> tuple[str, str]:
    """The patient's and the session's id.

    >>> split_session("OAS1_0061_MR2")
    ('OAS1_0061', 'MR2')
    """
    patient_id, _, session_id = name.rpartition("_")
    return patient_id, session_id


def find_pairs(folder: Path) -> list[Path]:
    """The pairs of `.hdr` and `.img` in a folder as paths without suffix, sorted; one half counts, hidden files do not.

    Empty where there is no such folder.
    """
    paths = folder.iterdir() if folder.is_dir() else ()
    stems = {path.name[: -len(path.suffix)] for path in paths if path.suffix in _PAIR and not path.name.startswith(".")}
    return [folder / stem for stem in sorted(stems)]


def pair_files(stem: Path) -> tuple[Path, Path]:
    """Header and image of a pair; `with_suffix` would cut `mpr-1.nifti` short."""
    header, image = (stem.with_name(stem.name + suffix) for suffix in _PAIR)
    return header, image


def find_pair_problem(stem: Path) -> tuple[str, str] | None:
    """The (reason, remedy) for which a pair cannot be read, by its names alone."""
    missing = [path.name for path in pair_files(stem) if not path.is_file()]
    return (f"{missing[0]} is missing", "unpack the archive again, .hdr and .img belong together") if missing else None


def _list_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _take(folder: Path, study: str, source: Path, sessions: Sessions) -> bool:
    """Lists a folder that is, or looks like, a session's; False for any other."""
    if re.fullmatch(rf"{study}_\d{{4}}_MR\d", folder.name):
        sessions.folders.setdefault(folder.name, []).append(folder)
        return True
    if re.match(rf"{study}_\d", folder.name):
        reason = f"the folder's name is not of the form {study}_XXXX_MRn"
        sessions.misnamed.append(Rejection(folder.relative_to(source).as_posix(), reason, "give it its original name"))
        return True
    return False
