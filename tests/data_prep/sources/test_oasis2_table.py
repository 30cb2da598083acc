import pytest

from data_prep.person import Person
from data_prep.phantom.layouts.workbook import write_workbook
from data_prep.sources.oasis2_table import read_oasis2_people
from monai_vq.errors import InputError

HEADER = ("Subject ID", "MRI ID", "Group", "Visit", "MR Delay", "M/F", "Hand", "Age", "EDUC", "SES", "MMSE", "CDR")
ROWS = [
    ("OAS2_0001", "OAS2_0001_MR1", "Nondemented", 1, 0, "M", "R", 87, 14, 2, 27, 0),
    ("OAS2_0001", "OAS2_0001_MR2", "Nondemented", 2, 457, "M", "R", 88, 14, 2, 30, 0),
    ("OAS2_0018", "OAS2_0018_MR1", "Converted", 1, 0, "F", "R", 87, 14, 1, 30, 0),
    ("OAS2_0018", "OAS2_0018_MR3", "Converted", 2, 489, "F", "R", 88, 14, 1, 29, 0),
    ("OAS2_0018", "OAS2_0018_MR4", "Converted", 3, 1933, "F", "R", 92, 14, 1, 27, 0.5),
    ("OAS2_0002", "OAS2_0002_MR1", "Demented", 1, 0, "M", "R", 75, 12, "", 23, 0.5),
]
SESSIONS = [row[1] for row in ROWS]


def read(tmp_path, rows=ROWS, sessions=SESSIONS):
    write_workbook(tmp_path / "oasis_longitudinal_demographics-8d83e569fa2e2d30.xlsx", [HEADER, *rows])
    return read_oasis2_people(None, [tmp_path], sessions)


def test_the_diagnosis_is_that_of_the_visit_and_not_of_the_group(tmp_path):
    people, notes = read(tmp_path)
    assert people.sessions["OAS2_0018_MR1"] == Person("CN", 87, "F")
    assert people.sessions["OAS2_0018_MR4"] == Person("Dementia", 92, "F")
    assert people.sessions["OAS2_0002_MR1"] == Person("Dementia", 75, "M")
    assert notes == []


def test_the_older_csv_is_found_as_well(tmp_path):
    lines = [",".join(map(str, row)) for row in (HEADER, *ROWS)]
    (tmp_path / "oasis_longitudinal.csv").write_text("\n".join(lines) + "\n")
    from_csv, _ = read_oasis2_people(None, [tmp_path], SESSIONS)
    (tmp_path / "oasis_longitudinal.csv").unlink()
    assert from_csv.sessions == read(tmp_path)[0].sessions


def test_a_blank_cdr_is_unknown_even_for_the_nondemented(tmp_path):
    people, notes = read(tmp_path, [(*ROWS[0][:-1], "")], SESSIONS[:1])
    assert people.sessions["OAS2_0001_MR1"].diagnosis == ""
    assert any("1 of 1 session(s) have no CDR" in note for note in notes)


def test_contradictions_within_the_table_are_told(tmp_path):
    _, notes = read(tmp_path, [(*ROWS[0][:-1], 0.5), ROWS[1]], SESSIONS[:2])
    assert any("OAS2_0001_MR1 (Nondemented, CDR 0.5)" in note for note in notes)
    late, early = (*ROWS[0][:4], 900, *ROWS[0][5:]), ROWS[1]
    _, notes = read(tmp_path, [late, early], SESSIONS[:2])
    assert any("MR Delay of OAS2_0001_MR2 (457 days) is below that of OAS2_0001_MR1 (900)" in note for note in notes)


def test_without_a_table_everything_is_unknown_and_said(tmp_path):
    people, (note,) = read_oasis2_people(None, [tmp_path], SESSIONS)
    assert not people.sessions
    assert "no table" in note
    assert "unknown" in note


def test_a_visit_with_two_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="OAS2_0001_MR1 twice"):
        read(tmp_path, [ROWS[0], ROWS[0]])
