import pytest

from data_prep.person import Person
from data_prep.sources.bids_tables import read_participants, read_sessions
from monai_vq.errors import InputError


@pytest.fixture
def write_table(tmp_path):
    def write(text, encoding="utf-8"):
        (tmp_path / "participants.tsv").write_bytes(text.encode(encoding))
        return tmp_path

    return write


# [table, what is known of sub-01]
TABLES = [
    ["participant_id\tage\tsex\tdiagnosis\nsub-01\t61.5\tM\tCN\n", Person("CN", 61.5, "M")],
    ["participant_id\tage\tsex\tgroup\nsub-01\tn/a\tn/a\tn/a\n", Person()],
    ["participant_id\tAge\tGender\tGroup\nsub-01\t89+\tfemale\tpatient\n", Person("patient", 89.0, "F")],
    ["participant_id\tdx\nsub-01\tAD\n", Person("AD")],
    ["participant_id\tgroup\tdiagnosis\nsub-01\tB\tMCI\n", Person("MCI")],
    ["participant_id\tage\n01\t70\n\n\t\n", Person("", 70.0)],
    ["participant_id\tage\tsex\r\nsub-01\t\tO\r\n", Person("", None, "O")],
    ["participant_id\nsub-01\n", Person()],
]


@pytest.mark.parametrize(("text", "person"), TABLES)
def test_tables_as_they_come(write_table, text, person):
    assert read_participants(write_table(text), []) == {"sub-01": person}


def test_a_byte_order_mark_does_not_hide_the_first_column(write_table):
    assert read_participants(write_table("participant_id\tage\nsub-01\t5\n", "utf-8-sig"), [])["sub-01"].age == 5


def test_no_table_is_an_empty_one(tmp_path):
    assert read_participants(tmp_path, []) == {}
    assert read_sessions(tmp_path, []) == {}


def test_sessions_are_read_from_the_patient_s_folder(tmp_path):
    folder = tmp_path / "sub-01"
    folder.mkdir()
    (folder / "sub-01_sessions.tsv").write_text("session_id\tage\nses-M06\t62\nM12\t63\n")
    assert {name: person.age for name, person in read_sessions(folder, []).items()} == {"ses-M06": 62, "ses-M12": 63}


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        ("participant_id,age\nsub-01,6\n", "utf-8", "expected participant_id among them, separated by tabs"),
        ("", "utf-8", "expected participant_id"),
        ("participant_id\tage\nsub-01\t6\nsub-01\t7\n", "utf-8", "sub-01 twice"),
        ("participant_id\tgroup\nsub-01\tgenähnt\n", "latin-1", "not UTF-8"),
        (f'participant_id\tage\nsub-01\t"6\n{"sub-02 7 " * 20_000}', "utf-8", r"participants\.tsv, line 2: .*twin"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(write_table, text, encoding, message):
    with pytest.raises(InputError, match=message):
        read_participants(write_table(text, encoding), [])


@pytest.mark.parametrize("cell", ["unknown", ">89", "46,7", "-1", "999", "inf", "61 y"])
def test_an_age_that_is_none_is_unknown_and_named(write_table, cell):
    unread = []
    table = f"participant_id\tage\tsex\nsub-01\t{cell}\tF\nsub-02\tn/a \tF\nsub-03\t89+\tF\n"
    people = read_participants(write_table(table), unread)
    assert [person.age for person in people.values()] == [None, None, 89.0]
    assert people["sub-01"].sex == "F"
    assert unread == [f"{cell!r} of sub-01 in participants.tsv"]


def test_updated_takes_only_what_the_newer_knows():
    assert Person("CN", 60, "F").updated(Person("AD", None, "")) == Person("AD", 60, "F")
