import nibabel as nib
import numpy as np
import pytest

from data_prep.phantom.scanner import FIELD_OF_VIEW, acquire, draw_pose, store, world_grid


def test_pose_round_trip_and_rigidity():
    pose = draw_pose(np.random.default_rng(5))
    points = np.random.default_rng(6).uniform(-90, 90, (3, 50))
    world = pose.to_world(points)
    np.testing.assert_allclose(pose.to_head(world.astype(np.float32)), points, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(np.diff(world), axis=0), np.linalg.norm(np.diff(points), axis=0))
    assert np.linalg.det(pose.rotation) == pytest.approx(1)


@pytest.mark.parametrize("voxel_size", [2.0, 4.0])
def test_grid_covers_the_field_of_view(voxel_size):
    shape, affine = world_grid(voxel_size)
    np.testing.assert_allclose(np.multiply(shape, voxel_size), FIELD_OF_VIEW)
    assert nib.aff2axcodes(affine) == ("R", "A", "S")


@pytest.mark.parametrize("axes", ["RAS", "PSR", "LIA"])
def test_stored_order_moves_no_voxel_in_the_world(axes):
    shape, affine = world_grid(16.0)
    volume = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    image = nib.Nifti1Image.from_bytes(store(volume, affine, axes).to_bytes())
    assert nib.aff2axcodes(image.affine) == tuple(axes)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-3)
    for voxel in ((0, 0, 0), (3, 1, 2)):
        world = affine @ (*voxel, 1)
        stored = np.rint(np.linalg.inv(image.affine) @ world)[:3].astype(int)
        assert image.dataobj[tuple(stored)] == volume[voxel]


def test_noise_is_rician():
    """In air the magnitude has the Rayleigh distribution's ratio of mean to standard deviation, 1.913."""
    air = acquire(np.zeros((64, 64, 64), np.float32), np.random.default_rng(0)).astype(float)
    assert air.min() >= 0
    assert air.mean() / air.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.02)


def test_sensitivity_is_smooth_and_varies_by_session():
    flat = np.ones((24, 24, 24), np.float32)
    first, second = (acquire(flat, np.random.default_rng(seed)).astype(float) for seed in (1, 2))
    block = first.reshape(8, 3, 8, 3, 8, 3).mean((1, 3, 5)) / first.mean()
    assert block.std() > 0.02
    assert max(np.abs(np.diff(block, axis=axis)).max() for axis in range(3)) < 0.15
    assert abs(first.mean() - second.mean()) > 10
