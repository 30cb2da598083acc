import json

import pytest

from data_prep.private.known_words import KnownWords
from data_prep.private.pieces import Piece
from monai_vq.errors import InputError

KEY = {
    "key": "00ff" * 16,
    "patients": {"002_S_0295": "P4F1C09A2B3", "Jane Doe": "P11", "17": "P12"},
    "sources": {"disc1/002_S_0295/MR_20061102.nii": "S0A1", "disc1/brain/T1.nii": "S0A2"},
}


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps(KEY))
    return path


def found(words: KnownWords, text: str, key: str = "") -> list[str]:
    return [match.text for match in words.find_in_piece(Piece("x", text, key))]


def test_terms_are_found_within_words_and_in_either_case():
    words = KnownWords(["ZZPHI"])
    assert found(words, "prefixzzphi_suffix") == ["ZZPHI"]
    assert found(words, "zz phi") == []


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_terms_are_found_in_bytes_of_any_encoding(encoding):
    ((match, place),) = KnownWords(["Müller"]).find_in_bytes(b"\x80\x81" + "Müller".encode(encoding) + b"\x82")
    assert (match.text, place) == ("Müller", 2)


def test_ids_are_found_as_whole_words(key_file):
    words = KnownWords.gather(key_file, [])
    assert found(words, "scan/002_s_0295_x.nii") == ["002_s_0295"]
    assert found(words, "of jane doe.") == ["jane doe"]
    assert found(words, "1002_S_0295, 002_S_02951, jane does") == []


def test_short_ids_are_private_where_an_id_is_expected(key_file):
    words = KnownWords.gather(key_file, [])
    assert found(words, "17", "patient_id") == ["17"]
    assert found(words, "17", "slices") == []


def test_the_key_paths_and_telling_file_names_are_searched_and_pseudonyms_are_not(key_file):
    words = KnownWords.gather(key_file, [])
    assert found(words, KEY["key"]) == [KEY["key"]]
    assert found(words, "x disc1/brain/T1.nii") == ["disc1/brain/t1.nii"]
    assert found(words, "MR_20061102") == ["mr_20061102"]
    assert found(words, "P4F1C09A2B3 S0A1 T1 brain") == []


@pytest.mark.parametrize("content", ["", "[]", '{"key": "00"}', '{"patients": {}}', '{"key": "0000", "patients": 3}'])
def test_what_is_no_key_file_is_refused(tmp_path, content):
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(InputError, match="no key file"):
        KnownWords.gather(tmp_path / "key.json", [])


def test_terms_that_are_everywhere_are_refused():
    with pytest.raises(InputError, match="at least 3"):
        KnownWords(["MR"])
