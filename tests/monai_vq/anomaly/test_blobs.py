import numpy as np
import pytest
from scipy import ndimage

from monai_vq.anomaly.blobs import blob_weight, smooth_field


@pytest.fixture
def cube() -> np.ndarray:
    """Points of a cube of 36 mm, 1 mm apart, [36, 36, 36, 3]."""
    axis = np.arange(36.0) - 17.5
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)


def test_a_field_has_its_variance_and_correlation():
    points = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 30]])
    draws = np.stack([smooth_field(points, 3.0, np.random.default_rng(seed)) for seed in range(3000)])
    assert draws.mean(axis=0) == pytest.approx(0, abs=0.1)
    expected = np.exp(-0.5)
    assert np.corrcoef(draws.T)[0] == pytest.approx([1, expected, expected, 0], abs=0.06)
    assert draws.std(axis=0) == pytest.approx(1, abs=0.06)


def test_a_field_is_of_space_not_of_the_grid(cube):
    field = smooth_field(cube, 5.0, np.random.default_rng(1))
    every_fourth_slice = smooth_field(cube[::4], 5.0, np.random.default_rng(1))
    np.testing.assert_array_equal(field[::4], every_fourth_slice)


@pytest.mark.parametrize("radius", [4.0, 8.0])
def test_a_blob_has_the_volume_of_its_sphere(cube, radius):
    volumes = [(blob_weight(cube, radius, np.random.default_rng(seed)) >= 0.5).sum() for seed in range(12)]
    assert np.mean(volumes) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.1)
    assert len(set(volumes)) > 8  # hardly two are alike


def test_a_blob_is_one_piece_around_its_centre_with_a_soft_border(cube):
    for seed in range(5):
        weight = blob_weight(cube, 8.0, np.random.default_rng(seed))
        _, parts = ndimage.label(weight >= 0.5)
        assert parts == 1
        assert weight[17:19, 17:19, 17:19].min() == 1
        assert ((weight > 0.1) & (weight < 0.9)).sum() > 100
        assert weight[np.linalg.norm(cube, axis=-1) > 2 * 8.0].max() == 0
