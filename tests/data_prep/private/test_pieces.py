import json

import pytest

from data_prep.private.content import Content
from data_prep.private.pieces import Piece, find_pieces


def pieces(text: str | bytes, name: str = "") -> list[Piece]:
    return list(find_pieces(Content("", text.encode() if isinstance(text, str) else text, name)))


def test_cells_know_their_row_and_column():
    found = pieces('patient_id,note\na,"x, ""y""\nz"\n', "manifest.csv")
    assert Piece("header", "note") in found
    assert Piece("row 1, column patient_id", "a", "patient_id") in found
    assert Piece("row 1, column note", 'x, "y"\nz', "note") in found


def test_values_know_their_path_and_keys_are_pieces():
    text = json.dumps({"a": {"b": [1, "C:\\x"]}, "n": None}) + "\n"
    found = pieces(text, "config.json")
    assert Piece("a.b", "b") in found
    assert Piece("a.b[1]", "C:\\x", "b") in found


def test_a_key_that_is_no_name_of_a_field_is_not_shown_in_a_place():
    (key, value) = pieces('{"Jane Doe": "x"}', "a.json")
    assert key == Piece(".…", "Jane Doe")
    assert "Jane" not in value.place


def test_repeated_keys_are_all_read():
    assert "hidden" in [piece.text for piece in pieces('{"a": "hidden", "a": "shown"}', "a.json")]


@pytest.mark.parametrize("line", ["M\\u00fcller", "M&uuml;ller", "M%C3%BCller", "Müller"])
def test_lines_are_read_as_their_reader_does(line):
    assert Piece("line 2", "Müller") in pieces(f"first\n{line}\n")


def test_the_time_at_which_a_line_was_logged_is_left_out():
    (piece,) = pieces("2026-11-21 02:31:18,123 scan of 2006-11-02\n", "run.log")
    assert piece.text == " scan of 2006-11-02"


def test_words_are_found_in_bytes_of_one_or_two_a_character():
    data = b"\x00\x01Doe^Jane\x00\xff" + "Smith^John".encode("utf-16-le") + b"\x00\x02abc"
    assert [piece.text for piece in pieces(data)] == ["Doe^Jane", "Smith^John"]
    assert pieces(data)[0] == Piece("byte 2", "Doe^Jane", by_chance=True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_tables_are_read_in_any_encoding(encoding):
    assert Piece("row 1, column name", "Müller", "name") in pieces("name\nMüller\n".encode(encoding), "a.csv")


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_a_file_that_is_not_what_its_suffix_says_is_read_by_lines(name):
    text = "{not json\n" + "x" * 200_000 + "\nDoe^Jane"
    assert "Doe^Jane" in [piece.text for piece in pieces(text, name)]
