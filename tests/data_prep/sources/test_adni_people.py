from dataclasses import replace
from datetime import date

import pytest

from data_prep.person import Person
from data_prep.sources.adni_names import Series
from data_prep.sources.adni_people import MAX_VISIT_DAYS, People
from data_prep.sources.adni_tables import CollectionRow, Participant, Visit
from data_prep.sources.adni_tree import Image

IMAGE = Image((), "a.nii", "002_S_0295", date(2008, 11, 3), Series("scaled"), "I40966")
VISITS = [
    Visit(date(2006, 11, 2), "CN", "1.5"),
    Visit(date(2008, 5, 1), ""),
    Visit(date(2008, 10, 20), "MCI", "3"),
]


@pytest.fixture
def merged() -> Participant:
    return Participant("M", "002", "CN", 70.2, date(2006, 11, 2), list(VISITS))


def test_diagnosis_of_the_visit_and_age_at_the_scan(merged):
    people = People(adnimerge={295: merged})
    assert people.person(IMAGE) == Person("MCI", 72.2, "M", "002", "3")
    assert people.notes([IMAGE]) == [
        "the diagnosis is that of the visit nearest to the scan (ADNIMERGE's DX), at most 14 days from it"
    ]


def test_diagnosis_of_the_enrolment_where_it_is_asked_for(merged):
    people = People("baseline", adnimerge={295: merged})
    assert people.person(IMAGE) == Person("CN", 72.2, "M", "002", "3")
    assert not people.notes([IMAGE])


def test_a_blank_diagnosis_is_unknown_though_other_visits_have_one(merged):
    assert People(adnimerge={295: merged}).person(replace(IMAGE, acquired=date(2008, 5, 9))).diagnosis == ""


@pytest.mark.parametrize(("days", "diagnosis"), [(MAX_VISIT_DAYS, "MCI"), (MAX_VISIT_DAYS + 1, "")])
def test_a_visit_too_far_away_says_nothing_of_the_scan(merged, days, diagnosis):
    people = People(adnimerge={295: merged})
    image = replace(IMAGE, acquired=date.fromordinal(VISITS[-1].day.toordinal() + days))
    person = people.person(image)
    assert person.diagnosis == diagnosis
    assert person.age == pytest.approx(72.7)  # the person is still known
    assert any("no visit in ADNIMERGE within 183 days" in note for note in people.notes([image])) == (not diagnosis)


def test_five_digit_ids_are_joined_by_their_number(merged):
    image = replace(IMAGE, patient_id="941_S_10013")
    assert People(adnimerge={10013: merged}).person(image).diagnosis == "MCI"
    assert People(adnimerge={1001: merged}).person(image) == Person(site="941")


def test_the_collection_alone_gives_group_sex_and_age_at_the_visit():
    people = People(collection={40966: CollectionRow("002_S_0295", "LMCI", "F", 72.0)})
    assert people.person(IMAGE) == Person("LMCI", 72.0, "F", "002")
    assert people.notes([IMAGE])[0].startswith("no ADNIMERGE table: the diagnosis is the collection's group")


def test_the_collection_fills_gaps_but_never_the_diagnosis_of_a_visit(merged):
    merged.sex, merged.baseline_age = "", None
    people = People(adnimerge={295: merged}, collection={40966: CollectionRow("002_S_0295", "AD", "F", 73)})
    assert people.person(replace(IMAGE, acquired=date(2008, 5, 1))) == Person("", 73, "F", "002")


def test_conflicts_are_noted_and_adnimerge_is_taken(merged):
    people = People(adnimerge={295: merged}, collection={40966: CollectionRow("002_S_0295", "AD", "F", 79)})
    person = people.person(IMAGE)
    assert (person.sex, person.age) == ("M", 72.2)
    assert people.notes([IMAGE])[1] == (
        "2 value(s) differ between ADNIMERGE, which is taken, and the collection, first sex of 002_S_0295: M and F"
    )


def test_a_row_of_another_person_is_not_used():
    people = People(collection={40966: CollectionRow("002_S_0296", "AD", "F", 79)})
    assert people.person(IMAGE) == Person(site="002")
    assert people.notes([IMAGE])[-1].startswith("1 image(s) are another person's in the collection")


def test_absent_people_are_counted(merged):
    people = People(adnimerge={1: merged, 2: merged}, unread=["AGE 'x'"])
    people.person(IMAGE)
    assert people.notes([IMAGE]) == [
        "1 patient(s) are not in ADNIMERGE, first 002_S_0295",
        "2 participant(s) of ADNIMERGE have no scan here",
        "1 cell(s) are no number, no date or no years between 0 and 130 and count as unknown, first AGE 'x'",
    ]
