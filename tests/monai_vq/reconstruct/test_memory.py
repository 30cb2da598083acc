import numpy as np
import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.data import VolumeError
from monai_vq.reconstruct import memory
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.memory import BYTES_A_VOXEL, available_memory, check_memory, count_voxels

VOXELS = 24 * 28 * 20


@pytest.fixture
def scan(tmp_path, write_head):
    return find_inputs(write_head(tmp_path / "head.nii.gz")).scans[0]


def test_headers_say_how_many_voxels_there_are(tmp_path, scan):
    assert count_voxels(scan) == VOXELS
    voxels = np.arange(5 * 6 * 9, dtype=np.int16).reshape(5, 6, 9)
    for number, dataset in enumerate(make_slices(voxels, np.diag([2.0, 2, 2, 1]), DicomSeries())):
        save_dicom(dataset, tmp_path / f"series/{number}")
    (series,) = find_inputs(tmp_path / "series").scans
    assert count_voxels(series) == voxels.size
    scan.files[0].write_bytes(b"no volume")
    assert count_voxels(scan) == 0


def test_a_volume_that_does_not_fit_is_refused_before_it_is_read(scan, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: VOXELS * BYTES_A_VOXEL)
    check_memory(scan)
    monkeypatch.setattr(memory, "available_memory", lambda: VOXELS * BYTES_A_VOXEL - 1)
    with pytest.raises(VolumeError, match=r"it needs about 0\.0 GiB of memory"):
        check_memory(scan)
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    check_memory(scan)


def test_linux_says_what_is_free_and_others_do_not(tmp_path, monkeypatch):
    path = tmp_path / "meminfo"
    path.write_text("MemTotal:       16000000 kB\nMemAvailable:    4000000 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", path)
    assert available_memory() == 4_096_000_000
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    assert available_memory() is None
