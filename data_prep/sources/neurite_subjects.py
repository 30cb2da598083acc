"""`subjects.txt` of neurite-oasis: its subjects in order, by which Learn2Reg numbers its images."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from monai_vq.errors import InputError

__all__ = ["describe_missing", "read_subjects"]

_SUBJECT = re.compile(r"(?:OASIS_)?(OAS1_\d{4}_MR\d)(?:/.*)?", re.ASCII)
_MAX_BYTES = 1 << 20
_N_SHOWN = 20


def read_subjects(path: Path) -> list[str]:
    """Reads the sessions in order, a line each, such as `OAS1_0001_MR1` of the line `OASIS_OAS1_0001_MR1`.

    Raises:
        InputError: the file is missing, a line names no session of OASIS-1, or one is named twice.
    """
    if not path.is_file():
        raise InputError(f"no file {path}; give the subjects.txt that lies beside the folders of neurite-oasis")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(f"{path.name} has {path.stat().st_size} bytes, expected at most {_MAX_BYTES}")
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    subjects: list[str] = []
    for number, line in enumerate(lines, start=1):
        match = _SUBJECT.fullmatch(line.strip())
        if match is None:
            raise InputError(f"{path.name}, line {number}: {line.strip()!r}, expected one as OASIS_OAS1_0001_MR1")
        subjects.append(match[1])
    twice = sorted({subject for subject in subjects if subjects.count(subject) > 1})
    if twice or not subjects:
        raise InputError(f"{path.name} names {', '.join(twice) + ' twice' if twice else 'nobody'}; download it again")
    return subjects


def describe_missing(listed: Collection[str], found: Collection[str], name: str) -> Iterator[str]:
    """Sentences on what the list and the folders do not share.

    Args:
        listed: sessions of the list.
        found: sessions of the folders.
        name: of the list.
    """
    for sessions, text in (
        (set(listed) - set(found), f"of the {len(listed)} subjects of {name} have no folder here"),
        (set(found) - set(listed), f"folders are not in {name}, which lists {len(listed)} subjects"),
    ):
        if sessions:
            shown = ", ".join(sorted(sessions)[:_N_SHOWN])
            yield f"{len(sessions)} {text}: {shown}{', ...' if len(sessions) > _N_SHOWN else ''}"
