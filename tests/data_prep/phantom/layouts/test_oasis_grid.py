import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom import PhantomPatient, marker_position, phantom_scan
from data_prep.phantom.layouts.oasis_grid import RAW_GRID, SUBJECT_GRID, T88_GRID


def test_at_one_millimetre_the_grids_are_those_of_the_study():
    for grid, shape, axes in (
        (T88_GRID, (176, 208, 176), "LAS"),
        (SUBJECT_GRID, (256, 256, 160), "ASL"),
        (RAW_GRID, (256, 256, 128), "ASL"),
    ):
        placed, affine = grid.place(1)
        assert (placed, "".join(nib.aff2axcodes(affine))) == (shape, axes)
        np.testing.assert_allclose(nib.affines.voxel_sizes(affine), grid.spacing)


@pytest.mark.parametrize("grid", [T88_GRID, SUBJECT_GRID, RAW_GRID])
def test_the_field_of_view_is_the_same_at_every_voxel_size_and_holds_the_marker(grid):
    for size in (1, 2, 8):
        shape, affine = grid.place(size)
        corners = affine @ np.array([[-0.5, n - 0.5, n / 2 - 0.5] for n in shape] + [[1, 1, 1]])
        np.testing.assert_allclose(corners[:3, 2], grid.centre)
        np.testing.assert_allclose(
            np.abs(corners[:3, 1] - corners[:3, 0]).max(), max(np.multiply(grid.shape, grid.spacing))
        )
        index = np.linalg.solve(affine, (*marker_position(PhantomPatient.draw(0, 0)), 1))[:3]
        assert ((index > 0) & (index < np.subtract(shape, 1))).all()


def test_on_an_aligned_grid_no_voxel_is_changed():
    scan, _ = phantom_scan(PhantomPatient.draw(0, 1), "ses-01", 8)
    canonical = np.asarray(nib.as_closest_canonical(scan).dataobj)  # right, anterior, superior: 24 x 28 x 22
    expected = canonical[:22, 1:27][::-1]  # 16 mm fewer at the right, 8 at the front and back each; stored leftwards
    np.testing.assert_array_equal(T88_GRID.resample(scan, 8), expected)
    assert T88_GRID.resample(scan, 8).dtype == scan.get_data_dtype()


def test_labels_are_not_mixed():
    _, labels = phantom_scan(PhantomPatient.draw(0, 1), "ses-01", 8)
    stored = set(np.unique(np.asarray(labels.dataobj)))
    assert set(np.unique(RAW_GRID.resample(labels, 8, labels=True))) <= stored
