"""Volumes that do not fit into memory: their results are those of memory to the bit, and memory stays small."""

import mmap
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from monai_vq.data import VolumeError, read_volume, storage
from monai_vq.data.slicing import SlicingSettings
from monai_vq.data.storage import MEMORY, Disk
from monai_vq.reconstruct.inputs import find_inputs
from monai_vq.reconstruct.reconstructor import ScanReconstructor
from monai_vq.reconstruct.scan_files import ScanFiles

PLANES = ["axial", "coronal", "sagittal"]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(storage, "BLOCK_BYTES", 5000)  # of a head of 54 kB


def is_mapped(array) -> bool:
    """Whether an array's numbers lie in a file."""
    return isinstance(array, np.memmap | mmap.mmap) or (array.base is not None and is_mapped(array.base))


def reconstruct(path: Path, folder: Path, network, place, plane="axial", **options):
    """Takes the one scan of a path through a network; returns what was written, by the name's ending."""
    (scan,) = find_inputs(path, **options).scans
    volume = scan.read(scan.files, place)
    done = ScanReconstructor(network, SlicingSettings(plane, (0.1, 0.9)), (32, 32), batch_size=3).reconstruct(
        volume, storage=place
    )
    files = ScanFiles(folder, "scan")
    files.write(done, scan.header(scan.files), network, "0" * 64)
    return done, {path.name: path.read_bytes() for path in (files.recon, files.error, files.codes)}


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("axes", ["RAS", "PSR", "IAL"])
def test_on_disk_and_in_small_blocks_comes_what_comes_in_memory(
    tmp_path, write_head, identity_network, monkeypatch, axes, plane
):
    image = nib.load(write_head(tmp_path / "a.nii.gz"))
    turned = image.as_reoriented(
        nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(axes))
    )
    nib.save(turned, tmp_path / "head.nii.gz")
    path = tmp_path / "head.nii.gz"
    whole, in_memory = reconstruct(path, tmp_path / "memory", identity_network, MEMORY, plane)
    monkeypatch.setattr(storage, "BLOCK_BYTES", 5000)
    parts, on_disk = reconstruct(path, tmp_path / "disk", identity_network, Disk(tmp_path / "scratch"), plane)
    assert in_memory == on_disk
    assert whole.mean_absolute_error == parts.mean_absolute_error
    assert is_mapped(parts.recon)
    assert is_mapped(parts.original)


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.AnalyzeImage])
def test_pairs_too(tmp_path, write_head, identity_network, small_blocks, kind):
    image = nib.load(write_head(tmp_path / "a.nii.gz"))
    nib.save(kind(np.asarray(image.dataobj, np.int16), image.affine), tmp_path / "pair.img")
    results = [
        reconstruct(tmp_path / "pair.hdr", tmp_path / name, identity_network, place, assume_axes="LAS")[1]
        for name, place in (("memory", MEMORY), ("disk", Disk(tmp_path / "scratch")))
    ]
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("scaling", [(1, 0), (0.37, -12.5), (1e-3, 1e4)])
def test_voxels_in_blocks_are_those_that_nibabel_reads_at_once(tmp_path, small_blocks, dtype, scaling):
    voxels = np.random.default_rng(0).uniform(0, 255, (24, 28, 20)).astype(dtype)
    image = nib.Nifti1Image(voxels, np.diag([2.0, 2, 2, 1]))
    image.header.set_slope_inter(*scaling)
    nib.save(image, tmp_path / "a.nii")
    expected = np.asarray(nib.load(tmp_path / "a.nii").dataobj, np.float32)
    for place in (MEMORY, Disk(tmp_path)):
        np.testing.assert_array_equal(read_volume(tmp_path / "a.nii", storage=place).array, expected)


def test_the_same_is_refused_on_disk(tmp_path, small_blocks, write_head):
    image = nib.load(write_head(tmp_path / "a.nii.gz"))
    voxels = np.asarray(image.dataobj, np.float32)
    voxels[3, 4, 5] = np.nan
    nib.save(nib.Nifti1Image(voxels, image.affine), tmp_path / "nan.nii.gz")
    with pytest.raises(VolumeError, match="1 of 13440 voxels are NaN"):
        read_volume(tmp_path / "nan.nii.gz", storage=Disk(tmp_path))
    damaged = bytearray((tmp_path / "a.nii.gz").read_bytes())
    damaged[-6] ^= 1
    (tmp_path / "b.nii.gz").write_bytes(damaged)
    with pytest.raises(VolumeError, match="damaged"):
        read_volume(tmp_path / "b.nii.gz", storage=Disk(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("axes", ["RAS", "PSR"])
def test_memory_stays_small_beside_the_volume(tmp_path, monkeypatch, identity_network, axes):
    """A head of 240 voxels a side takes 53 MiB in single precision; all that is in memory at a time is a fifth."""
    monkeypatch.setattr(storage, "BLOCK_BYTES", 1 << 20)
    grid = np.indices((60, 60, 60), np.float32) / 30 - 1
    head = np.kron((1000 * (np.sqrt((grid**2).sum(0)) < 0.8)).astype(np.int16), np.ones((4, 4, 4), np.int16))
    head += np.random.default_rng(0).integers(0, 200, head.shape, np.int16)
    turn = nib.orientations.inv_ornt_aff(nib.orientations.axcodes2ornt(axes), head.shape)
    nib.save(nib.Nifti1Image(head, np.diag([0.7, 0.7, 0.7, 1]) @ turn), tmp_path / "head.nii")
    tracemalloc.start()
    try:
        reconstruct(tmp_path / "head.nii", tmp_path / "written", identity_network, Disk(tmp_path / "scratch"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * head.size / 5, f"{peak / 2**20:.1f} MiB"
