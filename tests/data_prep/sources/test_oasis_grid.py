import numpy as np
import pytest

from data_prep.sources.oasis_grid import Grid
from monai_vq.data import Volume, VolumeError
from monai_vq.data.orientation import axes_affine

GRID = Grid("ASL", (256, 256, 160), (1, 1, 1.25))


def volume(shape, spacing):
    return Volume(np.zeros(shape, np.float32), axes_affine(shape, spacing, GRID.axes), "")


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((256, 256, 128), (1, 1, 1.25)), ((32, 32, 16), (8, 8, 10)), ((85, 85, 43), (3, 3, 3.75))],
)
def test_the_study_s_grid_passes_at_any_voxel_size(shape, spacing):
    GRID.check(volume(shape, spacing))


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((256, 256, 128), (1, 1, 1)),  # proportions
        ((256, 256, 128), (1, 1.001, 1.25)),
        ((256, 256, 128), (2, 2, 2.5)),  # field of view
        ((256, 256, 130), (1, 1, 1.25)),
        ((128, 256, 256), (1, 1, 1.25)),
    ],
)
def test_another_grid_is_refused(shape, spacing):
    with pytest.raises(VolumeError, match=r"expected 256 x 256 x 160 mm in voxels of 1 x 1 x 1\.25 mm"):
        GRID.check(volume(shape, spacing))
