import json

import pytest

from data_prep.sources.ad_nc_metadata import Entry, read_metadata
from monai_vq.errors import InputError

RAW = "ADNI_raw/ADNI_002_S_0295_MR_MPR__GradWarp_Br_20070219173850420_S21856_I40966.nii"


@pytest.fixture
def write_body(tmp_path):
    def write(body):
        path = tmp_path / "meta_data_with_label.json"
        path.write_text(body if isinstance(body, str) else json.dumps(body))
        return path

    return write


# [entry, what is read]
ENTRIES = [
    [{"label": 0, "raw": RAW, "c1": "x"}, Entry("002_S_0295", "NC")],
    [{"label": "2", "raw": RAW.replace("0295", "10295")}, Entry("002_S_10295", "AD")],
    [{"label": 1, "raw": f"ADNI/002_S_0295/{RAW}"}, Entry("002_S_0295", "MCI")],
    [{"label": 7, "raw": "x.nii"}, Entry("", "")],
    [{"raw": "002_S_0295/ADNI_002_S_0296_MR.nii"}, Entry("", "")],
    [{"label": 0, "raw": "ADNI_002_S_029511_MR.nii"}, Entry("", "NC")],  # six digits are no PTID, nor are five of them
    [{"label": None, "raw": None}, Entry("", "")],
]


@pytest.mark.parametrize(("entry", "expected"), ENTRIES)
def test_entries(write_body, entry, expected):
    assert read_metadata(write_body({"218391": entry})) == {218391: expected}


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"a": {}}', '{"1": []}', '{"1": 2}', '{"²": {}}', "[" * 100_000, "1" * 5000]
)
def test_other_content_is_an_error_that_names_the_file(write_body, body):
    with pytest.raises(InputError, match=r"^meta_data_with_label\.json is"):
        read_metadata(write_body(body))


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_metadata(tmp_path / "none.json")
