import hashlib
import hmac
import json
import re
import stat

import pytest

from data_prep.pseudonyms import Pseudonyms
from monai_vq.errors import InputError

KEY = bytes(range(32))


def test_a_patient_is_the_hmac_of_its_id():
    digest = hmac.new(KEY, b"patient\x000\x00OAS1_0001", hashlib.sha256).hexdigest()
    assert Pseudonyms(KEY).patient("OAS1_0001") == f"P{digest[:10].upper()}"


def test_names_depend_on_the_key_and_on_nothing_else():
    first, second, other = Pseudonyms(KEY), Pseudonyms(KEY), Pseudonyms(bytes(32))
    assert first.patient("A") == first.patient("A")
    second.patient("Z")
    assert second.patient("A") == first.patient("A") != other.patient("A")
    assert re.fullmatch(r"P[0-9A-F]{10}", other.patient("A"))


def test_sources_have_a_running_number_and_a_hash():
    pseudonyms = Pseudonyms(KEY)
    assert re.fullmatch(r"series-0001-[0-9a-f]{8}", pseudonyms.source("Doe/IM1"))
    assert re.fullmatch(r"file-0002-[0-9a-f]{8}", pseudonyms.source("Doe/IM2", "file"))
    assert pseudonyms.source("Doe/IM1").startswith("series-0001-")


def test_two_ids_with_one_hash_stay_two_people(monkeypatch):
    monkeypatch.setattr(Pseudonyms, "_digest", lambda self, what, text, attempt=0: f"{attempt:064x}"[::-1])
    pseudonyms = Pseudonyms(KEY)
    assert len({pseudonyms.patient(name) for name in "ABC"}) == 3


def test_a_key_file_gives_the_same_names_again_and_is_private(tmp_path):
    path = tmp_path / "keys" / "key.json"
    first = Pseudonyms.open(path)
    names = first.patient("A"), first.source("a/b"), first.source("ü/\udcff")
    assert not path.exists()
    first.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = Pseudonyms.open(path)
    assert (second.source("ü/\udcff"), second.patient("A"), second.source("a/b")) == (names[2], names[0], names[1])
    body = json.loads(path.read_text())
    assert body["patients"] == {"A": names[0]}
    assert len(bytes.fromhex(body["key"])) == 32
    assert [one.name for one in path.parent.iterdir()] == ["key.json"]


def test_keys_are_drawn_anew(tmp_path):
    assert Pseudonyms.open(tmp_path / "a").patient("A") != Pseudonyms.open(tmp_path / "b").patient("A")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"key": "00", "patients": {}, "sources": {}}', "ZZPHI"])
def test_what_is_no_key_file_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(InputError, match="key") as caught:
        Pseudonyms.open(path)
    assert "ZZPHI" not in str(caught.value)
    assert path.read_text() == content


def test_a_key_that_is_too_short_or_has_no_file_is_refused():
    with pytest.raises(InputError, match="a key of 5 bytes, expected at least 32"):
        Pseudonyms(b"short")
    with pytest.raises(InputError, match="no key file"):
        Pseudonyms(KEY).save()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        Pseudonyms.open(tmp_path / "file" / "key.json").save()
