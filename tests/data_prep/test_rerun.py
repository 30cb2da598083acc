import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep import scan_loop
from data_prep.phantom import PhantomPatient
from data_prep.phantom.layouts.oasis1 import write_oasis1
from data_prep.prepare import prepare_source
from data_prep.rerun import refuse_changed_rows
from monai_vq.data import read_manifest, verify_dataset
from monai_vq.errors import InputError

WIDE = {"slice_range": (0.2, 0.8), "progress": False}


def contents(root: Path) -> dict[str, bytes]:
    """All files but provenance.json, which holds the date."""
    files = (path for path in root.rglob("*") if path.is_file() and path.name != "provenance.json")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_an_equal_second_run_takes_everything_over_and_changes_no_byte(bids_tree, tmp_path):
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    before = contents(tmp_path / "out")
    summary = prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert summary.n_reused == 8
    assert contents(tmp_path / "out") == before
    prepare_source("bids", bids_tree, tmp_path / "elsewhere", **WIDE)
    assert contents(tmp_path / "elsewhere") == before


def test_a_killed_run_leaves_no_half_file_and_is_continued(bids_tree, tmp_path, monkeypatch):
    prepare_source("bids", bids_tree, tmp_path / "whole", **WIDE)
    real, out = scan_loop.save_scan, tmp_path / "out"
    calls = iter(range(9))

    def kill_at_the_fourth(cut, output_dir):
        if next(calls) == 3:
            (output_dir / "slices" / f".{cut.record.scan_id}.npy.part").write_bytes(b"half")
            raise KeyboardInterrupt
        return real(cut, output_dir)

    monkeypatch.setattr(scan_loop, "save_scan", kill_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        prepare_source("bids", bids_tree, out, **WIDE)
    with pytest.raises(InputError, match=r"no manifest\.csv"):
        read_manifest(out)
    monkeypatch.setattr(scan_loop, "save_scan", real)
    assert prepare_source("bids", bids_tree, out, **WIDE).n_reused == 3
    assert contents(out) == contents(tmp_path / "whole")


def test_damaged_slices_are_made_again_by_a_second_run(bids_tree, tmp_path):
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    before = contents(tmp_path / "out")
    (tmp_path / "out/slices/sub-P00.npy").write_bytes(b"")
    (tmp_path / "out/slices/sub-P01_mask.npy").unlink()
    assert prepare_source("bids", bids_tree, tmp_path / "out", **WIDE).n_reused == 6
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"plane": "coronal"}, {"slice_range": (0.3, 0.8)}, {"num_slices": 4}, {"fractions": (0.6, 0.2, 0.2)}],
)
def test_other_settings_are_refused_without_touching_the_dataset(bids_tree, tmp_path, changed):
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match=rf"other settings \({next(iter(changed))}\); .*--force"):
        prepare_source("bids", bids_tree, tmp_path / "out", **(WIDE | changed))
    assert contents(tmp_path / "out") == before


def test_force_replaces_the_dataset_and_nothing_else(bids_tree, tmp_path):
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    (tmp_path / "out/my_notes.txt").write_text("mine")
    prepare_source("bids", bids_tree, tmp_path / "out", plane="coronal", force=True, **WIDE)
    assert {record.plane for record in read_manifest(tmp_path / "out")} == {"coronal"}
    assert (tmp_path / "out/my_notes.txt").read_text() == "mine"
    assert verify_dataset(tmp_path / "out") == []


def test_a_folder_of_something_else_is_never_written_to_even_with_force(bids_tree):
    before = contents(bids_tree)
    with pytest.raises(InputError, match="is not a prepared dataset; choose another"):
        prepare_source("bids", bids_tree, bids_tree, force=True, **WIDE)
    assert contents(bids_tree) == before


def add_patient(root, write_head):
    write_head(root / "sub-P09/anat/sub-P09_T1w.nii.gz", 9)


def drop_patient(root, write_head):
    shutil.rmtree(root / "sub-P05")


def change_patient(root, write_head):
    write_head(root / "sub-P05/anat/sub-P05_T1w.nii.gz", 99)


def change_table(root, write_head):
    path = root / "participants.tsv"
    path.write_text(path.read_text().replace("AD", "MCI"))


