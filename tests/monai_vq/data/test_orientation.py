from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from monai_vq.data import PLANE_AXES, from_plane, plane_spacing, to_plane
from monai_vq.data.orientation import axes_affine
from monai_vq.errors import InputError

WORLD = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
ALL_AXES = ["".join(codes) for order in permutations(("RL", "AP", "SI")) for codes in product(*order)]


def affine_of(axes: str, spacing=(1.0, 1.0, 1.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.array([WORLD[code] for code in axes]).T * spacing
    return affine


# A head of 5 voxels to the right, 6 to the front and 7 upwards, with a landmark at right 1, front 4, up 2.
# [axes, stored shape, landmark as stored]
LANDMARKS = [
    ["RAS", (5, 6, 7), (1, 4, 2)],
    ["LPS", (5, 6, 7), (3, 1, 2)],
    ["PSR", (6, 7, 5), (1, 2, 1)],
    ["ASL", (6, 7, 5), (4, 2, 3)],
    ["LIA", (5, 7, 6), (3, 4, 4)],
]
IN_PLANE = {  # (slice, row, column)
    "axial": (2, 1, 3),  # second row from the front; the patient's right is on the image's left, so 3 of 0..4
    "coronal": (4, 4, 3),
    "sagittal": (1, 4, 1),
}


@pytest.mark.parametrize("plane", PLANE_AXES)
@pytest.mark.parametrize(("axes", "shape", "landmark"), LANDMARKS)
def test_landmark_appears_where_the_plane_says(axes, shape, landmark, plane):
    volume = np.zeros(shape)
    volume[landmark] = 1
    slices = to_plane(volume, affine_of(axes), plane)
    assert [tuple(index) for index in np.argwhere(slices)] == [IN_PLANE[plane]]


@pytest.mark.parametrize("plane", PLANE_AXES)
def test_from_plane_undoes_to_plane_for_all_48_orientations_straight_and_oblique(plane):
    assert len(set(ALL_AXES)) == 48
    volume = np.random.default_rng(0).random((4, 5, 6))
    tilt = np.eye(4)
    tilt[:3, :3] = Rotation.from_euler("xyz", (12, -17, 9), degrees=True).as_matrix()
    for axes in ALL_AXES:
        for affine in (affine_of(axes), tilt @ affine_of(axes, (0.9, 1.1, 3.0))):
            slices = to_plane(volume, affine, plane)
            np.testing.assert_array_equal(from_plane(slices, affine, plane), volume)
            assert sorted(slices.shape) == sorted(volume.shape)


@pytest.mark.parametrize(("plane", "codes"), PLANE_AXES.items())
def test_to_plane_agrees_with_nibabel_s_reorientation(plane, codes):
    volume = np.random.default_rng(1).random((4, 5, 6))
    for axes in ALL_AXES:
        image = nib.Nifti1Image(volume, affine_of(axes))
        transform = nib.orientations.ornt_transform(
            nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(codes)
        )
        np.testing.assert_array_equal(to_plane(volume, image.affine, plane), image.as_reoriented(transform).dataobj)


def test_plane_spacing_follows_the_axes():
    affine = affine_of("PSR", (0.9, 1.25, 3.0))  # 0.9 mm front to back, 1.25 mm upwards, 3 mm from side to side
    assert plane_spacing(affine, "axial") == (1.25, 0.9, 3.0)
    assert plane_spacing(affine, "coronal") == (0.9, 1.25, 3.0)
    assert plane_spacing(affine, "sagittal") == (3.0, 1.25, 0.9)


@pytest.mark.parametrize("function", [to_plane, from_plane])
def test_unknown_plane_is_refused_with_the_choice(function):
    with pytest.raises(InputError, match=r"'transversal'.*axial, coronal, sagittal"):
        function(np.zeros((2, 2, 2)), np.eye(4), "transversal")


@pytest.mark.parametrize("axes", ALL_AXES)
def test_axes_affine_says_what_nibabel_reads(axes):
    shape, zooms = (4, 5, 6), (0.9, 1.25, 3.0)
    affine = axes_affine(shape, zooms, axes)
    assert nib.aff2axcodes(affine) == tuple(axes)
    np.testing.assert_allclose(nib.affines.voxel_sizes(affine), zooms)
    np.testing.assert_allclose(affine @ [1.5, 2, 2.5, 1], [0, 0, 0, 1], atol=1e-12)  # the centre is the origin
    assert affine.dtype == np.float64


@pytest.mark.parametrize("axes", ["PSX", "PAS", "RASR", "RA", "ras", "", "RRS"])
def test_impossible_axes_are_refused_with_an_example(axes):
    with pytest.raises(InputError, match=rf"axes '{axes}': expected three capital letters, one of L or R.*as in PSR"):
        axes_affine((4, 5, 6), (1, 1, 1), axes)
