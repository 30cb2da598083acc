import numpy as np
import pytest

from monai_vq.anomaly.baselines import healthy_deviation, median_difference, reconstruction_error
from monai_vq.anomaly.normal import NormalMap


def test_the_reconstruction_error_has_no_sign():
    x, x_hat = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    np.testing.assert_allclose(reconstruction_error(x, x_hat), [0.3, 0.3])


def test_the_median_is_the_foregrounds():
    x = np.array([[[0.0, 0.0, 0.0, 0.4, 0.5, 0.9]]])
    foreground = x > 0
    np.testing.assert_allclose(median_difference(x, foreground)[foreground], [0.1, 0, 0.4])


def test_bright_and_dark_deviate_alike():
    rng = np.random.default_rng(0)
    positions = np.linspace(0, 1, 200)
    normal = NormalMap(0.5 + 0.1 * rng.normal(size=(200, 8, 8)), positions)
    bright, dark = (np.full((1, 8, 8), value) for value in (0.8, 0.2))
    found = [healthy_deviation(x, np.array([0.5]), normal)[0, 4, 4] for x in (bright, dark)]
    assert found == pytest.approx([3, 3], rel=0.2)
