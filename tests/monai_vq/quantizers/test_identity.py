import torch

from monai_vq.quantizers import IdentityQuantizer


def test_passes_z_e_with_its_gradient_and_costs_nothing():
    z_e = torch.randn(2, 5, 3, 4, requires_grad=True)
    z_q, codes, side, loss = IdentityQuantizer(5)(z_e)
    (z_q.square().sum() + loss).backward()
    assert torch.equal(z_q, z_e)
    assert torch.equal(side, z_e)
    assert torch.equal(z_e.grad, 2 * z_e)
    assert not codes.any()
    assert loss == 0


def test_its_rate_is_zero_bits_of_code_and_all_channels_of_side():
    quantizer = IdentityQuantizer(5)
    assert (quantizer.num_embeddings, quantizer.side_channels, quantizer.embedding_dim) == (1, 5, 5)
    assert not quantizer.state_dict()
