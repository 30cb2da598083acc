"""OASIS-3's tables: demographics, a row a person; UDSb4_cdr, a row a clinical visit; MR_json, a row an image."""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.person import Person, parse_age, parse_cell, parse_sex
from data_prep.sources.oasis3_names import SessionName
from data_prep.sources.scan import Scan
from data_prep.sources.tables import find_table, read_table

__all__ = ["MAX_DAYS", "Participant", "Tables", "Visit", "parse_diagnosis", "read_sidecar", "read_tables"]

MAX_DAYS = 365
"""Between a scan and the visit that gives its diagnosis; visits are yearly, and OASIS' own scripts match within it."""

# A download may add a hash or " (1)" to a name.
_DEMOGRAPHICS, _CDR, _MR_JSON = (rf"OASIS3_{name}\b.*" for name in ("demographics", "UDSb4_cdr", "MR_json"))
_DAYS_PER_YEAR = 365.25
_SEXES = {"1": "M", "2": "F"}
_NOT_GIVEN = "."  # how the diagnosis columns write a missing value
_NORMAL = "cognitively normal"
_ALZHEIMER = re.compile(r"AD dem(entia)?( w/.*)?", re.IGNORECASE)  # not "cannot be primary", not "AD dem/FLD"
_MAX_SIDECAR_BYTES = 1 << 20
_TESLA = (0.1, 15.0)


@dataclass(frozen=True, order=True)
class Visit:
    """A clinical visit: days since entry, and its diagnosis, not empty."""

    day: int
    diagnosis: str


@dataclass(frozen=True)
class Participant:
    """Age in years at entry, and sex."""

    entry_age: float | None
    sex: str


@dataclass
class Tables:
    """What the tables that were found say.

    Attributes:
        participants: by OASISID; empty without demographics.
        visits: with a diagnosis, by OASISID; None without the CDR table.
        field_strengths: tesla, by session folder, where all images of a session have one.
        unread: column and text of every number that cannot be read and so counts as unknown.
    """

    participants: dict[str, Participant] = field(default_factory=dict)
    visits: dict[str, list[Visit]] | None = None
    field_strengths: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def person(self, session: SessionName, folder: str) -> Person:
        """Whom the tables see at an MR session.

        The diagnosis is that of the visit nearest in days which has one, the earlier of two that are as near, and
        unknown if none is within `MAX_DAYS`. The age is that at entry plus the days since.
        """
        participant = self.participants.get(session.patient_id, Participant(None, ""))
        age = participant.entry_age
        return Person(
            diagnosis=self._nearest_diagnosis(session),
            age=None if age is None else round(age + session.day / _DAYS_PER_YEAR, 2),
            sex=participant.sex,
            field_strength=self.field_strengths.get(folder, ""),
        )

    def _nearest_diagnosis(self, session: SessionName) -> str:
        visits = (self.visits or {}).get(session.patient_id, [])
        near = [visit for visit in visits if abs(visit.day - session.day) <= MAX_DAYS]
        nearest = min(near, key=lambda visit: (abs(visit.day - session.day), visit), default=None)
        return nearest.diagnosis if nearest else ""

    def describe_gaps(self, scans: Sequence[Scan]) -> Iterator[str]:
        """Sentences on what the tables do not know of the scans that were found, and the other way round."""
        patients = {scan.patient_id for scan in scans}
        if not self.participants:
            yield "no OASIS3_demographics table: age and sex are unknown; give its folder by --tables"
        elif patients - set(self.participants):
            yield f"{_count(patients - set(self.participants))} are not in OASIS3_demographics"
        if set(self.participants) - patients:
            yield f"{_count(set(self.participants) - patients)} of OASIS3_demographics have no scan here"
        undiagnosed = {f"{scan.patient_id}_{scan.session_id}" for scan in scans if not scan.person.diagnosis}
        if self.visits is None:
            yield "no OASIS3_UDSb4_cdr table: the diagnosis is unknown; give its folder by --tables"
        elif undiagnosed:
            yield (
                f"{len(undiagnosed)} session(s) have no visit with a diagnosis within {MAX_DAYS} days and so an "
                f"unknown one, first {min(undiagnosed)}"
            )
        if self.unread:
            yield f"{len(self.unread)} table cell(s) are no numbers and count as unknown, first {self.unread[0]}"


def _count(patients: Collection[str]) -> str:
    return f"{len(patients)} patient(s), first {min(patients)},"


