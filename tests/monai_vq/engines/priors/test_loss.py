import pytest
import torch

from monai_vq.engines import PriorLoss, step_bits
from monai_vq.priors import LatentBits


def test_it_is_the_mean_over_positions_of_all_bits():
    codes = torch.zeros(2, 3, 4, dtype=torch.int64)
    bits = LatentBits(torch.full((2, 3, 4), 5.0), torch.full((2, 2, 3, 4), 1.5), torch.full((2, 3, 4), 0.25))
    loss = PriorLoss()(bits, codes)
    assert loss.item() == pytest.approx(5 + 2 * 1.5 + 0.25)
    assert step_bits({"loss": loss, "pred": bits}) == pytest.approx({"loss": 8.25, "bits_per_code": 5.0})


def test_every_symbol_has_the_same_share_of_the_gradient():
    parts = [torch.rand(2, 3, 4, requires_grad=True), torch.rand(2, 1, 3, 4, requires_grad=True)]
    density = torch.rand(2, 3, 4, requires_grad=True)
    PriorLoss()(LatentBits(*parts, density), torch.zeros(2, 3, 4)).backward()
    for part in (*parts, density):
        assert torch.allclose(part.grad, torch.full_like(part, 1 / 24))
