"""Age, sex and diagnosis of a session, from a row of an OASIS table or from a session's own text file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from data_prep.person import MAX_AGE, Person, parse_age, parse_cell, parse_sex
from monai_vq.errors import InputError

__all__ = ["CDR_SCORES", "People", "parse_cdr", "read_rows"]

CDR_SCORES = (0.0, 0.5, 1.0, 2.0, 3.0)
"""The Clinical Dementia Rating: 0 no dementia, 0.5 very mild, 1 mild, 2 moderate, 3 severe (Morris 1993)."""

HEALTHY = "CN"
_N_SHOWN = 3


@dataclass
class People:
    """What is known of the sessions.

    Attributes:
        demented: what a CDR above 0 is called in this study.
        sessions: by name, such as `OAS1_0001_MR1`.
        unread: text and place of every cell that counts as unknown.
    """

    demented: str
    sessions: dict[str, Person] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def add(self, session: str, cells: Mapping[str, str]) -> None:
        """Adds what the cells `AGE`, `M/F` and `CDR` say of a session; a blank CDR is unknown, not healthy."""
        age, cdr = parse_age(cells.get("AGE")), parse_cdr(cells.get("CDR"))
        for name, value in (("AGE", age), ("CDR", cdr)):
            cell = parse_cell(cells.get(name))
            if cell and value is None:
                self.unread.append(f"{name} {cell!r} of {session}")
        diagnosis = "" if cdr is None else self.demented if cdr else HEALTHY
        self.sessions[session] = Person(diagnosis, age, parse_sex(cells.get("M/F")))

    def describe(self, sessions: Iterable[str], table: str) -> list[str]:
        """Sentences on what table and folders do not share, and on what is unknown.

        Args:
            sessions: names of those in the folders.
            table: name of the table; empty where there is none.
        """
        scanned, listed = set(sessions), set(self.sessions)
        notes = []
        if table and scanned - listed:
            notes.append(f"{len(scanned - listed)} session(s) are not in {table}, first {min(scanned - listed)}")
        if table and listed - scanned:
            notes.append(f"{len(listed - scanned)} session(s) of {table} have no scan, first {min(listed - scanned)}")
        unknown = sum(not self.sessions.get(session, Person()).diagnosis for session in scanned)
        if unknown:
            notes.append(f"{unknown} of {len(scanned)} session(s) have no CDR: their diagnosis is unknown, not healthy")
        if self.unread:
            notes.append(
                f"{len(self.unread)} cell(s) are no age of 0 to {MAX_AGE}, no CDR or of another session, and count as "
                f"unknown, first {', '.join(self.unread[:_N_SHOWN])}"
            )
        return notes


def parse_cdr(cell: str | None) -> float | None:
    """The Clinical Dementia Rating of a cell; None where it is blank or no score.

    >>> parse_cdr("0.5"), parse_cdr("0"), parse_cdr(""), parse_cdr("4")
    (0.5, 0.0, None, None)
    """
    try:
        score = float(parse_cell(cell))
    except ValueError:
        return None
    return score if score in CDR_SCORES else None


def read_rows(people: People, rows: Iterable[Mapping[str, str]], key: str, table: str) -> None:
    """Adds the rows of a table.

    Args:
        people: receives them.
        rows: of `read_table`.
        key: column with the session's name.
        table: its name, for the error.

    Raises:
        InputError: a session has two rows.
    """
    for row in rows:
        session = row[key]
        if session in people.sessions:
            raise InputError(f"{table} has {session} twice; keep one of the rows")
        if session:
            people.add(session, {column.upper(): cell for column, cell in row.items()})
