"""ADNI's tables: ADNIMERGE, a row a visit, and the collection's CSV, a row an image."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from data_prep.person import parse_age, parse_cell, parse_sex
from data_prep.sources.tables import read_table

__all__ = [
    "ADNIMERGE_PATTERN",
    "CollectionRow",
    "Participant",
    "Visit",
    "find_collections",
    "parse_diagnosis",
    "read_adnimerge",
    "read_collections",
    "roster_id",
]

ADNIMERGE_PATTERN = r"ADNIMERGE(_\d{1,2}[A-Za-z]{3}\d{4})?"  # the newer ones carry the day of the download
_ADNIMERGE_COLUMNS = ("RID", "VISCODE", "EXAMDATE", "DX_bl", "AGE", "PTGENDER", "DX")
_COLLECTION_COLUMNS = ("Image Data ID", "Subject", "Group", "Sex", "Age")
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")  # of the original, and after a detour through a spreadsheet
_MAX_HEADER = 4096  # characters; another file's first line may be endless
_TESLA = re.compile(r"(\d+(?:\.\d+)?) *T", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Visit:
    """A row of ADNIMERGE: the day, the diagnosis on it, and the field strength of its scan in tesla."""

    day: date
    diagnosis: str = ""
    field_strength: str = ""


@dataclass
class Participant:
    """What ADNIMERGE says of a person.

    Attributes:
        sex: `M`, `F` or unknown.
        site: three digits as in a PTID, or empty.
        baseline_diagnosis: `CN`, `SMC`, `EMCI`, `LMCI`, `AD`, or empty.
        baseline_age: years at `baseline_day`.
        baseline_day: of the exam; None where the table has none.
        visits: in the order of time.
    """

    sex: str = ""
    site: str = ""
    baseline_diagnosis: str = ""
    baseline_age: float | None = None
    baseline_day: date | None = None
    visits: list[Visit] = field(default_factory=list)

    def nearest(self, day: date) -> Visit | None:
        """The visit nearest in days, the earlier of two that are as near."""
        return min(self.visits, key=lambda visit: (abs(visit.day - day), visit.day), default=None)


@dataclass(frozen=True)
class CollectionRow:
    """A row of a collection's CSV; age in years at the visit, group as at enrolment."""

    patient_id: str
    group: str
    sex: str
    age: float | None


def roster_id(patient_id: str) -> int:
    """RID, the number of a person throughout ADNI's tables.

    >>> roster_id("002_S_0295"), roster_id("941_S_10013")
    (295, 10013)
    """
    return int(patient_id.rpartition("_")[2])


def parse_diagnosis(cell: str | None) -> str:
    """A diagnosis as ADNI writes it today; older releases write changes, and `NL` for `CN`.

    >>> parse_diagnosis("Dementia"), parse_diagnosis("NL to MCI"), parse_diagnosis("NL"), parse_diagnosis("")
    ('Dementia', 'MCI', 'CN', '')
    """
    diagnosis = parse_cell(cell).rpartition(" to ")[2]
    return "CN" if diagnosis == "NL" else diagnosis


def read_adnimerge(path: Path, unread: list[str]) -> dict[int, Participant]:
    """Reads ADNIMERGE by RID.

    Args:
        path: of the table.
        unread: receives column and text of every number and date that cannot be read and so counts as unknown.

    Raises:
        InputError: the table cannot be read, or lacks a column.
    """
    rows: defaultdict[int, list[dict[str, str]]] = defaultdict(list)
    for row in read_table(path, _ADNIMERGE_COLUMNS):
        if row["RID"].isdecimal():
            rows[int(row["RID"])].append(row)
        else:
            unread.append(f"RID {row['RID']!r}")
    return {rid: _read_participant(members, unread) for rid, members in sorted(rows.items())}


def _read_participant(rows: list[dict[str, str]], unread: list[str]) -> Participant:
    days = [_read_day(row, "EXAMDATE", unread) for row in rows]
    first = next((index for index, row in enumerate(rows) if row["VISCODE"].lower() == "bl"), None)
    baseline = rows[0 if first is None else first]
    site = parse_cell(baseline.get("SITE"))
    return Participant(
        sex=parse_sex(baseline["PTGENDER"]),
        site=site.zfill(3) if site.isdecimal() else site,
        baseline_diagnosis=parse_cell(baseline["DX_bl"]),
        baseline_age=_read_age(baseline, "AGE", unread),
        baseline_day=None if first is None else days[first],
        visits=sorted(
            Visit(day, parse_diagnosis(row["DX"]), _parse_tesla(row.get("FLDSTRENG")))
            for day, row in zip(days, rows, strict=True)
            if day is not None
        ),
    )


def find_collections(folders: Iterable[Path]) -> list[Path]:
    """The collections' tables in some folders, known by their header, as a user names a collection freely."""
    paths = (path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.csv")))
    return [path for path in paths if path.is_file() and not path.name.startswith(".") and _is_collection(path)]


def _is_collection(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline(_MAX_HEADER)
    return set(_COLLECTION_COLUMNS) <= {name.strip(' "\n') for name in header.split(",")}


def read_collections(paths: Sequence[Path], unread: list[str]) -> dict[int, CollectionRow]:
    """Reads the CSV of one or several collections by the number of the image; the first that has one counts.

    Args:
        paths: of the tables.
        unread: as in `read_adnimerge`.

    Raises:
        InputError: a table cannot be read, or lacks a column.
    """
    images: dict[int, CollectionRow] = {}
    for path in paths:
        for row in read_table(path, _COLLECTION_COLUMNS):
            number = row["Image Data ID"].upper().removeprefix("I")
            if not number.isdecimal():
                unread.append(f"Image Data ID {row['Image Data ID']!r}")
                continue
            age = _read_age(row, "Age", unread)
            person = CollectionRow(row["Subject"], parse_cell(row["Group"]), parse_sex(row["Sex"]), age)
            images.setdefault(int(number), person)
    return images


def _read_day(row: dict[str, str], column: str, unread: list[str]) -> date | None:
    text = parse_cell(row[column])
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    if text:
        unread.append(f"{column} {text!r}")
    return None


def _read_age(row: dict[str, str], column: str, unread: list[str]) -> float | None:
    age = parse_age(row[column])
    if age is None and parse_cell(row[column]):
        unread.append(f"{column} {row[column]!r}")
    return age


def _parse_tesla(cell: str | None) -> str:
    """`3` of `3 Tesla MRI`; empty where nothing is known."""
    match = _TESLA.search(parse_cell(cell))
    return f"{float(match[1]):g}" if match else ""
