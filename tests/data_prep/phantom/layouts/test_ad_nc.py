import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prep.phantom import PhantomPatient
from data_prep.phantom.layouts.ad_nc import slice_scan_number, write_ad_nc

PATIENTS = [PhantomPatient.draw(seed=0, index=index) for index in range(5)]


def read_tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def download(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("ad_nc")
    write_ad_nc(root, PATIENTS, 8.0)
    return root


def test_equal_calls_give_equal_bytes_and_the_metadata_can_be_left_out(download, tmp_path):
    write_ad_nc(tmp_path, PATIENTS, 8.0, metadata=False)
    assert read_tree(tmp_path) == {
        name: content for name, content in read_tree(download).items() if not name.endswith(".json")
    }


def test_one_person_has_scans_on_both_sides(download):
    numbers = [slice_scan_number(PATIENTS[0], scan) for scan in range(3)]
    places = {path.parts[-3:-1] for number in numbers for path in download.glob(f"AD_NC/*/*/{number}_*.jpeg")}
    assert places == {("train", "NC"), ("test", "NC")}
    entries = json.loads((download / "meta_data_with_label.json").read_text())
    assert len({entries[str(number)]["raw"].split("_MR_")[0] for number in numbers}) == 1
    assert Counter(entry["label"] for entry in entries.values()) == {0: 5, 2: 3, 1: 1}


def test_pictures_are_those_of_the_download(download):
    number = slice_scan_number(PATIENTS[0], 0)
    pictures = [Image.open(path) for path in sorted(download.glob(f"AD_NC/train/NC/{number}_*.jpeg"))]
    assert {(picture.format, picture.mode, picture.size) for picture in pictures} == {("JPEG", "L", (256, 240))}
    assert 10 < len(pictures) <= 20
    dark = Image.open(next(download.glob(f"AD_NC/train/NC/{slice_scan_number(PATIENTS[0], 2)}_*.jpeg")))
    assert np.asarray(dark).max() < 80 < np.asarray(pictures[0]).max()
    assert np.asarray(pictures[0])[:8, :8].max() == 0  # the skull is stripped
