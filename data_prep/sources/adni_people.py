"""Who each scan of ADNI shows, and in which state: its tables joined to an image by person, day and number."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from data_prep.person import MAX_AGE, Person
from data_prep.sources.adni_tables import CollectionRow, Participant, read_adnimerge, read_collections, roster_id
from data_prep.sources.adni_tree import Image

__all__ = ["DIAGNOSES", "MAX_VISIT_DAYS", "People"]

DIAGNOSES = ("visit", "baseline")
MAX_VISIT_DAYS = 183  # half of the usual year between visits: farther, and the diagnosis belongs to another visit
_DAYS_A_YEAR = 365.25
_AGE_TOLERANCE = 1.5  # years; some collections have whole years


@dataclass
class People:
    """The tables of a download.

    Attributes:
        diagnosis: `visit`, that of the day of the scan, or `baseline`, that of the enrolment.
        adnimerge: ADNIMERGE by RID; None where there is none.
        collection: rows of the collections' tables by the number of the image; empty where there is none.
        unread: column and text of what cannot be read in them.
        conflicts: values in which the two differ.
        strangers: images that are another person's in the collection.
        distances: days between a scan and its visit, of all that have one.
        far: patients whose nearest visit is too far from a scan.
    """

    diagnosis: str = DIAGNOSES[0]
    adnimerge: dict[int, Participant] | None = None
    collection: dict[int, CollectionRow] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    distances: list[int] = field(default_factory=list)
    far: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, table: Path | None, collections: list[Path], diagnosis: str) -> "People":
        """Reads the tables that are there.

        Raises:
            InputError: one cannot be read, or lacks a column.
        """
        people = cls(diagnosis)
        people.adnimerge = read_adnimerge(table, people.unread) if table else None
        people.collection = read_collections(collections, people.unread)
        return people

    def person(self, image: Image) -> Person:
        """What the tables say of the person on the day of the scan; ADNIMERGE first, then the collection.

        The collection's group is that of the enrolment and stands for a diagnosis only where there is no ADNIMERGE,
        as the two name diagnoses differently.
        """
        person = Person(site=image.patient_id[:3])
        participant = (self.adnimerge or {}).get(roster_id(image.patient_id))
        if participant is not None:
            person = person.updated(self._at_scan(participant, image))
        row = self._find_row(image)
        if row is None:
            return person
        self._compare(person, row, image)
        group = row.group if self.adnimerge is None else ""
        return Person(diagnosis=group, age=row.age, sex=row.sex).updated(person)

    def _at_scan(self, participant: Participant, image: Image) -> Person:
        person = Person(age=_age_at_scan(participant, image), sex=participant.sex, site=participant.site)
        visit = participant.nearest(image.acquired)
        distance = abs(visit.day - image.acquired).days if visit else 0
        if visit and distance <= MAX_VISIT_DAYS:
            self.distances.append(distance)
            person = replace(person, diagnosis=visit.diagnosis, field_strength=visit.field_strength)
        else:
            self.far.append(image.patient_id)
        if self.diagnosis == "baseline":
            person = replace(person, diagnosis=participant.baseline_diagnosis)
        return person

    def _find_row(self, image: Image) -> CollectionRow | None:
        if not image.label.startswith("I"):
            return None
        row = self.collection.get(int(image.label[1:]))
        if row is not None and row.patient_id != image.patient_id:
            self.strangers.append(f"{image.label} of {image.patient_id}")
            return None
        return row

    def _compare(self, person: Person, row: CollectionRow, image: Image) -> None:
        if person.sex and row.sex and person.sex != row.sex:
            self.conflicts.append(f"sex of {image.patient_id}: {person.sex} and {row.sex}")
        if person.age is not None and row.age is not None and abs(person.age - row.age) > _AGE_TOLERANCE:
            self.conflicts.append(f"age of {image.patient_id}: {person.age:g} and {row.age:g}")

    def notes(self, images: list[Image]) -> list[str]:
        """What a user should know of the join of these images, after `person` of each."""
        return [*self._note_absence(images), *self._note_visits(), *self._note_conflicts()]

    def _note_absence(self, images: list[Image]) -> list[str]:
        notes = []
        patients = {image.patient_id for image in images}
        if self.adnimerge is None:
            source = "the collection's group, which is that of the enrolment" if self.collection else "unknown"
            notes.append(f"no ADNIMERGE table: the diagnosis is {source}; give the table by --table")
        else:
            unlisted = sorted(patient for patient in patients if roster_id(patient) not in self.adnimerge)
            n_unscanned = len(self.adnimerge.keys() - {roster_id(patient) for patient in patients})
            if unlisted:
                notes.append(f"{len(unlisted)} patient(s) are not in ADNIMERGE, first {unlisted[0]}")
            if n_unscanned:
                notes.append(f"{n_unscanned} participant(s) of ADNIMERGE have no scan here")
        if self.unread:
            notes.append(
                f"{len(self.unread)} cell(s) are no number, no date or no years between 0 and {MAX_AGE} and count as "
                f"unknown, first {', '.join(self.unread[:3])}"
            )
        return notes

    def _note_visits(self) -> list[str]:
        notes = []
        if self.distances and self.diagnosis == "visit":
            notes.append(
                "the diagnosis is that of the visit nearest to the scan (ADNIMERGE's DX), "
                f"at most {max(self.distances)} days from it"
            )
        if self.far:
            unknown = "field strength" if self.diagnosis == "baseline" else "diagnosis and field strength"
            notes.append(
                f"{len(self.far)} scan(s) have no visit in ADNIMERGE within {MAX_VISIT_DAYS} days, so that {unknown} "
                f"are unknown, first {min(self.far)}"
            )
        return notes

    def _note_conflicts(self) -> list[str]:
        notes = []
        if self.conflicts:
            notes.append(
                f"{len(self.conflicts)} value(s) differ between ADNIMERGE, which is taken, and the collection, "
                f"first {self.conflicts[0]}"
            )
        if self.strangers:
            notes.append(
                f"{len(self.strangers)} image(s) are another person's in the collection, whose rows are not used, "
                f"first {min(self.strangers)}"
            )
        return notes


def _age_at_scan(participant: Participant, image: Image) -> float | None:
    """ADNIMERGE's AGE is that at baseline, in every row: the years since then are added."""
    if participant.baseline_age is None or participant.baseline_day is None:
        return None
    years = (image.acquired - participant.baseline_day).days / _DAYS_A_YEAR
    return round(participant.baseline_age + years, 1)
