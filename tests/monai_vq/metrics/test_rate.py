import math

import numpy as np
import pytest

from monai_vq.errors import InputError
from monai_vq.metrics.rate import bits_per_pixel, code_entropy_bits


@pytest.mark.parametrize(
    ("num_embeddings", "side_channels", "gain_bits", "expected"),
    [
        (512, 0, 32, 9 / 16),  # vector
        (512, 1, 32, 41 / 16),  # projected, gains as float32
        (512, 1, 4, 13 / 16),  # projected, 4-bit gains
        (1, 64, 32, 128.0),  # plain autoencoder: 32·D a position
    ],
)
def test_counts_codes_and_side_channels(num_embeddings, side_channels, gain_bits, expected):
    assert bits_per_pixel((24, 32), (96, 128), num_embeddings, side_channels, gain_bits) == expected


@pytest.mark.parametrize("change", [{"num_embeddings": 0}, {"side_channels": -1}, {"image_size": (0, 128)}])
def test_refuses_what_has_no_rate(change):
    kwargs = {"latent_shape": (24, 32), "image_size": (96, 128), "num_embeddings": 512, "side_channels": 1} | change
    with pytest.raises(InputError, match="rate needs positive sizes"):
        bits_per_pixel(**kwargs)


def test_uniform_codes_cost_log2_k():
    assert code_entropy_bits(np.full(512, 7), np.full(512, 3)) == pytest.approx(9.0)


def test_is_at_least_the_entropy_and_approaches_it_with_much_training_data():
    counts = np.array([900, 90, 9, 1])
    entropy = -sum(p * math.log2(p) for p in counts / counts.sum())
    assert code_entropy_bits(counts, counts) > entropy
    assert code_entropy_bits(counts * 10**6, counts) == pytest.approx(entropy, rel=1e-5)


def test_an_unseen_code_has_the_finite_cost_of_one_smoothed_count():
    assert code_entropy_bits([6, 0], [0, 5]) == pytest.approx(3.0)  # (0 + 1) / (6 + 2)


def test_no_codes_have_no_entropy():
    assert math.isnan(code_entropy_bits([3, 4], [0, 0]))


def test_refuses_histograms_of_two_codebooks():
    with pytest.raises(InputError, match="one codebook"):
        code_entropy_bits(np.ones(512), np.ones(256))
