import pytest
import torch

from monai_vq.quantizers import rotation, straight_through

D = 6


def along_positions(z: torch.Tensor) -> torch.Tensor:
    return z.movedim(1, -1).reshape(-1, z.shape[1])


@pytest.mark.parametrize("estimator", [straight_through, rotation])
def test_value_is_the_quantised_one_to_the_bit(estimator):
    z_e, z_q = 1e4 * torch.randn(2, D, 3, 3), torch.randn(2, D, 3, 3)  # z_e + (z_q - z_e) would round here
    assert torch.equal(estimator(z_e.requires_grad_(), z_q), z_q)


@pytest.mark.parametrize("estimator", [straight_through, rotation])
def test_the_quantised_value_gets_no_gradient(estimator):
    z_e, z_q = torch.randn(1, D, 2, requires_grad=True), torch.randn(1, D, 2, requires_grad=True)
    estimator(z_e, z_q).sum().backward()
    assert z_q.grad is None


def test_straight_through_passes_the_gradient_as_it_is():
    z_e = torch.randn(2, 4, 3, 3, requires_grad=True)
    out = straight_through(z_e, torch.randn_like(z_e))
    out.backward(weights := torch.randn_like(out))
    assert torch.equal(z_e.grad, weights)


@pytest.mark.parametrize("spatial", [(4,), (3, 4), (2, 3, 2)])
def test_rotation_passes_the_gradient_through_scale_and_rotation(spatial):
    z_e, z_q = (torch.randn(2, D, *spatial, dtype=torch.float64) for _ in range(2))
    out = rotation(z_e.requires_grad_(), z_q)
    out.backward(weights := torch.randn_like(out))
    for z, q, w, found in zip(*map(along_positions, (z_e.detach(), z_q, weights, z_e.grad)), strict=True):
        a, b = z / z.norm(), q / q.norm()
        in_plane = torch.outer(b, a) - torch.outer(a, b)  # Rodrigues' formula in D dimensions
        R = torch.eye(D, dtype=torch.float64) + in_plane + in_plane @ in_plane / (1 + a @ b)
        torch.testing.assert_close(R @ z * q.norm() / z.norm(), q)  # R is the rotation that is meant
        torch.testing.assert_close(found, q.norm() / z.norm() * (R.T @ w))


def test_rotation_keeps_the_angle_between_gradient_and_vector():
    z_e, z_q = (torch.randn(1, D, 50) for _ in range(2))
    out = rotation(z_e.requires_grad_(), z_q)
    out.backward(weights := torch.randn_like(out))
    torch.testing.assert_close(
        torch.cosine_similarity(z_e.grad, z_e, dim=1), torch.cosine_similarity(weights, z_q, dim=1), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("z_e", [torch.zeros(1, D, 1), torch.ones(1, D, 1)])
@pytest.mark.parametrize("z_q", [torch.zeros(1, D, 1), torch.ones(1, D, 1), -torch.ones(1, D, 1)])
def test_rotation_is_finite_and_falls_back_where_there_is_no_direction(z_e, z_q):
    z_e = z_e.clone().requires_grad_()
    out = rotation(z_e, z_q)
    out.backward(weights := torch.arange(D, dtype=torch.float32).view(1, D, 1))
    assert torch.equal(out, z_q)
    assert torch.isfinite(z_e.grad).all()
    if not z_e.any() or not z_q.any():
        assert torch.equal(z_e.grad, weights)
