from dataclasses import fields, replace

import pytest

from monai_vq.data import ScanRecord, read_manifest, write_manifest
from monai_vq.data.manifest import format_row, parse_row
from monai_vq.errors import InputError

COLUMNS = (
    "patient_id,session_id,scan_id,diagnosis,age,sex,site,field_strength,source,sha256,shape,spacing,axes,affine,plane,window_low,window_high,"
    "slice_indices,slice_spacing,foreground_box,warnings,slices_sha256,mask_sha256,labels_sha256"
)


def test_columns_are_the_documented_ones(dataset_dir):
    assert (dataset_dir / "manifest.csv").read_text().splitlines()[0] == COLUMNS
    assert ",".join(field.name for field in fields(ScanRecord)) == COLUMNS


def test_a_row_survives_the_round_trip_exactly(make_record):
    for record in (
        make_record("sub-P01"),
        make_record("sub-P02", diagnosis='Alzheimer, "early"', age=None, sex="", session_id="ses-02"),
        make_record("sub-P03", window_low=-0.1, window_high=1 / 3),
    ):
        assert parse_row(format_row(record)) == record


def test_cells_are_written_as_documented(make_record):
    row = format_row(make_record("sub-P01", age=None))
    assert (row["shape"], row["spacing"], row["slice_indices"]) == ("24x28x20", "8.0x8.0x7.9375", "9 10 12")
    assert (row["foreground_box"], row["slice_spacing"], row["age"]) == ("1 9 0 8", "8.0x7.9375", "")


def test_read_manifest_returns_what_was_written(dataset_dir):
    records = read_manifest(str(dataset_dir))
    write_manifest(dataset_dir / "again.csv", records)
    assert (dataset_dir / "again.csv").read_bytes() == (dataset_dir / "manifest.csv").read_bytes()
    assert [record.patient_id for record in records] == [f"sub-P{index:02d}" for index in range(5)]


def test_a_missing_folder_and_a_missing_manifest_name_the_command(tmp_path):
    with pytest.raises(InputError, match=rf"no manifest.csv in {tmp_path}; .*python -m data_prep SOURCE --source DIR"):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match=rf"no prepared dataset at {tmp_path}/none; .*python -m data_prep SOURCE"):
        read_manifest(tmp_path / "none")


@pytest.mark.parametrize("name", ["slices/sub-P01.npy", "slices/sub-P01_mask.npy"])
def test_missing_slices_are_named(dataset_dir, name):
    (dataset_dir / name).unlink()
    with pytest.raises(InputError, match=rf"1 of the files .* missing, first .*{name}"):
        read_manifest(dataset_dir)


# [what to replace in the file, by what, the message]
EDITS = [
    ["slice_indices,", "slices,", "lacks the columns slice_indices"],
    ["24x28x20", "24by28", "line 2"],
    ["sub-P01,,sub-P01", "sub-P01,,../../sub-P01", "not a plain name"],
    ["sub-P01,,sub-P01", "sub-P00,,sub-P00", "scans twice: sub-P00"],
]


@pytest.mark.parametrize(("old", "new", "message"), EDITS)
def test_an_edited_manifest_is_refused(dataset_dir, old, new, message):
    path = dataset_dir / "manifest.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        read_manifest(dataset_dir)


def test_a_manifest_without_rows_or_with_a_short_row_is_refused(dataset_dir, make_record):
    path = dataset_dir / "manifest.csv"
    path.write_text(f"{COLUMNS}\nsub-P01,,sub-P01\n")
    with pytest.raises(InputError, match="line 2"):
        read_manifest(dataset_dir)
    path.write_text(f"{COLUMNS}\n")
    with pytest.raises(InputError, match="no scans"):
        read_manifest(dataset_dir)


def test_records_are_immutable(make_record):
    with pytest.raises(AttributeError):
        make_record("sub-P01").age = 3
    assert replace(make_record("sub-P01"), age=3.0).age == 3.0
