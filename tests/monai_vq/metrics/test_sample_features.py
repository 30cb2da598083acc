import numpy as np
import pytest
import torch

from monai_vq.errors import InputError
from monai_vq.metrics.sample_features import SampleFeatures, describe


def test_the_features_of_an_image_do_not_depend_on_the_others(train_slices):
    images, _ = train_slices
    features = SampleFeatures.fit(images, 16)
    together = features(images[:5])
    alone = np.concatenate([features(image[None]) for image in images[:5]])
    assert np.allclose(together, alone, atol=1e-9)
    assert np.array_equal(SampleFeatures.fit(images.clone(), 16)(images[:5]), together)


def test_training_slices_have_centred_uncorrelated_features_of_falling_variance(train_slices):
    features = SampleFeatures.fit(train_slices[0], 16)
    values = features(train_slices[0])
    covariance = np.cov(values, rowvar=False)
    variances = np.diag(covariance)
    assert np.abs(values.mean(axis=0)).max() < 1e-8
    assert np.abs(covariance - np.diag(variances)).max() < 1e-8 * variances[0]
    assert (np.diff(variances) <= 1e-9).all()
    total = np.square((describe(train_slices[0]) - features.mean) / features.sd).sum() / (len(values) - 1)
    assert features.explained == pytest.approx(variances.sum() / total)


# [C, H, W], numbers an image: 64 brightnesses a channel and 48 energies a channel and octave
SIZES = [((1, 128, 96), 64 + 4 * 48), ((3, 32, 32), 3 * (64 + 3 * 48)), ((1, 8, 20), 64 + 48)]


@pytest.mark.parametrize(("size", "expected"), SIZES)
def test_the_dimension_follows_from_the_size(size, expected):
    assert describe(torch.rand(3, *size, generator=torch.Generator().manual_seed(0))).shape == (3, expected)


def test_a_grating_has_its_energy_in_its_own_direction_and_octave():
    image = torch.zeros(1, 1, 32, 32)
    image[..., ::2] = 1  # columns alternate: the horizontal detail of the finest octave alone
    horizontal, vertical, diagonal = describe(image)[0, 64 : 64 + 48].reshape(3, 16)
    assert np.allclose(horizontal, np.log10(1 + 1e-4), atol=1e-9)
    assert np.allclose([vertical, diagonal], -4)
    assert np.allclose(describe(image)[0, 64 + 48 :], -4)


def test_what_was_constant_in_training_counts_without_dividing_by_zero():
    features = SampleFeatures.fit(torch.full((4, 1, 16, 16), 0.5))
    assert np.isfinite(features(torch.rand(2, 1, 16, 16))).all()
    assert features.explained == 1


BAD = [
    (torch.rand(4, 16, 16), "got \\[4, 16, 16\\]"),
    (torch.rand(4, 1, 6, 16), "at least 8 x 8"),
    (torch.rand(4, 1, 16, 16) * 3, "values from .* clip"),
    (torch.full((4, 1, 16, 16), float("nan")), "values from nan"),
    (torch.rand(1, 1, 16, 16), "at least 2 training slices, got 1"),
]


@pytest.mark.parametrize(("images", "message"), BAD)
def test_what_is_no_set_of_images_is_refused(images, message):
    with pytest.raises(InputError, match=message):
        SampleFeatures.fit(images)


def test_images_of_another_size_are_refused():
    features = SampleFeatures.fit(torch.rand(4, 1, 16, 16))
    with pytest.raises(InputError, match="one size and number of channels"):
        features(torch.rand(2, 1, 32, 32))
