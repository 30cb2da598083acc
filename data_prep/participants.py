"""The tables of a BIDS dataset: `participants.tsv` and `sub-<label>_sessions.tsv`."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

from monai_vq.errors import InputError

__all__ = ["MAX_AGE", "Person", "read_participants", "read_sessions"]

MISSING = {"", "n/a", "na", "nan"}
MAX_AGE = 130  # years; beyond are codes such as 999, and days
_COLUMNS = {  # ours: the names under which datasets publish it, in order of preference
    "age": ("age",),
    "sex": ("sex", "gender"),
    "diagnosis": ("diagnosis", "dx", "group"),
}
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}


@dataclass(frozen=True)
class Person:
    """What a table knows of a participant or a session; unknown is empty or None."""

    diagnosis: str = ""
    age: float | None = None
    sex: str = ""

    def updated(self, newer: "Person") -> "Person":
        """The values of `newer` where it has any."""
        known = {name: value for name, value in vars(newer).items() if value not in ("", None)}
        return replace(self, **known)


def read_participants(source: Path, unread_ages: list[str]) -> dict[str, Person]:
    """Reads `participants.tsv`; empty where there is none.

    Args:
        source: root of the BIDS tree.
        unread_ages: receives the place and text of every age that is no number of years and so counts as unknown.

    Raises:
        InputError: the table is not UTF-8, lacks `participant_id`, or has a participant twice.
    """
    return _read_table(source / "participants.tsv", "participant_id", "sub-", unread_ages)


def read_sessions(patient_dir: Path, unread_ages: list[str]) -> dict[str, Person]:
    """Reads `sub-<label>_sessions.tsv` of a patient's folder; empty where there is none.

    Args:
        patient_dir: the patient's folder.
        unread_ages: as in `read_participants`.

    Raises:
        InputError: as `read_participants`, about `session_id`.
    """
    return _read_table(patient_dir / f"{patient_dir.name}_sessions.tsv", "session_id", "ses-", unread_ages)


def _read_table(path: Path, key: str, prefix: str, unread_ages: list[str]) -> dict[str, Person]:
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # Excel writes a byte-order mark, which would rename column 1
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text), delimiter="\t")
    if key not in (reader.fieldnames or ()):
        raise InputError(f"{path} has the columns {reader.fieldnames}, expected {key} among them, separated by tabs")
    table: dict[str, Person] = {}
    for row in reader:
        if not (row[key] or "").strip():
            continue  # spreadsheets leave blank lines
        name = prefix + row[key].strip().removeprefix(prefix)
        if name in table:
            raise InputError(f"{path} has {name} twice; keep one of the rows")
        table[name] = _read_person(row)
        cell = _find_cell(row, "age")
        if cell and table[name].age is None:
            unread_ages.append(f"{cell!r} of {name} in {path.name}")
    return table


def _read_person(row: dict[str, str]) -> Person:
    sex = _find_cell(row, "sex")
    return Person(_find_cell(row, "diagnosis"), _read_age(_find_cell(row, "age")), _SEXES.get(sex.lower(), sex))


def _find_cell(row: dict[str, str], column: str) -> str:
    lower = {(name or "").strip().lower(): cell for name, cell in row.items() if isinstance(cell, str)}
    for name in _COLUMNS[column]:
        cell = lower.get(name, "").strip()
        if cell.lower() not in MISSING:
            return cell
    return ""


def _read_age(cell: str) -> float | None:
    """Years; None where the cell is empty or no age, as nothing but the tables of counts depends on it."""
    try:
        age = float(cell.removesuffix("+"))  # "89+" was BIDS' own way to cap ages
    except ValueError:
        return None
    return age if 0 <= age <= MAX_AGE else None
