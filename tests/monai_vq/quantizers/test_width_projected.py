import pytest
import torch

from monai_vq.quantizers import Codebook, WidthProjectedQuantizer

K, D = 16, 6


def test_projects_along_width_as_the_published_code_does():
    quantizer, z_e = WidthProjectedQuantizer(Codebook(K, D, "gradient")).eval(), torch.randn(2, D, 3, 4)
    latent = quantizer(z_e)
    q = quantizer.codebook.lookup(latent.codes)
    published = ((z_e * q).sum(3) / (q * q).sum(3)).unsqueeze(-1) * q  # sum(3) on [B, D, h, w]
    torch.testing.assert_close(latent.z_q, published)


def test_loss_is_the_published_one():
    quantizer, z_e = WidthProjectedQuantizer(Codebook(K, D, "gradient")).eval(), torch.randn(2, D, 3, 4)
    latent = quantizer(z_e)
    e = quantizer.codebook.lookup(latent.codes)
    expected = 2 * (z_e - e).square().mean() + (latent.z_q - e).square().mean()  # codebook, commitment, projection: 1
    torch.testing.assert_close(latent.loss, expected)


def test_its_true_rate_is_a_scalar_for_each_channel_and_row():
    quantizer = WidthProjectedQuantizer(Codebook(512, 256, "gradient"))
    bits = quantizer.side_bits(torch.zeros(1, 8, 8, dtype=torch.int64))
    assert bits.sum() == 32 * 2048  # of an image of CIFAR-10


def test_a_row_shares_its_gains():
    side = WidthProjectedQuantizer(Codebook(K, D)).eval()(torch.randn(2, D, 3, 4)).side
    assert torch.equal(side, side[..., :1].expand_as(side))


@pytest.mark.parametrize("codebook", [Codebook(K, D, choice="direction"), Codebook(K, D, num_groups=2)])
def test_refuses_what_was_not_published(codebook):
    with pytest.raises(ValueError, match="nearest"):
        WidthProjectedQuantizer(codebook)
