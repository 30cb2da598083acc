"""Who was scanned in OASIS-2: the demographics, a row a visit."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from data_prep.sources.oasis_people import People, parse_cdr, read_rows
from data_prep.sources.oasis_sessions import split_session
from data_prep.sources.tables import find_table, read_table

__all__ = ["DEMENTED", "read_oasis2_people"]

DEMENTED = "Dementia"  # not AD: that is said of 51 of the 64 who were demented from the first visit on
_PATTERNS = (
    r"oasis_longitudinal",
    r"oasis_longitudinal_demographics",
    r"oasis_longitudinal(_demographics)?-[0-9a-f]+",
)
_COLUMNS = ("MRI ID", "Group", "M/F", "Age", "CDR")
_STABLE = {"Nondemented": False, "Demented": True}  # "Converted" has visits of both kinds


def read_oasis2_people(
    table: Path | None, parents: Sequence[Path], sessions: Collection[str]
) -> tuple[People, list[str]]:
    """Reads the demographics.

    The diagnosis is of the visit: CDR 0 is `CN`, above 0 `Dementia`, blank is unknown. The column Group is of the
    person over all visits, `Converted` among them, and not a diagnosis of a scan; it is only compared.

    Args:
        table: the table; None looks for one by its name, plain before hashed, csv before xlsx.
        parents: folders to look in, in this order.
        sessions: names of the visits in the folders, such as `OAS2_0001_MR1`.

    Returns:
        The people by session, and sentences for the user.

    Raises:
        InputError: a table cannot be read, lacks a column or has a visit twice, or several fit.
    """
    people = People(DEMENTED)
    for pattern in _PATTERNS:
        table = table or find_table(parents, pattern)
    if table is None:
        missing = "no table oasis_longitudinal*.csv or .xlsx (name one by --table): age, sex and diagnosis are unknown"
        return people, [missing]
    rows = read_table(table, _COLUMNS)
    read_rows(people, rows, "MRI ID", table.name)
    notes = people.describe(sessions, table.name)
    return people, [*notes, *_note_groups(rows), *_note_order(rows)]


def _note_groups(rows: Sequence[Mapping[str, str]]) -> list[str]:
    contrary = []
    for row in rows:
        demented, cdr = _STABLE.get(row["Group"]), parse_cdr(row["CDR"])
        if demented is not None and cdr is not None and demented != bool(cdr):
            contrary.append(f"{row['MRI ID']} ({row['Group']}, CDR {cdr:g})")
    if not contrary:
        return []
    return [f"{len(contrary)} visit(s) have a CDR contrary to their Group; the CDR is taken, first {contrary[0]}"]


def _note_order(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Sessions are sorted by their number; MR Delay, the days since the first visit, should agree."""
    visits = sorted((row["MRI ID"], row.get("MR Delay", "")) for row in rows)
    for (first, before), (second, after) in pairwise(visits):
        same_patient = split_session(first)[0] == split_session(second)[0]
        if same_patient and before.isdigit() and after.isdigit() and int(after) < int(before):
            return [f"MR Delay of {second} ({after} days) is below that of {first} ({before}): visits are out of order"]
    return []
