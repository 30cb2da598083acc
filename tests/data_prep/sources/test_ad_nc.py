import argparse
import json
import shutil
from pathlib import Path

import pytest

from data_prep.phantom import PhantomPatient
from data_prep.phantom.layouts.ad_nc import write_ad_nc
from data_prep.phantom.layouts.adni import adni_patient_id
from data_prep.sources.ad_nc import AD_NC, find_ad_nc
from monai_vq.data import files_sha256
from monai_vq.errors import InputError

PATIENTS = [PhantomPatient.draw(seed=0, index=index) for index in range(6)]
METADATA = "meta_data_with_label.json"


@pytest.fixture(scope="module")
def download(tmp_path_factory) -> Path:
    """Six patients, nine scans; of the three patients in test, the two who came back are in train too."""
    root = tmp_path_factory.mktemp("ad_nc")
    write_ad_nc(root, PATIENTS, 8.0)
    return root


@pytest.fixture
def copy(download, tmp_path) -> Path:
    return shutil.copytree(download, tmp_path / "ad_nc")


def change_metadata(root: Path, number: str, **changes) -> None:
    body = json.loads((root / METADATA).read_text())
    body[number] |= changes
    (root / METADATA).write_text(json.dumps(body))


def test_with_the_metadata_the_patient_is_the_unit(download):
    found = find_ad_nc(download)
    assert found.unit == "patient"
    assert {scan.patient_id for scan in found.scans} == {adni_patient_id(patient) for patient in PATIENTS}
    assert [scan.scan_id for scan in found.scans[:3]] == [
        "002_S_0295_I00218000",
        "002_S_0295_I00218001",
        "002_S_0295_I00218002",
    ]
    assert [scan.session_id for scan in found.scans[:3]] == ["I00218000", "I00218001", "I00218002"]
    diagnoses = {adni_patient_id(patient): {"CN": "NC", "AD": "AD"}[patient.diagnosis] for patient in PATIENTS}
    assert all(scan.person.diagnosis == diagnoses[scan.patient_id] for scan in found.scans)
    assert {scan.split for scan in found.scans} == {""}  # split anew
    assert not found.rejections


def test_the_leak_of_the_shipped_split_is_counted(download):
    notes = find_ad_nc(download).notes
    assert notes[0] == "in the shipped split 2 of 3 test patients are also in train; patients are split anew"
    assert notes[1] == f"1 of 10 entries of {METADATA} have no slices here"
    with pytest.raises(InputError, match=r"--keep_split: 2 of 3 test patients are also in train; leave it out"):
        find_ad_nc(download, keep_split=True)


def test_a_shipped_split_without_leak_can_be_kept(copy):
    for path in [*copy.glob("AD_NC/test/*/218001_*"), *copy.glob("AD_NC/test/*/1182031_*")]:
        path.unlink()
    found = find_ad_nc(copy, keep_split=True)
    assert {scan.patient_id: scan.split for scan in found.scans if scan.split == "test"} == {"002_S_0299": "test"}
    assert {scan.split for scan in found.scans} == {"train", "test"}
    assert found.notes[0] == "in the shipped split 0 of 1 test patients are also in train; it is kept"


def test_without_the_metadata_the_scan_is_the_unit_and_nothing_is_claimed(copy, tmp_path):
    metadata = (copy / METADATA).rename(tmp_path / "labels.json")
    found = find_ad_nc(copy)
    assert found.unit == "scan"
    assert "whose it is, is unknown" in found.id_rule
    assert found.scans[0].scan_id == found.scans[0].patient_id == "I00218000"
    assert {scan.session_id for scan in found.scans} == {""}
    assert len({scan.patient_id for scan in found.scans}) == len(found.scans) == 9
    assert "that no patient is in two splits cannot be claimed" in found.notes[0]
    with pytest.raises(InputError, match=r"--keep_split without meta_data_with_label\.json"):
        find_ad_nc(copy, keep_split=True)
    assert find_ad_nc(copy, metadata=metadata).unit == "patient"


