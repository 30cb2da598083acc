import pytest

from data_prep.person import Person
from data_prep.phantom.layouts.workbook import write_workbook
from data_prep.sources.oasis1_table import read_oasis1_people
from monai_vq.errors import InputError

HEADER = ("ID", "M/F", "Hand", "Age", "Educ", "SES", "MMSE", "CDR", "eTIV", "nWBV", "ASF", "Delay")
ROWS = [  # as they are shipped
    ("OAS1_0001_MR1", "F", "R", 74, 2, 3, 29, 0, 1344, 0.743, 1.306, "N/A"),
    ("OAS1_0003_MR1", "F", "R", 73, 4, 3, 27, 0.5, 1454, 0.708, 1.207, "N/A"),
    ("OAS1_0004_MR1", "M", "R", 28, "", "", "", "", 1588, 0.803, 1.105, "N/A"),
    ("OAS1_0061_MR2", "F", "R", 20, "", "", "", "", 1296, 0.86, 1.354, 89),
]
PEOPLE = {
    "OAS1_0001_MR1": Person("CN", 74, "F"),
    "OAS1_0003_MR1": Person("AD", 73, "F"),
    "OAS1_0004_MR1": Person("", 28, "M"),
    "OAS1_0061_MR2": Person("", 20, "F"),
}
TEXT = """\
SESSION ID:   OAS1_0003_MR1

AGE:          73
M/F:          Female
HAND:         Right
EDUC:         4
SES:          3
CDR:          0.5
MMSE:         27
eTIV:         1454

SCAN NUMBER:  mpr-1
AGE:          1
"""


def write_csv(path, rows=ROWS, header=HEADER):
    path.write_text("\n".join(",".join(map(str, row)) for row in (header, *rows)) + "\n")


@pytest.fixture
def folders(tmp_path):
    """The sessions' folders, by name."""
    paths = {name: tmp_path / "disc1" / name for name in PEOPLE}
    for path in paths.values():
        path.mkdir(parents=True)
    return paths


def test_csv_and_workbook_say_the_same(tmp_path, folders):
    write_csv(tmp_path / "oasis_cross-sectional.csv")
    from_csv, _ = read_oasis1_people(None, [tmp_path], folders)
    (tmp_path / "oasis_cross-sectional.csv").unlink()
    write_workbook(tmp_path / "oasis_cross-sectional-5708aa0a98d82080.xlsx", [HEADER, *ROWS])
    from_workbook, notes = read_oasis1_people(None, [tmp_path], folders)
    assert from_csv.sessions == from_workbook.sessions == PEOPLE
    assert notes == ["2 of 4 session(s) have no CDR: their diagnosis is unknown, not healthy"]


def test_the_csv_is_preferred_and_the_reliability_set_is_no_table(tmp_path, folders):
    write_csv(tmp_path / "oasis_cross-sectional.csv")
    write_workbook(tmp_path / "oasis_cross-sectional-5708aa0a98d82080.xlsx", [HEADER, ("OAS1_0001_MR1", "M")])
    write_workbook(tmp_path / "oasis_cross-sectional-reliability-063c8642b909ee76.xlsx", [("ID",)])
    assert read_oasis1_people(None, [tmp_path], folders)[0].sessions == PEOPLE


def test_a_named_table_is_taken(tmp_path, folders):
    write_csv(tmp_path / "oasis_cross-sectional.csv")
    write_csv(tmp_path / "mine.csv", ROWS[:1])
    people, notes = read_oasis1_people(tmp_path / "mine.csv", [tmp_path], folders)
    assert people.sessions == {"OAS1_0001_MR1": PEOPLE["OAS1_0001_MR1"]}
    assert "3 session(s) are not in mine.csv, first OAS1_0003_MR1" in notes


def test_without_a_table_the_text_files_are_read(tmp_path, folders):
    (folders["OAS1_0003_MR1"] / "OAS1_0003_MR1.txt").write_text(TEXT)
    people, notes = read_oasis1_people(None, [tmp_path], folders)
    assert people.sessions == {"OAS1_0003_MR1": PEOPLE["OAS1_0003_MR1"]}
    assert any("no table" in note and "text files of 1 session(s)" in note for note in notes)


def test_a_text_file_of_another_session_is_not_believed(tmp_path, folders):
    (folders["OAS1_0001_MR1"] / "OAS1_0001_MR1.txt").write_text(TEXT)
    people, notes = read_oasis1_people(None, [tmp_path], folders)
    assert not people.sessions
    assert any("SESSION ID 'OAS1_0003_MR1' of OAS1_0001_MR1" in note for note in notes)


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [(HEADER[:7], [], "lacks the columns CDR"), (HEADER, [ROWS[0], ROWS[0]], "OAS1_0001_MR1 twice")],
)
def test_a_bad_table_is_refused(tmp_path, folders, header, rows, message):
    write_csv(tmp_path / "oasis_cross-sectional.csv", rows, header)
    with pytest.raises(InputError, match=message):
        read_oasis1_people(None, [tmp_path], folders)
