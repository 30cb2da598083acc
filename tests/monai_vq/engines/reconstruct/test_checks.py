from pathlib import Path

import pytest

from monai_vq.engines.reconstruct.checks import check_places, check_request
from monai_vq.errors import InputError
from monai_vq.reconstruct.input_scan import FoundScans


def test_places_apart_are_fine_even_with_one_name(tmp_path):
    (tmp_path / "scans").mkdir()
    assert check_places(tmp_path / "scans", tmp_path / "scans_out") == tmp_path / "scans"


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("in", "in/out", "lies in the input"),
        ("in", "in", "lies in the input"),
        ("in/deep", "in", "lies in --output_dir"),
    ],
)
def test_one_in_the_other_is_refused(tmp_path, source, target, message):
    (tmp_path / "in/deep").mkdir(parents=True)
    with pytest.raises(InputError, match=message):
        check_places(tmp_path / source, tmp_path / target)


def test_no_input_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="--input is missing"):
        check_places(None, Path("out"))
    with pytest.raises(InputError, match="nothing to reconstruct"):
        check_request(FoundScans(), tmp_path, None, "all", False)
