import pytest

from monai_vq.metrics import LatentFormat, bits_per_pixel


@pytest.mark.parametrize(("num_embeddings", "side_scalars", "scalar_bits"), [(512, 0, 32), (512, 1, 4), (1, 64, 32)])
def test_entropy_replaces_log2_k_and_leaves_the_side_bits(num_embeddings, side_scalars, scalar_bits):
    latent = LatentFormat((24, 32), (96, 128), num_embeddings, side_scalars, scalar_bits)
    rate = bits_per_pixel((24, 32), (96, 128), num_embeddings, side_scalars, scalar_bits)
    assert rate + latent.entropy_rate_change(7.0) == pytest.approx((7 + side_scalars * scalar_bits) / 16)
