import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data_prep.prepare import prepare_source
from monai_vq.data import read_manifest, read_splits, verify_dataset
from monai_vq.errors import InputError

IXI = Path(__file__).parents[2].parent / "shared" / "data" / "ixi_t1_2mm"
WIDE = {"slice_range": (0.2, 0.8), "progress": False}


def test_a_tree_becomes_a_dataset_that_verifies(bids_tree, tmp_path):
    summary = prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    records = read_manifest(tmp_path / "out")
    assert verify_dataset(tmp_path / "out") == []
    assert [record.scan_id for record in records] == sorted(record.scan_id for record in records)
    assert len(records) == 8
    assert {record.axes for record in records} == {"RAS", "PSR", "LIA", "LPS", "ASL"}
    assert summary.qc_page.is_file()
    assert [path.name for path in tmp_path.joinpath("out").glob(".*")] == []
    assert (summary.n_rejected, summary.n_reused) == (0, 0)
    assert (tmp_path / "out/rejected.csv").read_text() == "source,reason,remedy\n"
    for record in records:
        slices = np.load(record.slices_path(tmp_path / "out"), mmap_mode="r")
        assert slices.dtype == np.uint16
        assert slices.shape == (len(record.slice_indices), 28, 24)
        assert (record.plane, record.shape == (24, 28, 20)) == ("axial", record.axes in ("RAS", "LPS"))


def test_split_keeps_patients_whole_and_the_tables_values(bids_tree, tmp_path):
    summary = prepare_source("bids", bids_tree, tmp_path / "out", fractions=(0.5, 0.25, 0.25), **WIDE)
    splits = read_splits(tmp_path / "out")
    assert splits == summary.splits
    assert splits.stratified_by == ["diagnosis", "sex"]
    assert sum(row["n_scans"] for row in splits.table.values()) == 8
    assert sum(row["n_patients"] for row in splits.table.values()) == 6
    by_id = {record.scan_id: record for record in read_manifest(tmp_path / "out")}
    assert (by_id["sub-P03_run-2"].age, by_id["sub-P03_run-2"].sex, by_id["sub-P03_run-2"].diagnosis) == (63, "M", "AD")


def test_fewer_patients_than_splits_leave_nothing(bids_tree, tmp_path):
    for index in range(2, 6):
        shutil.rmtree(bids_tree / f"sub-P{index:02d}")
    with pytest.raises(InputError, match=r"2 patient\(s\) for 3 splits; add patients.* each of train, val, test$"):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert not (tmp_path / "out").exists()


def test_an_error_for_too_few_patients_says_why_volumes_are_missing(bids_tree, tmp_path):
    for index in range(2, 6):
        (bids_tree / f"sub-P{index:02d}").rename(bids_tree / f"sub-P_{index:02d}")
    with pytest.raises(InputError, match=r"2 patient\(s\) .* 4 were rejected, .*sub-P_02: the label 'P_02'"):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    for index in range(2, 6):
        (bids_tree / f"sub-P_{index:02d}").rename(bids_tree / f"sub-P{index:02d}")
    for path in sorted(bids_tree.glob("sub-*/**/sub-*_T1w.nii.gz"))[1:]:
        path.write_bytes(b"")
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match=r"1 patient\(s\) .* 7 were rejected, .*the file is empty"):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert list((tmp_path / "out").iterdir()) == []


def test_provenance_has_the_settings_versions_and_hashes_but_no_path(bids_tree, tmp_path):
    prepare_source("bids", bids_tree, tmp_path / "out", command="python -m data_prep bids", **WIDE)
    text = (tmp_path / "out/provenance.json").read_text()
    provenance = json.loads(text)
    assert provenance["settings"]["slice_range"] == [0.2, 0.8]
    assert provenance["settings"]["foreground"] == "half-otsu-v2"
    assert {"monai_vq", "python", "numpy", "nibabel"} <= provenance["versions"].keys()
    assert provenance["sha256"].keys() == {"manifest.csv", "splits.json"}
    assert str(tmp_path) not in "".join(
        path.read_text() for path in (tmp_path / "out").rglob("*") if path.suffix in (".csv", ".json", ".html")
    )


@pytest.mark.skipif(not IXI.is_dir(), reason="the IXI brains are not beside this checkout")
def test_real_brains_have_brain_in_every_slice(tmp_path):
    source = tmp_path / "ixi"
    for patient in sorted(IXI.glob("sub-*"))[:3]:
        shutil.copytree(patient, source / patient.name)
    shutil.copy(IXI / "participants.tsv", source)
    prepare_source("bids", source, tmp_path / "out", progress=False)
    for record in read_manifest(tmp_path / "out"):
        slices, masks = np.load(record.slices_path(tmp_path / "out")), np.load(record.mask_path(tmp_path / "out"))
        assert (slices.shape[1:], record.slice_spacing) == ((120, 90), (2.0, 2.0))
        assert 35 < len(slices) < 55
        assert masks.mean(axis=(1, 2)).min() > 0.15  # the range ends below the vertex
        assert 0.4 < slices[masks].mean() / 65535 < 0.6
        assert slices[~masks].mean() / 65535 < 0.02
