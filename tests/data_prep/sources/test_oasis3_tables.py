import random

import pytest

from data_prep.sources.oasis3_names import SessionName
from data_prep.sources.oasis3_tables import Participant, Tables, Visit, parse_diagnosis, read_sidecar, read_tables
from monai_vq.errors import InputError

# [CDRTOT, dx1, diagnosis]
DIAGNOSES = [
    ["0", "Cognitively normal", "CN"],
    ["", "Cognitively normal", "CN"],
    ["0", ".", "CN"],
    ["0.0", "", "CN"],
    ["0.5", "AD Dementia", "AD"],
    ["1", "AD dem w/depresss- not contribut", "AD"],
    ["", "AD Dementia", "AD"],
    ["0.5", "AD dem cannot be primary", "AD dem cannot be primary"],
    ["0.5", "AD dem/FLD prior to AD dem", "AD dem/FLD prior to AD dem"],
    ["0.5", "uncertain dementia", "uncertain dementia"],
    ["0", "0.5 in memory only", "0.5 in memory only"],
    ["0", "AD Dementia", "AD Dementia, CDR 0"],
    ["0.5", "Cognitively normal", "Cognitively normal, CDR 0.5"],
    ["1", ".", "CDR 1"],
    ["", "", ""],
    ["", ".", ""],
    ["nan", "n/a", ""],
    ["x", "", ""],
]


@pytest.mark.parametrize(("cdr", "dx1", "diagnosis"), DIAGNOSES)
def test_only_what_agrees_becomes_a_standard_label_and_blank_stays_unknown(cdr, dx1, diagnosis):
    assert parse_diagnosis(cdr, dx1) == diagnosis


# [days and diagnoses of visits, day of the scan, diagnosis]
NEAREST = [
    [[(0, "CN"), (700, "AD")], 340, "CN"],
    [[(0, "CN"), (700, "AD")], 351, "AD"],
    [[(0, "CN"), (700, "AD")], 350, "CN"],  # as near: the earlier
    [[(0, "CN")], 365, "CN"],
    [[(0, "CN")], 366, ""],
    [[(-10, "CN"), (10, "AD")], 1, "AD"],
    [[], 0, ""],
]


@pytest.mark.parametrize(("visits", "day", "diagnosis"), NEAREST)
def test_the_diagnosis_is_that_of_the_nearest_visit_whatever_their_order(visits, day, diagnosis):
    session = SessionName("OAS30001", "MR", f"d{day:04d}")
    for _ in range(3):
        random.shuffle(visits)
        tables = Tables(visits={"OAS30001": [Visit(*visit) for visit in visits]})
        assert tables.person(session, "OAS30001_MR").diagnosis == diagnosis


def test_age_is_that_at_entry_plus_the_days_since():
    tables = Tables({"OAS30001": Participant(60.5, "F"), "OAS30002": Participant(None, "")})
    assert tables.person(SessionName("OAS30001", "MR", "d1461"), "").age == 64.5  # four years of 365.25 days
    assert tables.person(SessionName("OAS30002", "MR", "d1461"), "").age is None
    assert tables.person(SessionName("OAS30003", "MR", "d0000"), "").sex == ""


def test_tables_are_read_with_their_codes(tmp_path):
    (tmp_path / "OASIS3_demographics.csv").write_text(
        "OASISID,AgeatEntry,GENDER,HAND\nOAS30001,61.2,1,R\nOAS30002,,2,L\nOAS30003,27010,,R\n"
    )
    (tmp_path / "OASIS3_UDSb4_cdr (1).csv").write_text(
        "OASISID,days_to_visit,CDRTOT,dx1\nOAS30001,0000,0,Cognitively normal\nOAS30001,later,1,AD Dementia\n"
        "OAS30002,12.0,,.\n"
    )
    (tmp_path / "OASIS3_UDSb4_cdr_dictionary.csv").write_text("column,meaning\n")
    (tmp_path / "OASIS3_MR_json.csv").write_text(
        "label,MagneticFieldStrength\nOAS30001_MR_d0001,3.0\nOAS30001_MR_d0001,3\nOAS30002_MR_d0001,30000\n"
    )
    tables = read_tables([tmp_path])
    assert tables.participants == {
        "OAS30001": Participant(61.2, "M"),
        "OAS30002": Participant(None, "F"),
        "OAS30003": Participant(None, ""),
    }
    assert tables.visits == {"OAS30001": [Visit(0, "CN")]}
    assert tables.field_strengths == {"OAS30001_MR_d0001": "3"}
    assert tables.unread == ["AgeatEntry '27010'", "days_to_visit 'later'"]


def test_a_table_without_its_columns_is_refused_with_what_it_has(tmp_path):
    (tmp_path / "OASIS3_UDSb4_cdr.csv").write_text("Subject,days_to_visit,cdr\nOAS30001,0,0\n")
    with pytest.raises(InputError, match="lacks the columns OASISID, CDRTOT, dx1; it has Subject, days_to_visit, cdr"):
        read_tables([tmp_path])


# [content of the sidecar, field strength]
SIDECARS = [
    ['{"MagneticFieldStrength": 3, "InstitutionName": "ZZPHI"}', "3"],
    ['{"MagneticFieldStrength": "1.494"}', "1.494"],
    ['{"MagneticFieldStrength": 15000}', ""],
    ['{"MagneticFieldStrength": ["ZZPHI"]}', ""],
    ['{"MagneticFieldStrength": NaN}', ""],
    ["[3]", ""],
    ["{", ""],
    ["\xff", ""],
    ["[" * 100_000, ""],
]


@pytest.mark.parametrize(("content", "tesla"), SIDECARS)
@pytest.mark.parametrize("place", ["anat1/a_T1w.json", "BIDS/a_T1w.json"])
def test_of_a_sidecar_only_the_field_strength_is_read(tmp_path, content, tesla, place):
    path = tmp_path / place
    path.parent.mkdir()
    path.write_text(content, encoding="latin-1")
    assert read_sidecar(tmp_path / "anat1/a_T1w.nii.gz") == tesla
    assert read_sidecar(tmp_path / "anat1/b_T1w.nii.gz") == ""
