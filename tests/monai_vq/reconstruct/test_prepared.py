import shutil

import numpy as np
import pytest

from monai_vq.data import VolumeError, read_manifest, read_splits, read_volume
from monai_vq.errors import InputError
from monai_vq.reconstruct.prepared import find_prepared, is_prepared, read_prepared


def test_the_scans_of_a_split_are_found(tiny_dataset):
    assert is_prepared(tiny_dataset)
    assert not is_prepared(tiny_dataset.parent)
    assert len(find_prepared(tiny_dataset).scans) == 6
    splits = read_splits(tiny_dataset)
    for split in ("train", "val", "test"):
        assert {scan.patient_id for scan in find_prepared(tiny_dataset, split).scans} == set(splits.splits[split])


def test_the_slices_are_the_volume_s_own_within_the_window(tiny_dataset):
    record = read_manifest(tiny_dataset)[0]
    cut, placement, volume = read_prepared(tiny_dataset, record)
    source = read_volume(tiny_dataset.parent / "bids" / record.source)
    low, high = record.window_low, record.window_high
    view, expected = placement.in_plane(volume), placement.in_plane(np.clip(source.array, low, high))
    for index in record.slice_indices:
        np.testing.assert_allclose(view[index], expected[index], atol=(high - low) / 131070 + 1e-4)
    others = sorted(set(range(len(view))) - set(record.slice_indices))
    assert (view[others] == np.float32(low)).all()
    assert cut.slice_indices == record.slice_indices


def test_an_unknown_split_is_refused(tiny_dataset):
    with pytest.raises(InputError, match="expected one of all, train, val, test"):
        find_prepared(tiny_dataset, "tset")


@pytest.mark.parametrize(
    ("slices", "reason"),
    [
        (np.zeros((4, 24, 20, 3), np.uint8), "in colour"),
        (np.zeros((3, 24, 20), np.uint16), "3 slices on disk, 4 in the manifest"),
        (None, "its file of slices is damaged"),
    ],
)
def test_slices_that_are_not_those_of_the_manifest_are_refused(tiny_dataset, tmp_path, slices, reason):
    shutil.copytree(tiny_dataset, tmp_path / "copy")
    record = read_manifest(tmp_path / "copy")[0]
    path = record.slices_path(tmp_path / "copy")
    path.write_bytes(b"no array at all") if slices is None else np.save(path, slices)
    with pytest.raises(VolumeError, match=reason):
        read_prepared(tmp_path / "copy", record)
