import math

import pytest
import torch

from monai_vq.anomaly.maps import latent_bits, smooth, to_image_size


def test_bits_add_to_the_log_likelihood(network, prior):
    codes, side = network.encode_latent(torch.rand(5, 1, 16, 24))
    bits = latent_bits(prior, codes, side, None, batch_size=2)
    assert bits.shape == codes.shape
    torch.testing.assert_close(bits.sum(dim=(1, 2)), -prior.log_prob(codes, side))
    assert bits[0, 0, 0].item() == pytest.approx(math.log2(8) + 2)  # untrained, all symbols are alike


def test_bits_are_high_where_the_code_is_unlikely(network, zero_prior):
    codes, side = torch.zeros(1, 4, 6, dtype=torch.int64), torch.ones(1, 1, 4, 6)
    codes[0, 2, 3] = 5
    bits = latent_bits(zero_prior, codes, side, None, batch_size=1)
    assert (bits > 10).nonzero().tolist() == [[0, 2, 3]]


def test_a_position_lies_over_its_own_square_of_pixels():
    maps = torch.zeros(1, 4, 6)
    maps[0, 1, 4] = 1
    image = to_image_size(maps, (16, 24))
    assert image.shape == (1, 16, 24)
    assert image[0, 4:8, 16:20].min() > 0.3
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(24.0), indexing="ij")
    assert (image[0] * rows).sum() / image.sum() == pytest.approx(5.5, abs=1e-4)
    assert (image[0] * columns).sum() / image.sum() == pytest.approx(17.5, abs=1e-4)


def test_smoothing_keeps_the_sum_and_nothing_without_a_sigma():
    maps = torch.zeros(2, 32, 32)
    maps[0, 16, 16] = 1
    smoothed = smooth(maps, 2.0)
    assert smoothed[0].sum().item() == pytest.approx(1, abs=1e-3)
    assert smoothed[0].max() < 0.05
    assert smoothed[1].abs().max() == 0  # slices do not mix
    assert torch.equal(smooth(maps, 0.0), maps)
