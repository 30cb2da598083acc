"""The tables of a BIDS dataset: `participants.tsv` and `sub-<label>_sessions.tsv`."""

import csv
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path

from monai_vq.errors import InputError

__all__ = ["Person", "read_participants", "read_sessions"]

MISSING = {"", "n/a", "na", "nan"}
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


def read_participants(source: Path) -> dict[str, Person]:
    """Reads `participants.tsv`; empty where there is none.

    Raises:
        InputError: the table is not UTF-8, lacks `participant_id`, has a participant twice, or an age is no number.
    """
    return _read_table(source / "participants.tsv", "participant_id", "sub-")


def read_sessions(patient_dir: Path) -> dict[str, Person]:
    """Reads `sub-<label>_sessions.tsv` of a patient's folder; empty where there is none.

    Raises:
        InputError: as `read_participants`, about `session_id`.
    """
    return _read_table(patient_dir / f"{patient_dir.name}_sessions.tsv", "session_id", "ses-")


def _read_table(path: Path, key: str, prefix: str) -> dict[str, Person]:
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
        table[name] = _read_person(row, f"{path}, {name}")
    return table


def _read_person(row: dict[str, str], where: str) -> Person:
    sex = _find_cell(row, "sex")
    return Person(_find_cell(row, "diagnosis"), _read_age(_find_cell(row, "age"), where), _SEXES.get(sex.lower(), sex))


def _find_cell(row: dict[str, str], column: str) -> str:
    lower = {(name or "").strip().lower(): cell for name, cell in row.items() if isinstance(cell, str)}
    for name in _COLUMNS[column]:
        cell = lower.get(name, "").strip()
        if cell.lower() not in MISSING:
            return cell
    return ""


def _read_age(cell: str, where: str) -> float | None:
    if not cell:
        return None
    try:
        age = float(cell.removesuffix("+"))  # "89+" was BIDS' own way to cap ages
    except ValueError:
        age = math.nan
    if not 0 <= age <= 130:
        raise InputError(f"{where}: age {cell!r}, expected years between 0 and 130, or n/a")
    return age