def mend_volume(root, write_head):
    write_head(root / "sub-P06/anat/sub-P06_T1w.nii.gz", 6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (add_patient, "1 volume.* new"),
        (drop_patient, "1 volume.* gone"),
        (change_patient, "1 volume.* changed"),
        (change_table, "split would differ"),
        (mend_volume, "split would differ"),
    ],
)
def test_a_changed_source_never_changes_a_finished_split(bids_tree, tmp_path, write_head, change, message):
    broken = bids_tree / "sub-P06/anat/sub-P06_T1w.nii.gz"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"broken")
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    before = contents(tmp_path / "out")
    change(bids_tree, write_head)
    with pytest.raises(InputError, match=f"{message}.*--force"):
        prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    assert contents(tmp_path / "out") == before
    assert verify_dataset(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"age": 71.5}, "age"),
        ({"diagnosis": "Pick", "age": None}, "diagnosis, age"),
        ({"patient_id": "sub-P05"}, "patient_id"),
    ],
)
def test_a_row_that_would_change_is_refused_by_columns_without_their_values(bids_tree, tmp_path, changes, columns):
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    before, records = contents(tmp_path / "out"), read_manifest(tmp_path / "out")
    assert records[3].scan_id == "sub-P02_ses-02"  # a later session: the split knows the first alone
    (tmp_path / "out/slices/sub-P09.npy").write_bytes(b"of the refused run")
    changed = [*records[:3], replace(records[3], **changes), *records[4:]]
    with pytest.raises(InputError, match=rf"1 row.* sub-P02_ses-02 \({columns}\).*--force") as caught:
        refuse_changed_rows(tmp_path / "out", changed)
    assert not any(word in str(caught.value) for word in ("71", "62", "Pick", "CN"))
    assert contents(tmp_path / "out") == before


def test_rows_that_come_or_go_are_refused_and_equal_ones_pass(bids_tree, tmp_path):
    refuse_changed_rows(tmp_path / "out", [])  # nothing is there to be changed
    prepare_source("bids", bids_tree, tmp_path / "out", **WIDE)
    records = read_manifest(tmp_path / "out")
    refuse_changed_rows(tmp_path / "out", [replace(record, age=int(record.age)) for record in reversed(records)])
    for changed in (records[1:], [*records, replace(records[0], scan_id="sub-P00_new")]):
        with pytest.raises(InputError, match=r"1 row.* first that of sub-P00(_new)? \(scan_id\)"):
            refuse_changed_rows(tmp_path / "out", changed)


def test_changed_labels_are_refused_before_anything_is_touched(tmp_path):
    patients = [PhantomPatient.draw(0, index) for index in range(4)]
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    write_oasis1(source, patients, 8.0, images=("masked_t88", "fsl_seg"))
    prepare_source("oasis1", source, out, own={"labels": True}, **WIDE)
    assert all(record.labels_sha256 for record in read_manifest(out))
    before = contents(out)
    voxels = min(source.glob("disc*/*_MR1/FSL_SEG/[!.]*.img"))
    voxels.write_bytes(bytes(reversed(voxels.read_bytes())))
    with pytest.raises(InputError, match=r"1 volume.* changed .*--force"):
        prepare_source("oasis1", source, out, own={"labels": True}, **WIDE)
    assert contents(out) == before


@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_write_the_same_bytes(bids_tree, tmp_path, workers):
    (bids_tree / "sub-P06/anat").mkdir(parents=True)
    (bids_tree / "sub-P06/anat/sub-P06_T1w.nii.gz").write_bytes(b"broken")
    twin = bids_tree / "sub-P07/anat/sub-P07_T1w.nii.gz"
    twin.parent.mkdir(parents=True)
    shutil.copy(bids_tree / "sub-P05/anat/sub-P05_T1w.nii.gz", twin)
    prepare_source("bids", bids_tree, tmp_path / "one", **WIDE)
    prepare_source("bids", bids_tree, tmp_path / "many", workers=workers, **WIDE)
    assert contents(tmp_path / "many") == contents(tmp_path / "one")
    assert verify_dataset(tmp_path / "many") == []
