import numpy as np
import pytest
import torch
from monai.metrics import FIDMetric, MMDMetric
from scipy.spatial.distance import cdist

from monai_vq.errors import InputError
from monai_vq.metrics.sample_distances import frechet_distance, mmd


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_frechet_of_gaussians_is_the_closed_form(rng):
    a = rng.normal(size=(5000, 3))
    a = (a - a.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(a, rowvar=False)).T)  # exactly N(0, 1)
    scale, shift = np.array([1.0, 2.0, 0.5]), np.array([1.0, 0.0, -2.0])
    assert frechet_distance(a, a * scale + shift) == pytest.approx(5 + 0 + 1 + 0.25, abs=1e-9)


@pytest.mark.parametrize("numbers", [(60, 90), (300, 40)])
def test_frechet_is_monais(rng, numbers):
    a = rng.normal(size=(numbers[0], 8)) @ rng.normal(size=(8, 8))
    b = rng.normal(size=(numbers[1], 8)) @ rng.normal(size=(8, 8)) + 1
    expected = FIDMetric()(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_is_finite_zero_and_symmetric_where_covariances_are_singular(rng):
    a, b = rng.normal(size=(5, 32)), rng.normal(size=(7, 32)) * 1e-8
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    collapsed = np.repeat(a[:1], 9, axis=0)
    expected = np.square(a.mean(0) - a[0]).sum() + np.cov(a, rowvar=False).trace()
    assert frechet_distance(a, collapsed) == pytest.approx(expected)


def test_mmd_is_monais_on_the_kernels_own_features(rng):
    a, b = rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) + 0.5
    points = np.concatenate([a, b])
    norms = np.linalg.norm(points, axis=1)
    kernel = (norms[:, None] + norms - cdist(points, points)) / np.sqrt(4)  # the distance kernel, positive definite
    values, vectors = np.linalg.eigh(kernel)
    mapped = torch.from_numpy(vectors * np.sqrt(values.clip(0)))
    assert mmd(a, b) == pytest.approx(MMDMetric()(mapped[:30], mapped[30:]).item(), abs=1e-9)


def test_mmd_has_no_bias_by_the_number_of_images_where_frechet_has(rng):
    draws = rng.normal(size=(400, 2, 12, 4))
    values = np.array([mmd(a, b) for a, b in draws])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(400)
    assert (values < 0).any()
    assert np.mean([frechet_distance(a, b) for a, b in draws]) > 0.3


def test_mmd_sees_what_mean_and_covariance_do_not(rng):
    gaussian = rng.normal(size=(2000, 1))
    coins = rng.choice([-1.0, 1.0], size=(2000, 1))
    assert frechet_distance(gaussian, coins) < 0.02
    assert mmd(gaussian, coins) > 0.1


@pytest.mark.parametrize("distance", [frechet_distance, mmd])
@pytest.mark.parametrize("shapes", [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5, 3), (5,))])
def test_what_cannot_be_compared_is_refused(distance, shapes):
    with pytest.raises(InputError, match="at least 2 images by features"):
        distance(*(np.zeros(shape) for shape in shapes))
