from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_vq.anomaly.volumes import to_prepared_size, to_volume, write_map
from monai_vq.data import ScanRecord, read_manifest, read_volume, to_plane
from monai_vq.data.orientation import axes_affine
from monai_vq.transforms.fit_image import fit_image


@pytest.fixture
def scan(tiny_dataset: Path) -> tuple[ScanRecord, np.ndarray]:
    """A prepared scan and its slices in [0, 1], float32 [S, H, W]."""
    record = read_manifest(tiny_dataset)[0]
    return record, (np.load(record.slices_path(tiny_dataset)) / 65535).astype(np.float32)


def test_slices_lie_over_the_scan_that_they_came_from(scan, tiny_dataset, tmp_path):
    record, slices = scan
    fitted = fit_image(torch.from_numpy(slices), (32, 32)).numpy()
    write_map(tmp_path / "map.nii.gz", fitted, record, slices.shape[1:], None)
    source = read_volume(tiny_dataset.parent / "bids" / record.source)
    written = nib.load(tmp_path / "map.nii.gz")
    np.testing.assert_allclose(written.affine, source.affine, atol=1e-4)
    volume = written.get_fdata()
    assert volume.shape == source.array.shape
    window = (source.array - record.window_low) / (record.window_high - record.window_low)
    inside = volume > 0
    assert inside.sum() > 100
    np.testing.assert_allclose(volume[inside], np.clip(window, 0, 1)[inside], atol=1e-4)
    assert np.count_nonzero(volume.any(axis=(0, 1))) == len(record.slice_indices)  # axial slices


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PSR", "AIL"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_every_plane_and_orientation_goes_back(scan, axes, plane):
    shape, affine = (6, 7, 8), axes_affine((6, 7, 8), (2.0, 2.5, 3.0), axes)
    volume = np.random.default_rng(0).random(shape).astype(np.float32)
    in_plane = to_plane(volume, affine, plane)
    indices = (1, 2, 4)
    record = replace(
        scan[0], shape=shape, affine=tuple(affine[:3].ravel()), plane=plane, slice_indices=indices, axes=axes
    )
    back, back_affine = to_volume(in_plane[list(indices)], record)
    np.testing.assert_array_equal(back_affine, affine)
    np.testing.assert_array_equal(to_plane(back, affine, plane)[list(indices)], in_plane[list(indices)])
    assert np.count_nonzero(back) == 3 * in_plane[0].size


def test_pictures_without_a_place_keep_their_pixel_size(scan):
    record, slices = replace(scan[0], affine=(), slice_spacing=(2.0, 1.5)), scan[1]
    volume, affine = to_volume(slices, record)
    assert volume.shape == slices.shape[::-1]
    np.testing.assert_array_equal(np.diag(affine), [1.5, 2.0, 1, 1])


def test_another_pixel_size_is_undone(scan):
    record, slices = scan  # 24 x 20 pixels of 8 mm
    labels = np.zeros((4, 32, 32), np.uint8)
    labels[:, 12:20, 12:20] = 3  # at 12 mm: 16 x 13 pixels
    back = to_prepared_size(labels, record, slices.shape[1:], [12.0, 12.0])
    assert back.shape == slices.shape
    assert back.dtype == np.uint8
    assert set(np.unique(back)) == {0, 3}
    assert (back > 0).sum() * 8 * 8 == pytest.approx((labels > 0).sum() * 12 * 12, rel=0.15)
    smooth = to_prepared_size(labels.astype(np.float32), record, slices.shape[1:], [12.0, 12.0])
    assert len(np.unique(smooth)) > 2
