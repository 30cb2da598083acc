import pytest

from data_prep.person import Person
from data_prep.sources.oasis_people import People, parse_cdr, read_rows
from monai_vq.errors import InputError


@pytest.mark.parametrize(
    ("cell", "score"),
    [("0", 0), ("0.5", 0.5), ("1", 1), ("2.0", 2), (" 3 ", 3), ("", None), ("N/A", None), ("0.7", None), ("x", None)],
)
def test_only_scores_of_the_scale_are_a_cdr(cell, score):
    assert parse_cdr(cell) == score


def test_a_blank_cdr_is_unknown_and_any_score_above_zero_demented():
    people = People("AD")
    for session, cdr in (("a", "0"), ("b", "0.5"), ("c", "2"), ("d", ""), ("e", "N/A")):
        people.add(session, {"AGE": "74", "M/F": "Female", "CDR": cdr})
    assert [person.diagnosis for person in people.sessions.values()] == ["CN", "AD", "AD", "", ""]
    assert people.sessions["a"] == Person("CN", 74, "F")
    assert not people.unread


def test_cells_that_cannot_be_used_are_told():
    people = People("AD")
    people.add("OAS1_0001_MR1", {"AGE": "27010", "M/F": "M", "CDR": "7"})
    assert people.sessions["OAS1_0001_MR1"] == Person("", None, "M")
    (note,) = [note for note in people.describe(["OAS1_0001_MR1"], "table.csv") if "cell" in note]
    assert "AGE '27010' of OAS1_0001_MR1" in note
    assert "CDR '7' of OAS1_0001_MR1" in note


def test_table_and_folders_are_compared():
    people = People("AD")
    for session in ("a", "b", "c"):
        people.add(session, {"AGE": "74", "M/F": "F", "CDR": "0"})
    notes = people.describe(["c", "d"], "table.csv")
    assert notes == [
        "1 session(s) are not in table.csv, first d",
        "2 session(s) of table.csv have no scan, first a",
        "1 of 2 session(s) have no CDR: their diagnosis is unknown, not healthy",
    ]


def test_a_session_with_two_rows_is_refused():
    rows = [{"ID": "a", "Age": "70"}, {"ID": "a", "Age": "71"}]
    with pytest.raises(InputError, match=r"table\.csv has a twice"):
        read_rows(People("AD"), rows, "ID", "table.csv")