def read_tables(folders: Sequence[Path]) -> Tables:
    """Reads those of the three tables that lie in some folders.

    Raises:
        InputError: a folder holds two of a kind, or a table cannot be read or lacks a column.
    """
    tables = Tables()
    if path := find_table(folders, _DEMOGRAPHICS):
        tables.participants = _read_demographics(path, tables.unread)
    if path := find_table(folders, _CDR):
        tables.visits = _read_visits(path, tables.unread)
    if path := find_table(folders, _MR_JSON):
        tables.field_strengths = _read_field_strengths(path)
    return tables


def parse_diagnosis(cdr: str | None, dx1: str | None) -> str:
    """The diagnosis of a visit from its global CDR and its first clinical diagnosis, as far as both agree.

    `CN` is a cognitively normal person of CDR 0, `AD` Alzheimer's dementia of CDR 0.5 or more; a missing one of the
    two is taken to agree, but a CDR alone only if it is 0, as other diseases raise it too. Any other diagnosis stays
    as the table has it, with the CDR where that contradicts it.

    >>> parse_diagnosis("0", "Cognitively normal"), parse_diagnosis("0.5", "AD Dementia"), parse_diagnosis("0", "")
    ('CN', 'AD', 'CN')
    >>> parse_diagnosis("0.5", "uncertain dementia"), parse_diagnosis("0.5", "."), parse_diagnosis("", "")
    ('uncertain dementia', 'CDR 0.5', '')
    >>> parse_diagnosis("0.5", "Cognitively normal")
    'Cognitively normal, CDR 0.5'
    """
    diagnosis = parse_cell(dx1) if parse_cell(dx1) != _NOT_GIVEN else ""
    score = _parse_number(cdr)
    normal, demented = diagnosis.lower() == _NORMAL, bool(_ALZHEIMER.fullmatch(diagnosis))
    if (normal and not score) or (not diagnosis and score == 0):
        return "CN"
    if demented and score != 0:
        return "AD"
    contradicting = f"CDR {score:g}" if score is not None and (normal or demented or not diagnosis) else ""
    return ", ".join(filter(None, (diagnosis, contradicting)))


def read_sidecar(image: Path) -> str:
    """Field strength in tesla from the JSON beside an image, or in the `BIDS` folder beside its own; nothing else.

    Empty where there is no such file, or it says nothing that can be a field strength.
    """
    name = f"{image.name.partition('.nii')[0]}.json"
    for path in (image.with_name(name), image.parent.parent / "BIDS" / name):
        if path.is_file() and path.stat().st_size <= _MAX_SIDECAR_BYTES:
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except (ValueError, OSError, RecursionError):
                return ""  # the image is none the worse for it
            return _format_tesla(str(content.get("MagneticFieldStrength"))) if isinstance(content, dict) else ""
    return ""


def _read_demographics(path: Path, unread: list[str]) -> dict[str, Participant]:
    participants = {}
    for row in read_table(path, ("OASISID", "AgeatEntry", "GENDER")):
        age = parse_age(row["AgeatEntry"])
        if age is None and parse_cell(row["AgeatEntry"]):
            unread.append(f"AgeatEntry {row['AgeatEntry']!r}")
        sex = parse_cell(row["GENDER"])
        participants[row["OASISID"]] = Participant(age, _SEXES.get(sex, parse_sex(sex)))
    return participants


def _read_visits(path: Path, unread: list[str]) -> dict[str, list[Visit]]:
    visits: defaultdict[str, list[Visit]] = defaultdict(list)
    for row in read_table(path, ("OASISID", "days_to_visit", "CDRTOT", "dx1")):
        diagnosis, day = parse_diagnosis(row["CDRTOT"], row["dx1"]), _parse_number(row["days_to_visit"])
        if day is None:
            unread.append(f"days_to_visit {row['days_to_visit']!r}")
        elif diagnosis:
            visits[row["OASISID"]].append(Visit(round(day), diagnosis))
    return dict(visits)


def _read_field_strengths(path: Path) -> dict[str, str]:
    values: defaultdict[str, set[str]] = defaultdict(set)
    for row in read_table(path, ("label", "MagneticFieldStrength")):
        if tesla := _format_tesla(row["MagneticFieldStrength"]):
            values[row["label"]].add(tesla)
    return {label: min(found) for label, found in values.items() if len(found) == 1}


def _format_tesla(cell: str) -> str:
    tesla = _parse_number(cell)
    return f"{tesla:g}" if tesla is not None and _TESLA[0] <= tesla <= _TESLA[1] else ""


def _parse_number(cell: str | None) -> float | None:
    try:
        number = float(parse_cell(cell))
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None  # neither infinite nor nan