def test_the_position_of_the_slices_by_class_is_told(download):
    (note,) = [note for note in find_ad_nc(download).notes if note.startswith("slices of a scan")]
    assert note.startswith("slices of a scan, and scans of AD / NC that have them: 67-")
    assert "these numbers alone tell the class of" in note


def test_slices_are_read_in_numeric_order(copy):
    for path in list(copy.glob("AD_NC/train/NC/218000_*")):
        number = int(path.stem.partition("_")[2])
        path.rename(path.with_name(f"218000_{number + 20}.jpeg"))  # 95 to 114: as text, 114 comes before 95
    scan = next(scan for scan in find_ad_nc(copy).scans if scan.scan_id.endswith("I00218000"))
    numbers = [int(path.stem.partition("_")[2]) for path in scan.files]
    assert numbers == sorted(numbers)
    assert numbers[0] == 95
    assert numbers[-1] > 99
    stack = scan.read(scan.files)
    assert stack.slice_indices == tuple(numbers)
    assert stack.sha256 == files_sha256(scan.files)
    assert scan.source == f"AD_NC/train/NC/218000_{numbers[0]}.jpeg"


@pytest.mark.parametrize("below", [".", "AD_NC"])
def test_the_source_may_be_any_of_the_upper_folders(download, below):
    assert [scan.scan_id for scan in find_ad_nc(download / below).scans] == [
        scan.scan_id for scan in find_ad_nc(download).scans
    ]


# [change of the entry of one scan, reason]
UNUSABLE = [
    [{"raw": "somewhere/x.nii"}, "does not say whose scan 218020 is"],
    [{"raw": "ADNI_raw/002_S_0295/ADNI_002_S_0296_MR.nii"}, "does not say whose scan 218020 is"],
    [{"label": 2}, "the scan lies in NC, meta_data_with_label.json says AD"],
    [{"label": 1}, "the scan lies in NC, meta_data_with_label.json says MCI"],
]


@pytest.mark.parametrize(("change", "reason"), UNUSABLE)
def test_scans_of_unknown_people_or_doubtful_class_are_rejected(copy, change, reason):
    change_metadata(copy, "218020", **change)
    found = find_ad_nc(copy)
    (rejection,) = found.rejections
    assert reason in rejection.reason
    assert rejection.source.startswith("AD_NC/train/NC/218020_")
    assert len(found.scans) == 8


def test_a_scan_with_slices_on_both_sides_is_joined(copy):
    (copy / "AD_NC/train/NC/218020_94.jpeg").rename(copy / "AD_NC/test/NC/218020_94.jpeg")
    found = find_ad_nc(copy)
    (scan,) = [scan for scan in found.scans if scan.scan_id.endswith("I00218020")]
    assert {path.parts[-3] for path in scan.files} == {"train", "test"}
    assert found.notes[0] == "1 scan(s) have slices in train and in test, which are joined"
    assert "3 of 4 test patients" in found.notes[1]


def test_gaps_are_noted(copy):
    (copy / "AD_NC/train/NC/218020_97.jpeg").unlink()
    assert "1 scan(s) lack slices between their first and last" in find_ad_nc(copy).notes


def test_folders_of_another_kind(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        find_ad_nc(tmp_path / "none")
    with pytest.raises(InputError, match="no folder train or test with AD and NC in"):
        find_ad_nc(tmp_path)
    (tmp_path / "train/AD").mkdir(parents=True)
    (tmp_path / "train/AD/brain.jpeg").touch()
    with pytest.raises(InputError, match=r"no scan in .*1 were rejected.*train/AD/brain.jpeg: the name is not of the"):
        find_ad_nc(tmp_path)


def test_the_command_line_has_the_options_that_find_takes():
    parser = argparse.ArgumentParser()
    AD_NC.add_arguments(parser)
    assert vars(parser.parse_args([])) == {"metadata": None, "keep_split": False}
    assert set(AD_NC.options) == {"metadata", "keep_split"}
