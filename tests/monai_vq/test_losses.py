import pytest
import torch

from monai_vq.losses import VQVAELoss, reconstruction_loss
from monai_vq.networks import Reconstruction


def reconstruction(x_hat: torch.Tensor, loss: float) -> Reconstruction:
    return Reconstruction(x_hat, torch.zeros(2, 1, 1), torch.zeros(2, 0, 1, 1), torch.tensor(loss))


def test_is_the_mean_squared_error_plus_the_quantizers_loss():
    x, x_hat = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    loss = VQVAELoss()(reconstruction(x_hat, 0.5), x)
    torch.testing.assert_close(loss, ((x_hat - x) ** 2).sum() / 32 + 0.5)


def test_data_variance_divides_the_error_alone():
    x, x_hat = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    loss = VQVAELoss(0.25)(reconstruction(x_hat, 0.5), x)
    torch.testing.assert_close(loss, ((2 * x_hat - 2 * x) ** 2).mean() + 0.5)  # of images in [-1, 1]


@pytest.mark.parametrize("bad", [0, -1, float("nan")])
def test_refuses_a_variance_that_is_none(bad):
    with pytest.raises(ValueError, match="must be positive"):
        VQVAELoss(bad)


def test_gradients_reach_both_terms():
    x, x_hat = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4, requires_grad=True)
    own = torch.tensor(0.5, requires_grad=True)
    VQVAELoss()(Reconstruction(x_hat, x, x, own), x).backward()
    torch.testing.assert_close(x_hat.grad, 2 * (x_hat - x).detach() / 32)
    assert own.grad == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_is_float32_whatever_the_type_of_x_hat(dtype):
    x, x_hat = torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 1e-4, dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16):
        loss = VQVAELoss()(reconstruction(x_hat, 0.0), x)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(1e-8, rel=0.02)  # float16 has nothing between 0 and 6e-8


def test_the_reconstructions_share_is_what_the_quantizer_did_not_add():
    x, x_hat = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4, requires_grad=True)
    pred = reconstruction(x_hat, 0.5)
    share = reconstruction_loss({"loss": VQVAELoss()(pred, x), "pred": pred})
    torch.testing.assert_close(share, torch.nn.functional.mse_loss(x_hat, x).detach())
    assert not share.requires_grad
