"""Whose an image of any folder is: a regular expression on its path, or a table that lists the files."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

from data_prep.person import MAX_AGE, Person, parse_age, parse_cell, parse_sex
from data_prep.sources.tables import read_table
from monai_vq.data import VolumeError
from monai_vq.data.hashing import file_sha256
from monai_vq.errors import InputError

__all__ = ["Identity", "PatientIds", "RegexIds", "TableIds", "refuse_alike", "suggest_regex"]

_EVIDENT = (  # ids that name themselves, then a numbered folder a patient, then numbered files without folders
    r"(?P<patient>sub-[A-Za-z0-9]+)",
    r"(?P<patient>\d{3}_S_\d{4,5})",
    r"(?P<patient>OAS\d_?\d{4})",
    r"(?P<patient>IXI\d{3})",
    r"^(?P<patient>[^/]*\d[^/]*)/",
    r"^(?P<patient>[A-Za-z]*[-_]?\d+)[-_.][^/]*$",
)


@dataclass(frozen=True)
class Identity:
    """Whose an image is, of which visit, and what is known of the person then."""

    patient_id: str
    session_id: str = ""
    person: Person = field(default_factory=Person)


class PatientIds(Protocol):
    """A way to tell whose an image is."""

    @property
    def id_rule(self) -> str:
        """One sentence for `splits.json`."""

    def identify(self, relative: str) -> Identity:
        """Whose the image at a path relative to the source is.

        Raises:
            VolumeError: it does not say.
        """

    def describe_gaps(self, sources: Collection[str]) -> Iterator[str]:
        """Sentences for the user, given the relative paths of all images."""


class RegexIds:
    """Ids by a regular expression, searched in the path relative to the source (forward slashes).

    Args:
        pattern: with a group named `patient`, or else its first group; a group named `session` is optional.

    Raises:
        InputError: the expression is invalid, or has no group for the patient.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._regex = re.compile(pattern)
        except re.error as error:
            raise InputError(f"--patient_regex {pattern!r} is no regular expression: {error}") from error
        names = self._regex.groupindex
        self._patient: str | int = "patient" if "patient" in names else 1
        self._session = "session" if "session" in names else None
        if not self._regex.groups or self._patient == names.get("session"):
            raise InputError(f"--patient_regex {pattern!r} has no group for the patient, as in '(?P<patient>P[0-9]+)'")

    @property
    def id_rule(self) -> str:
        """One sentence for `splits.json`."""
        return f"the group {self._patient!r} of the regular expression {self._regex.pattern!r} in the path of the file"

    def identify(self, relative: str) -> Identity:
        """See `PatientIds`."""
        match = self._regex.search(relative)
        if match is None or not match[self._patient]:
            raise VolumeError(
                "--patient_regex finds no patient in the path", "widen it, or keep the file out of the source"
            )
        return Identity(match[self._patient], (match[self._session] or "") if self._session else "")

    def describe_gaps(self, sources: Collection[str]) -> Iterator[str]:
        """See `PatientIds`."""
        yield "age, sex and diagnosis are unknown, as --patient_regex has only ids; a --patient_table may have them"


@dataclass
class TableIds:
    """Ids by a table with the columns `file` (relative to the source) and `patient_id`.

    The columns `session_id`, `diagnosis`, `age`, `sex`, `site` and `field_strength` are read where they are there.

    Attributes:
        name: of the table.
        sha256: of its bytes.
        rows: whose each file is; an empty patient id stays empty.
        unread_ages: those that are no number of years and so count as unknown.
    """

    name: str
    sha256: str
    rows: dict[str, Identity]
    unread_ages: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, root: Path) -> "TableIds":
        """Reads the table of the images under `root`.

        Raises:
            InputError: it cannot be read, lacks a column, or has a file twice.
        """
        rows = read_table(path, ("file", "patient_id"))
        ids, base = cls(path.name, file_sha256(path), {}), PurePosixPath(root.resolve().as_posix())
        for row in rows:
            file = _normalise(row["file"], base)
            if file in ids.rows:
                raise InputError(f"{path.name} has the file {file} twice; keep one of the rows")
            ids.rows[file] = ids._read_row(row)
        return ids

    @property
    def id_rule(self) -> str:
        """One sentence for `splits.json`."""
        return f"the column patient_id of the table {self.name!r} (SHA-256 {self.sha256})"

    def identify(self, relative: str) -> Identity:
        """See `PatientIds`."""
        identity = self.rows.get(relative)
        if identity is None:
            remedy = "add a row, its file relative to the source, or keep the file out of the source"
            raise VolumeError(f"the file is not in {self.name}", remedy)
        if not identity.patient_id:
            raise VolumeError(f"its patient_id in {self.name} is empty", "fill it in")
        return identity

    def describe_gaps(self, sources: Collection[str]) -> Iterator[str]:
        """See `PatientIds`."""
        missing = sorted(set(self.rows) - set(sources))
        if missing:
            yield f"{len(missing)} row(s) of {self.name} have no file here, first {missing[0]}"
        if self.unread_ages:
            shown = ", ".join(self.unread_ages[:3])
            yield (
                f"{len(self.unread_ages)} age(s) are not years between 0 and {MAX_AGE} and count as unknown, "
                f"first {shown}"
            )

    def _read_row(self, row: dict[str, str]) -> Identity:
        age = parse_age(row.get("age"))
        if age is None and parse_cell(row.get("age")):
            self.unread_ages.append(repr(row["age"]))
        person = Person(
            diagnosis=parse_cell(row.get("diagnosis")),
            age=age,
            sex=parse_sex(row.get("sex")),
            site=parse_cell(row.get("site")),
            field_strength=parse_cell(row.get("field_strength")),
        )
        return Identity(parse_cell(row["patient_id"]), parse_cell(row.get("session_id")), person)


def suggest_regex(relatives: Sequence[str]) -> str | None:
    r"""A regular expression that finds an id in every path, and more than one; None where none is evident.

    >>> suggest_regex(["P01/t1.nii.gz", "P02/t1.nii.gz"])
    '^(?P<patient>[^/]*\\d[^/]*)/'
    >>> suggest_regex(["train/head.nii.gz", "test/head.nii.gz"])
    """
    for pattern in _EVIDENT:
        matches = [re.search(pattern, relative) for relative in relatives]
        if all(matches) and len({match["patient"] for match in matches if match}) > 1:
            return pattern
    return None


def refuse_alike(patients: Iterable[str]) -> None:
    """Refuses ids of which one may be another's spelling: as two patients, one could be in train and in test.

    Raises:
        InputError: two ids differ in case, punctuation, blanks, Unicode forms or leading zeros alone.
    """
    owners: dict[str, str] = {}
    for patient in sorted(set(patients)):
        twin = owners.setdefault(_fold(patient), patient)
        if twin != patient:
            raise InputError(
                f"{twin!r} and {patient!r} count as two patients and may be one, as they differ in case, punctuation "
                "or leading zeros alone; spell a patient's id alike everywhere, as a --patient_table can, or give two "
                "patients ids that differ in more"
            )


def _fold(patient: str) -> str:
    """What stays of an id however it is spelt; between two numbers a mark parts them: P1-11 is not P11-1."""
    marked = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", patient).casefold())
    return re.sub(r"(?<!\d)-|-(?!\d)|(?<!\d)0+(?=\d)", "", marked)


def _normalise(cell: str, base: PurePosixPath) -> str:
    """A file of the table relative to the source, with forward slashes."""
    path = PurePosixPath(cell.replace("\\", "/"))
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
