"""Who was scanned in OASIS-1: the table of the download, or the text file of each session."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_prep.sources.oasis_people import People, read_rows
from data_prep.sources.tables import find_table, read_table

__all__ = ["DEMENTED", "read_oasis1_people"]

DEMENTED = "AD"  # all of OASIS-1 with a CDR above 0 were "clinically diagnosed with ... Alzheimer's disease"
_PATTERNS = (r"oasis_cross-sectional", r"oasis_cross-sectional-[0-9a-f]+")  # not "...-reliability-<hash>"
_COLUMNS = ("ID", "M/F", "Age", "CDR")
_LINE = re.compile(r"^[ \t]*([A-Za-z/ ]+?)[ \t]*:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)  # AGE:          74
_MAX_TEXT_BYTES = 1 << 20


def read_oasis1_people(
    table: Path | None, parents: Sequence[Path], folders: Mapping[str, Path]
) -> tuple[People, list[str]]:
    """Reads the table; for sessions that it does not list, or without one, the sessions' own text files.

    The CDR becomes the diagnosis: 0 is `CN`, above 0 is `AD`, blank, as of all the young, is unknown.

    Args:
        table: the table; None looks for one by its name, plain before hashed, csv before xlsx.
        parents: folders to look in, in this order.
        folders: of each session by its name.

    Returns:
        The people by session, and sentences for the user.

    Raises:
        InputError: a table cannot be read, lacks a column or has a session twice, or several fit.
    """
    people = People(DEMENTED)
    for pattern in _PATTERNS:
        table = table or find_table(parents, pattern)
    if table is not None:
        read_rows(people, read_table(table, _COLUMNS), "ID", table.name)
    listed = set(people.sessions)
    for session, folder in folders.items():
        if session not in listed:
            _read_session_text(people, session, folder)
    from_text = len(people.sessions) - len(listed)
    notes = people.describe(folders, table.name if table else "")
    if table is None:
        notes.append(
            "no table oasis_cross-sectional.csv or .xlsx (name one by --table): age, sex and CDR are those of the "
            f"text files of {from_text} session(s)"
        )
    return people, notes


def _read_session_text(people: People, session: str, folder: Path) -> None:
    """Adds what `<session>.txt` says, if it is there and is of this session."""
    path = folder / f"{session}.txt"
    if not path.is_file() or path.stat().st_size > _MAX_TEXT_BYTES:
        return
    cells: dict[str, str] = {}
    for name, value in _LINE.findall(path.read_text(encoding="utf-8", errors="replace")):
        cells.setdefault(name.upper(), value)  # what follows on the acquisitions may use the same words
    if cells.get("SESSION ID", session) == session:
        people.add(session, cells)
    else:
        people.unread.append(f"SESSION ID {cells['SESSION ID']!r} of {session}")
