import csv
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import prepare_phantom, write_phantom_bids
from monai_vq.data import read_manifest
from monai_vq.errors import InputError


def write(root: Path, **changes) -> Path:
    return write_phantom_bids(root, **{"num_patients": 3, "voxel_size": 8.0, "progress": False, **changes})


def read_tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("cohort") / "bids")


def test_equal_calls_give_equal_bytes_and_another_seed_does_not(cohort, tmp_path):
    assert read_tree(write(tmp_path / "again")) == read_tree(cohort)
    name = "sub-P002/ses-01/anat/sub-P002_ses-01_T1w.nii.gz"
    assert read_tree(write(tmp_path / "other", seed=1))[name] != read_tree(cohort)[name]


def test_a_patient_does_not_depend_on_the_size_of_the_cohort(cohort, tmp_path):
    larger = read_tree(write(tmp_path / "larger", num_patients=4))
    shared = {name: content for name, content in read_tree(cohort).items() if name.startswith("sub-")}
    assert {name: larger[name] for name in shared} == shared


def test_layout_and_tables(cohort):
    with (cohort / "participants.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["participant_id"] for row in rows] == ["sub-P001", "sub-P002", "sub-P003"]
    assert [row["diagnosis"] for row in rows] == ["CN", "AD", "CN"]
    assert all(60 <= float(row["age"]) <= 88 and row["sex"] in ("F", "M") for row in rows)
    sessions = (cohort / "sub-P001/sub-P001_sessions.tsv").read_text(encoding="utf-8").splitlines()
    assert sessions == ["session_id\tage", f"ses-01\t{rows[0]['age']}", f"ses-02\t{float(rows[0]['age']) + 2:.1f}"]
    scans = sorted(path.relative_to(cohort).as_posix() for path in cohort.rglob("*.nii.gz"))
    assert scans[:2] == [f"sub-P001/ses-0{n}/anat/sub-P001_ses-0{n}_T1w.nii.gz" for n in (1, 2)]
    assert len(scans) == 4
    image = nib.load(cohort / scans[0])
    assert image.get_data_dtype() == np.int16
    assert image.header.get_zooms() == (8, 8, 8)


def test_a_complete_tree_is_left_alone_and_any_other_refused(cohort, tmp_path):
    root = shutil.copytree(cohort, tmp_path / "bids")
    scan = root / "sub-P003/ses-01/anat/sub-P003_ses-01_T1w.nii.gz"
    scan.write_bytes(b"touched")
    assert write(root) == root
    assert scan.read_bytes() == b"touched"
    with pytest.raises(InputError, match="not the phantom cohort asked for"):
        write(root, seed=1)
    scan.unlink()
    with pytest.raises(InputError, match=r"lacks 1 scan\(s\), first sub-P003"):
        write(root)


def test_what_a_killed_run_left_is_replaced_and_a_failed_run_leaves_nothing(cohort, tmp_path, monkeypatch):
    (tmp_path / ".bids.part/rest").mkdir(parents=True)
    assert read_tree(write(tmp_path / "bids")) == read_tree(cohort)
    monkeypatch.setattr("data_prep.phantom.layouts.bids.phantom_scan", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "failed")
    assert [path.name for path in tmp_path.iterdir()] == ["bids"]


@pytest.mark.parametrize("changes", [{"num_patients": 0}, {"seed": -1}, {"voxel_size": 0.1}])
def test_settings_out_of_range(tmp_path, changes):
    with pytest.raises(InputError, match="expected at least 1 patient"):
        write(tmp_path / "bids", **changes)
    assert not list(tmp_path.iterdir())


def test_the_cohort_goes_the_way_of_a_download(tmp_path):
    summary = prepare_phantom(tmp_path / "phantom", num_patients=6, num_slices=4, progress=False)
    records = read_manifest(tmp_path / "phantom")
    assert summary.n_rejected == 0
    assert {record.patient_id for record in records} == {f"sub-P00{n}" for n in range(1, 7)}
    assert [record.scan_id for record in records[:2]] == ["sub-P001_ses-01", "sub-P001_ses-02"]
    assert {record.axes for record in records} == {"PSR", "LIA"}
    assert {record.diagnosis for record in records} == {"CN", "AD"}
    assert records[1].age == pytest.approx(records[0].age + 2)
    assert (tmp_path / "phantom_bids/participants.tsv").is_file()
