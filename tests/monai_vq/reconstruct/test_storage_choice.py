from collections import namedtuple

import numpy as np
import pytest

from data_prep.phantom.layouts.dicom_image import DicomSeries, make_slices, save_dicom
from monai_vq.data import VolumeError
from monai_vq.data.storage import MEMORY, Disk, Memory
from monai_vq.reconstruct import storage_choice
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.prepared import find_prepared
from monai_vq.reconstruct.storage_choice import (
    DISK_BYTES_A_VOXEL,
    MEMORY_BYTES_A_VOXEL,
    choose_storage,
    count_voxels,
)

VOXELS = 24 * 28 * 20


@pytest.fixture
def scan(tmp_path, write_head):
    return find_inputs(write_head(tmp_path / "head.nii.gz")).scans[0]


@pytest.fixture
def room(monkeypatch, tmp_path):
    """Sets how many bytes of memory and of disk are free, whatever holds the files of the tests."""
    monkeypatch.setattr(storage_choice, "_MOUNTS", tmp_path / "no mounts")

    def set_free(memory: int | None, disk: int = 10**15) -> None:
        usage = namedtuple("usage", "total used free")(10**15, 0, disk)
        monkeypatch.setattr(storage_choice, "available_memory", lambda: memory)
        monkeypatch.setattr(storage_choice.shutil, "disk_usage", lambda path: usage)

    return set_free


def test_headers_say_how_many_voxels_there_are(tmp_path, scan):
    assert count_voxels(scan) == VOXELS
    voxels = np.arange(5 * 6 * 9, dtype=np.int16).reshape(5, 6, 9)
    for number, dataset in enumerate(make_slices(voxels, np.diag([2.0, 2, 2, 1]), DicomSeries())):
        save_dicom(dataset, tmp_path / f"series/{number}")
    (series,) = find_inputs(tmp_path / "series").scans
    assert count_voxels(series) == voxels.size
    scan.files[0].write_bytes(b"no volume")
    assert count_voxels(scan) == 0


def test_a_prepared_scan_has_the_voxels_of_its_volume(tiny_dataset):
    prepared = find_prepared(tiny_dataset).scans[0]
    (volume,) = find_inputs(tiny_dataset.parent / "bids" / prepared.place).scans
    assert count_voxels(prepared) == count_voxels(volume) > 0


def test_memory_is_taken_as_long_as_it_lasts_and_the_disk_from_then_on(scan, tmp_path, room):
    room(VOXELS * MEMORY_BYTES_A_VOXEL)
    chosen = choose_storage(scan, tmp_path / "new")
    assert isinstance(chosen, Memory)
    assert chosen.max_bytes > MEMORY.max_bytes  # of which nobody knows whether they are free
    room(VOXELS * MEMORY_BYTES_A_VOXEL - 1)
    chosen = choose_storage(scan, tmp_path / "new")
    assert isinstance(chosen, Disk)
    assert chosen.folder == tmp_path / "new"


def test_where_nothing_says_what_is_free_memory_takes_what_is_not_large(scan, tmp_path, room, monkeypatch):
    room(None)
    assert choose_storage(scan, tmp_path / "new") is MEMORY
    monkeypatch.setattr(storage_choice, "MAX_VOLUME_BYTES", 8 * VOXELS - 1)
    assert isinstance(choose_storage(scan, tmp_path / "new"), Disk)


def test_what_fits_nowhere_is_refused_before_it_is_read(scan, tmp_path, room):
    room(0, VOXELS * DISK_BYTES_A_VOXEL - 1)
    with pytest.raises(VolumeError, match=r"0\.0 GiB of memory or 0\.0 GiB of disk.*--output_dir on a larger disk"):
        choose_storage(scan, tmp_path / "new")
    room(0, VOXELS * DISK_BYTES_A_VOXEL)
    assert isinstance(choose_storage(scan, tmp_path / "new"), Disk)


@pytest.mark.parametrize(("kind", "refused"), [("tmpfs", True), ("ext4", False)])
def test_a_folder_in_memory_holds_no_more_than_memory(scan, tmp_path, room, monkeypatch, kind, refused):
    mounts = tmp_path / "mounts"
    target = tmp_path / "a place"
    target.mkdir()
    escaped = str(target).replace(" ", r"\040")
    mounts.write_text(f"none / {'ext4' if refused else 'tmpfs'} rw 0 0\nnone {escaped} {kind} rw,size=9k 0 0\n")
    monkeypatch.setattr(storage_choice, "_MOUNTS", mounts)
    room(0)
    if refused:
        with pytest.raises(VolumeError, match=r"--output_dir lies in memory as well.*on a disk"):
            choose_storage(scan, target / "new")
    else:
        assert isinstance(choose_storage(scan, target / "new"), Disk)
    room(10**15)
    assert isinstance(choose_storage(scan, target / "new"), Memory)


def test_an_absurd_header_is_left_to_the_reader(tmp_path, write_head, room):
    path = write_head(tmp_path / "head.nii")
    content = bytearray(path.read_bytes())
    content[42:48] = (30000).to_bytes(2, "little") * 3
    path.write_bytes(content)
    (scan,) = find_inputs(path).scans
    room(10**9)
    with pytest.raises(VolumeError, match="impossible dimensions"):
        scan.read(scan.files, choose_storage(scan, tmp_path))
