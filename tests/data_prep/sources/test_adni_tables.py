from datetime import date

import pytest

from data_prep.sources.adni_tables import (
    CollectionRow,
    Visit,
    find_collections,
    parse_diagnosis,
    read_adnimerge,
    read_collections,
)
from monai_vq.errors import InputError

MERGE_HEADER = "RID,PTID,VISCODE,SITE,EXAMDATE,DX_bl,AGE,PTGENDER,FLDSTRENG,DX"
COLLECTION_HEADER = '"Image Data ID","Subject","Group","Sex","Age","Visit"'


@pytest.fixture
def write_merge(tmp_path):
    def write(*rows: str):
        path = tmp_path / "ADNIMERGE.csv"
        path.write_text("\n".join([MERGE_HEADER, *rows, ""]))
        return path

    return write


def test_visits_are_sorted_and_ages_are_of_the_baseline(write_merge):
    unread = []
    table = read_adnimerge(
        write_merge(
            "295,002_S_0295,m12,2,2007-11-01,LMCI,70.2,Male,3 Tesla MRI,Dementia",
            "295,002_S_0295,bl,2,2006-11-02,LMCI,70.2,Male,1.5 Tesla MRI,MCI",
            "295,002_S_0295,m06,2,2007-05-01,LMCI,70.2,Male,,",
            "10013,941_S_10013,bl,941,2024-01-05,CN,61,Female,,CN",
        ),
        unread,
    )
    person = table[295]
    assert [visit.diagnosis for visit in person.visits] == ["MCI", "", "Dementia"]
    assert [visit.field_strength for visit in person.visits] == ["1.5", "", "3"]
    assert (person.baseline_age, person.baseline_day) == (70.2, date(2006, 11, 2))
    assert (person.sex, person.site, person.baseline_diagnosis) == ("M", "002", "LMCI")
    assert table[10013].sex == "F"
    assert not unread


@pytest.mark.parametrize(
    ("day", "diagnosis"),
    [("2006-11-02", "MCI"), ("2007-03-01", ""), ("2007-12-31", "Dementia"), ("2007-01-31", "MCI"), ("2007-02-01", "")],
)
def test_nearest_visit(write_merge, day, diagnosis):
    rows = [
        f"295,,{code},,{seen},,,,,{dx}"
        for code, seen, dx in [
            ("bl", "2006-11-02", "MCI"),
            ("m06", "2007-05-02", ""),
            ("m12", "2007-11-02", "Dementia"),
        ]
    ]
    person = read_adnimerge(write_merge(*rows), [])[295]
    assert person.nearest(date.fromisoformat(day)).diagnosis == diagnosis


def test_a_visit_halfway_is_the_earlier_one(write_merge):
    person = read_adnimerge(write_merge("1,,m06,,2007-01-11,,,,,MCI", "1,,bl,,2007-01-01,,,,,CN"), [])[1]
    assert person.nearest(date(2007, 1, 6)) == Visit(date(2007, 1, 1), "CN")


def test_dates_from_a_spreadsheet_and_cells_that_cannot_be_read(write_merge):
    unread = []
    table = read_adnimerge(
        write_merge("295,,bl,,11/2/2006,CN,old,Male,,CN", "295,,m06,,soon,CN,old,Male,,CN", "R7,,bl,,,,,,,"), unread
    )
    assert [visit.day for visit in table[295].visits] == [date(2006, 11, 2)]
    assert table[295].baseline_age is None
    assert unread == ["RID 'R7'", "EXAMDATE 'soon'", "AGE 'old'"]


def test_a_person_without_baseline_row_has_no_age_to_start_from(write_merge):
    person = read_adnimerge(write_merge("295,,m12,,2007-11-01,LMCI,70.2,Male,,MCI"), [])[295]
    assert person.baseline_day is None


@pytest.mark.parametrize(
    ("cell", "diagnosis"),
    [
        ("CN", "CN"),
        ("NL", "CN"),
        ("MCI to Dementia", "Dementia"),
        ("MCI to NL", "CN"),
        ("", ""),
        ("NA", ""),
        ("-4", ""),
    ],
)
def test_diagnoses_of_all_releases(cell, diagnosis):
    assert parse_diagnosis(cell) == diagnosis


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "ADNIMERGE.csv"
    path.write_text("RID,DX\n295,CN\n")
    with pytest.raises(InputError, match="lacks the columns VISCODE, EXAMDATE, DX_bl, AGE, PTGENDER"):
        read_adnimerge(path, [])


def test_collections_are_known_by_their_header(tmp_path):
    (tmp_path / "ADNI1_Complete_1Yr_1.5T_11_02_2020.csv").write_text(f"{COLLECTION_HEADER}\n")
    (tmp_path / "with_bom.csv").write_text(f"\ufeff{COLLECTION_HEADER}\n", encoding="utf-8")
    (tmp_path / "ADNIMERGE.csv").write_text(f"{MERGE_HEADER}\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "picture.csv").write_bytes(b"\x00\xff" * 9000)
    names = [path.name for path in find_collections([tmp_path, tmp_path / "none"])]
    assert names == ["ADNI1_Complete_1Yr_1.5T_11_02_2020.csv", "with_bom.csv"]


def test_images_of_several_collections(tmp_path):
    rows = ['"I40966","002_S_0295","CN","M","71.3","m12"', '"40967","002_S_0296","AD","F","200","sc"']
    for name, row in zip("ab", rows, strict=True):
        (tmp_path / f"{name}.csv").write_text(f"{COLLECTION_HEADER}\n{row}\n{rows[0]}\n")
    unread = []
    images = read_collections([tmp_path / "a.csv", tmp_path / "b.csv"], unread)
    assert images[40966] == CollectionRow("002_S_0295", "CN", "M", 71.3)
    assert images[40967] == CollectionRow("002_S_0296", "AD", "F", None)
    assert unread == ["Age '200'"]
