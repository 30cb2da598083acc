import re
from pathlib import Path

from data_prep.pseudonyms import Pseudonyms
from data_prep.sources.dicom_names import DicomNames, default_key_file

ROOT = Path("/exports/ward")
FILES = [ROOT / "Doe_Jane/b", ROOT / "Doe_Jane/a"]


def test_pseudonyms_stand_for_ids_and_paths():
    pseudonyms = Pseudonyms(bytes(32))
    names = DicomNames(ROOT, pseudonyms)
    assert names.patient("Doe 1") == pseudonyms.patients["Doe 1"]
    assert re.fullmatch(r"series-0001-[0-9a-f]{8}", names.place(FILES, "series"))
    assert list(pseudonyms.sources) == ["Doe_Jane/a"]  # the first by name, so that the order of slices does not matter


def test_ids_and_paths_are_kept_on_demand():
    names = DicomNames(ROOT, None)
    assert names.patient("OAS1_0001") == "OAS1_0001"
    assert names.place(FILES, "series") == "Doe_Jane/a"


def test_kept_ids_become_plain_and_stay_apart():
    names = DicomNames(ROOT, None)
    ids = [names.patient(original) for original in ("A 1", "A-1", "A/1", "../x", "ß", "^")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]*", one) for one in ids)


def test_the_default_key_file_lies_beside_the_source(tmp_path):
    assert default_key_file(tmp_path / "ward") == tmp_path.resolve() / "ward.pseudonyms.json"
