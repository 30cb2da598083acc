from types import SimpleNamespace

import pytest

from data_prep.person import Person
from data_prep.sources.dicom_people import parse_dicom_age, person_of


def person(age="074Y", sex="F", field_strength=3.0):
    info = SimpleNamespace(age=age, sex=sex, field_strength=field_strength)
    return person_of([SimpleNamespace(info=info)])


def test_age_sex_and_field_strength_are_taken():
    assert person() == Person(age=74, sex="F", field_strength="3")


AGES = [["074Y", 74], ["018M", 1.5], ["052W", 364 / 365.25], ["010D", 10 / 365.25], ["000D", 0]]
NO_AGES = [["000Y", None], ["999Y", None], ["74Y", None], ["074", None], ["ZZPHI", None], ["", None]]


@pytest.mark.parametrize(("text", "years"), AGES + NO_AGES)
def test_ages(text, years):
    assert parse_dicom_age(text) == (years if years is None else pytest.approx(years))


@pytest.mark.parametrize("text", ["090Y", "103Y"])
def test_ages_over_89_are_capped(text):
    assert person(age=text).age == 89


@pytest.mark.parametrize(("tesla", "text"), [(1.5, "1.5"), (15000.0, "1.5"), (None, ""), (0.0, ""), (1e9, "")])
def test_gauss_are_told_from_tesla(tesla, text):
    assert person(field_strength=tesla).field_strength == text


def test_free_text_becomes_no_value():
    assert person(sex="ZZPHI", age="ZZPHI") == Person(field_strength="3")
