from dataclasses import replace

import numpy as np
import pytest

from monai_vq.data import read_manifest, read_volume
from monai_vq.data.orientation import axes_affine
from monai_vq.reconstruct.placement import Placement


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PSR", "AIL"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal", ""])
def test_covered_voxels_are_those_that_the_slices_fill(axes, plane):
    shape = (6, 7, 8)
    placement = Placement(shape, axes_affine(shape, (2.0, 2.5, 3.0), axes), plane, (1, 2, 4))
    volume = np.zeros(shape)
    view = placement.in_plane(volume)
    rows, columns = np.arange(view.shape[1]) % 3 > 0, np.arange(view.shape[2]) > 1
    for index in placement.slice_indices:
        view[index][np.ix_(rows, columns)] = 1
    first, second, third = placement.covered(rows, columns)
    np.testing.assert_array_equal(volume > 0, first[:, None, None] & second[:, None] & third)


def test_a_prepared_scan_lies_where_its_volume_lies(tiny_dataset):
    record = read_manifest(tiny_dataset)[0]
    placement = Placement.of_record(record)
    source = read_volume(tiny_dataset.parent / "bids" / record.source)
    np.testing.assert_allclose(placement.affine, source.affine, atol=1e-6)
    assert (placement.shape, placement.slice_indices) == (source.array.shape, record.slice_indices)


def test_pictures_without_a_place_keep_their_pixel_size(tiny_dataset):
    record = replace(
        read_manifest(tiny_dataset)[0], affine=(), axes="", shape=(4, 24, 20), slice_spacing=(2.0, 1.5), plane=""
    )
    placement = Placement.of_record(record)
    assert (placement.shape, placement.slice_indices) == ((20, 24, 4), (0, 1, 2, 3))
    np.testing.assert_array_equal(np.diag(placement.affine), [1.5, 2.0, 1, 1])
    assert placement.in_plane(np.zeros(placement.shape)).shape == (4, 24, 20)
