import numpy as np
import pytest

from monai_vq.anomaly.normal import NormalMap
from monai_vq.errors import InputError


@pytest.fixture
def healthy() -> tuple[np.ndarray, np.ndarray]:
    """Maps [600, 12, 10] of a mean that grows with row and slice position, and a spread that grows to the right."""
    rng = np.random.default_rng(0)
    positions = rng.random(600)
    mean = np.arange(12.0)[:, None] + 5 * positions[:, None, None]
    return mean + rng.normal(size=(600, 12, 10)) * (1 + np.arange(10.0)), positions


def test_healthy_slices_deviate_by_one_standard_deviation_everywhere(healthy):
    deviation = NormalMap(*healthy).deviation(*healthy)
    assert deviation.mean(axis=0) == pytest.approx(0, abs=0.3)
    assert deviation.std(axis=0)[:, 2:] == pytest.approx(1, abs=0.25)  # left, the rows differ by more than the slices
    assert np.corrcoef(deviation[:, 6, 0], healthy[1])[0, 1] == pytest.approx(0, abs=0.2)  # position is accounted for


def test_an_outlier_is_found_where_the_same_value_would_be_normal_elsewhere(healthy):
    normal = NormalMap(*healthy)
    value = np.zeros((2, 12, 10))
    value[:] = np.arange(12.0)[:, None]
    value[1] += 4.0
    deviation = normal.deviation(value, np.zeros(2))[1] - normal.deviation(value, np.zeros(2))[0]
    assert (deviation[:, 1] > 3 * deviation[:, 9]).all()


def test_more_slices_of_equal_kind_change_nothing(healthy):
    maps, positions = healthy
    one, twice = NormalMap(maps, positions), NormalMap(np.concatenate([maps] * 2), np.concatenate([positions] * 2))
    np.testing.assert_allclose(one.mean, twice.mean, atol=1e-9)
    np.testing.assert_allclose(one.sd, twice.sd, atol=1e-9)


def test_scans_one_after_another_say_the_same_as_all_at_once(healthy):
    maps, positions = healthy
    parts = ((maps[start : start + 70], positions[start : start + 70]) for start in range(0, 600, 70))
    once, streamed = NormalMap(maps, positions, sigma=2.0), NormalMap.of_scans(parts, sigma=2.0)
    np.testing.assert_allclose(streamed.mean, once.mean, atol=1e-9)
    np.testing.assert_allclose(streamed.sd, once.sd, atol=1e-9)


def test_nothing_is_learned_from_no_scan():
    with pytest.raises(InputError, match="no healthy scan"):
        NormalMap.of_scans([])


def test_a_constant_background_has_a_finite_deviation():
    maps = np.zeros((5, 8, 8))
    maps[:, 2:6, 2:6] = np.random.default_rng(0).random((5, 4, 4))
    assert np.isfinite(NormalMap(maps, np.linspace(0, 1, 5)).deviation(maps + 1, np.linspace(0, 1, 5))).all()
    assert np.isfinite(NormalMap(maps * 0, np.zeros(5)).deviation(maps, np.ones(5))).all()


@pytest.mark.parametrize("positions", [[0.1, 0.5], [0.1, 0.5, 1.2], [0.1, 0.5, np.nan]])
def test_positions_that_do_not_fit_are_refused(positions):
    with pytest.raises(InputError, match="a position from 0"):
        NormalMap(np.zeros((3, 4, 4)), np.array(positions))
