"""The tables of a BIDS dataset: `participants.tsv` and `sub-<label>_sessions.tsv`."""

import csv
import io
from pathlib import Path

from data_prep.person import MISSING, Person, parse_age, parse_sex
from monai_vq.errors import InputError

__all__ = ["read_participants", "read_sessions"]

_COLUMNS = {  # ours: the names under which datasets publish it, in order of preference
    "age": ("age",),
    "sex": ("sex", "gender"),
    "diagnosis": ("diagnosis", "dx", "group"),
    "site": ("site",),
}


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
    try:
        columns, rows = reader.fieldnames or (), list(reader)
    except csv.Error as error:  # a quote that is never closed makes one cell of all that follows
        raise InputError(
            f"{path}, line {reader.line_num + 1}: {error}; look for a quotation mark without its twin there, and save "
            "the table again as TSV"
        ) from error
    if key not in columns:
        raise InputError(f"{path} has the columns {list(columns)}, expected {key} among them, separated by tabs")
    table: dict[str, Person] = {}
    for row in rows:
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
    return Person(
        diagnosis=_find_cell(row, "diagnosis"),
        age=parse_age(_find_cell(row, "age")),
        sex=parse_sex(_find_cell(row, "sex")),
        site=_find_cell(row, "site"),
    )


def _find_cell(row: dict[str, str], column: str) -> str:
    lower = {(name or "").strip().lower(): cell for name, cell in row.items() if isinstance(cell, str)}
    for name in _COLUMNS[column]:
        cell = lower.get(name, "").strip()
        if cell.lower() not in MISSING:
            return cell
    return ""
