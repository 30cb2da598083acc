import copy

import pytest
import torch
import torch.nn.functional as F

from monai_vq.quantizers import Codebook, ProjectedQuantizer
from monai_vq.quantizers.gains import gain

K, D = 16, 6
CHOICES, UPDATES = ("nearest", "direction"), ("ema", "gradient")


def projected(choice="direction", update="ema", **options) -> ProjectedQuantizer:
    return ProjectedQuantizer(Codebook(K, D, update, choice), **options).eval()


@pytest.mark.parametrize("estimator", ProjectedQuantizer.ESTIMATORS)
@pytest.mark.parametrize("spatial", [(3, 4), (2, 3, 4)])
def test_projects_each_position_over_its_channels(estimator, spatial):
    quantizer, z_e = projected(estimator=estimator), torch.randn(2, D, *spatial)
    latent = quantizer(z_e)
    for b in range(2):
        for at in torch.cartesian_prod(*map(torch.arange, spatial)).tolist():
            index = (b, *at)
            z, e = z_e.movedim(1, -1)[index], quantizer.codebook.embedding[latent.codes[index]]
            g = torch.dot(z, e) / torch.dot(e, e)
            torch.testing.assert_close(latent.side.movedim(1, -1)[index], g[None])
            torch.testing.assert_close(latent.z_q.movedim(1, -1)[index], g * e)


def test_a_position_does_not_see_its_neighbours():
    quantizer, z_e = projected(), torch.randn(1, D, 3, 4)
    before = quantizer(z_e).z_q
    z_e[..., 1, 2] = 7.0
    changed = (quantizer(z_e).z_q != before).any(dim=1)[0]
    assert changed.nonzero().tolist() == [[1, 2]]


@pytest.mark.parametrize("scale", [1e-3, 1e3, -1.0])
def test_projection_does_not_change_with_the_codewords_scale(scale):
    z_e, e = torch.randn(2, D, 3, 4), torch.randn(2, D, 3, 4)
    torch.testing.assert_close(gain(z_e, scale * e) * scale * e, gain(z_e, e) * e)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_direction_choice_and_z_q_do_not_change_with_the_codebooks_scale(scale):
    quantizer, z_e = projected(), torch.randn(2, D, 3, 4)
    scaled = copy.deepcopy(quantizer)
    scaled.codebook.embedding *= scale * torch.rand(K, 1).add(0.5)
    first, second = quantizer(z_e), scaled(z_e)
    assert torch.equal(first.codes, second.codes)
    torch.testing.assert_close(first.z_q, second.z_q)


@pytest.mark.parametrize("choice", CHOICES)
def test_projection_is_the_nearest_point_on_the_line(choice):
    quantizer, z_e = projected(choice), torch.randn(2, D, 5, 5)
    z_q, codes, side, _ = quantizer(z_e)
    e = quantizer.codebook.lookup(codes)
    assert ((z_e - z_q) * e).sum(dim=1).abs().max() < 1e-4
    error = (z_e - z_q).square().sum(dim=1)
    for step in (-0.1, 0.1):
        assert (error < (z_e - (side + step) * e).square().sum(dim=1)).all()


def test_direction_choice_leaves_the_smallest_error_of_all_codes():
    quantizer, z_e = projected(), torch.randn(2, D, 5, 5)
    latent = quantizer(z_e)
    errors = []
    for k in range(K):
        e = quantizer.codebook.lookup(torch.full_like(latent.codes, k))
        errors.append((z_e - gain(z_e, e) * e).square().sum(dim=1))
    assert torch.equal(torch.stack(errors).argmin(dim=0), latent.codes)


def test_straight_through_estimator_has_the_identity_as_gradient():
    quantizer, z_e = projected(), torch.randn(2, D, 3, 4, requires_grad=True)
    z_q = quantizer(z_e).z_q
    z_q.backward(weights := torch.randn_like(z_q))
    assert torch.equal(z_e.grad, weights)


def test_published_estimator_is_the_gradient_through_both_arguments_of_the_projection():
    """d/dz of w·P(z, q(z)) with dq/dz = 1, written out: the derivative by z at fixed q plus that by q at fixed z."""
    quantizer = projected("nearest", estimator="published")
    z_e = torch.randn(2, D, 3, 4, requires_grad=True)
    latent = quantizer(z_e)
    latent.z_q.backward(weights := torch.randn_like(latent.z_q))
    z, q, w = (t.detach().double() for t in (z_e, quantizer.codebook.lookup(latent.codes), weights))

    def dot(a, b):
        return (a * b).sum(dim=1, keepdim=True)

    by_z = dot(w, q) * q / dot(q, q)
    by_q = (dot(w, q) * z + dot(z, q) * w) / dot(q, q) - 2 * dot(z, q) * dot(w, q) * q / dot(q, q).square()
    torch.testing.assert_close(z_e.grad.double(), by_z + by_q, rtol=1e-4, atol=1e-4)


def test_gain_and_projection_have_true_gradients():
    z_e, e = (torch.randn(2, D, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(gain, (z_e, e))
    assert torch.autograd.gradcheck(lambda z, q: gain(z, q) * q, (z_e, e))


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize(("commitment_cost", "projection_cost"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_loss_is_the_docstrings(choice, update, commitment_cost, projection_cost):
    quantizer = projected(choice, update, commitment_cost=commitment_cost, projection_cost=projection_cost)
    z_e = torch.randn(2, D, 3, 4)
    latent = quantizer(z_e)
    e = quantizer.codebook.lookup(latent.codes).detach()
    P = (z_e * e).sum(1, keepdim=True) / e.square().sum(1, keepdim=True) * e
    q = P if choice == "direction" else e
    expected = commitment_cost * (z_e - q).square().mean() + projection_cost * (P - e).square().mean()
    if update == "gradient":
        expected = expected + (z_e - q).square().mean()
    torch.testing.assert_close(latent.loss.detach(), expected)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("estimator", ProjectedQuantizer.ESTIMATORS)
def test_gradients_of_the_loss_are_those_of_the_distortion(choice, estimator):
    """Commitment draws z_e, the codebook term alone e_k; for the line both are true gradients of its distance."""
    quantizer = projected(choice, "gradient", commitment_cost=0.3, projection_cost=0.2, estimator=estimator)
    z_e = torch.randn(2, D, 3, 4, requires_grad=True)
    latent = quantizer(z_e)
    latent.loss.backward()
    z = z_e.detach().double().requires_grad_()
    embedding = quantizer.codebook.embedding.detach().double().requires_grad_()
    e = F.embedding(latent.codes, embedding).movedim(-1, 1)
    distortion = F.mse_loss(z, gain(z, e) * e if choice == "direction" else e)
    by_z, by_e = torch.autograd.grad(distortion, (z, embedding))
    (projection_by_z,) = torch.autograd.grad(F.mse_loss(gain(z, e.detach()) * e.detach(), e.detach()), z)
    torch.testing.assert_close(z_e.grad.double(), 0.3 * by_z + 0.2 * projection_by_z, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(quantizer.codebook.embedding.grad.double(), by_e, rtol=1e-4, atol=1e-6)


def test_projection_cost_draws_the_gain_to_one():
    quantizer = projected(commitment_cost=0.0, projection_cost=1.0)
    z_e = (3 * torch.randn(1, D, 4, 4)).requires_grad_()
    latent = quantizer(z_e)
    latent.loss.backward()
    before = (quantizer(z_e).side - 1).abs()
    with torch.no_grad():
        after = (gain(z_e - 0.1 * z_e.grad, quantizer.codebook.lookup(latent.codes)) - 1).abs()
    assert (after < before).all()


@pytest.mark.parametrize("codeword_scale", [0.0, 1e-20, 1e-7])
@pytest.mark.parametrize("z_scale", [0.0, 1.0])
@pytest.mark.parametrize("estimator", ProjectedQuantizer.ESTIMATORS)
@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("update", UPDATES)
def test_finite_at_vanishing_codewords_and_vectors(update, choice, estimator, z_scale, codeword_scale):
    quantizer = projected(choice, update, projection_cost=0.2, estimator=estimator).train()
    quantizer.codebook.initialized.fill_(True)
    quantizer.codebook.embedding.data *= codeword_scale
    z_e = (z_scale * torch.randn(2, D, 3, 4)).requires_grad_()
    latent = quantizer(z_e)
    (latent.z_q.square().sum() + latent.z_q.sum() + latent.loss).backward()
    gradients = [z_e.grad, *(p.grad for p in quantizer.parameters())]
    assert all(torch.isfinite(t).all() for t in (*latent, *gradients, *quantizer.state_dict().values()))
    if codeword_scale == 0:
        assert not latent.side.any()


def test_refuses_an_unknown_estimator():
    with pytest.raises(ValueError, match=r"'gumbel'.*straight_through"):
        projected(estimator="gumbel")


@pytest.mark.parametrize("gain_bits", [None, 2])
def test_each_group_of_channels_is_projected_on_its_part_of_the_codeword(gain_bits):
    quantizer = ProjectedQuantizer(Codebook(K, D, choice="direction", num_groups=3), gain_bits=gain_bits)
    z_e = torch.randn(2, D, 3, 4)
    quantizer.train()(z_e)
    latent = quantizer.eval()(z_e)
    e = quantizer.codebook.lookup(latent.codes)
    for g, (z, q, P) in enumerate(zip(*(t.chunk(3, dim=1) for t in (z_e, e, latent.z_q)), strict=True)):
        free = (z * q).sum(1) / q.square().sum(1)
        if gain_bits is None:
            torch.testing.assert_close(latent.side[:, g], free)
        else:
            nearest = (free[..., None] - quantizer.gains.levels[g]).abs().argmin(-1)
            assert torch.equal(latent.side[:, g], quantizer.gains.levels[g][nearest])
        torch.testing.assert_close(P, latent.side[:, g, None] * q)


def test_more_gains_leave_less_of_z_e_behind():
    z_e, errors = torch.randn(4, D, 8, 8), []
    for num_groups in (1, 2, 3, 6):
        quantizer = ProjectedQuantizer(Codebook(K, D, choice="direction", num_groups=num_groups)).train()
        for _ in range(20):
            quantizer(z_e)
        errors.append((quantizer.eval()(z_e).z_q - z_e).square().mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-10  # a gain a channel says everything


@pytest.mark.parametrize(("gain_bits", "bits"), [(None, 64), (4, 8)])
def test_rate_counts_the_bits_of_every_gain(gain_bits, bits):
    quantizer = ProjectedQuantizer(Codebook(K, D, choice="direction", num_groups=2), gain_bits=gain_bits)
    assert (quantizer.side_bits(torch.zeros(1, 3, 4, dtype=torch.int64)) == bits).all()


def test_a_latent_with_gain_bits_is_codes_and_indices_of_levels():
    quantizer = ProjectedQuantizer(Codebook(K, D, choice="direction"), gain_bits=4)
    z_e = torch.randn(2, D, 5, 5)
    quantizer.train()(z_e)
    latent = quantizer.eval()(z_e)
    indices = quantizer.gains.encode(latent.side)
    assert indices.max() < 16
    assert torch.equal(quantizer.embed(latent.codes, quantizer.gains.decode(indices)), latent.z_q)


def test_levels_change_in_training_mode_only():
    quantizer, z_e = ProjectedQuantizer(Codebook(K, D, choice="direction"), gain_bits=3), torch.randn(2, D, 5, 5)
    quantizer.train()(z_e)
    before = quantizer.gains.levels.clone()
    quantizer.assign(3 * z_e)
    quantizer.eval()(3 * z_e)
    assert torch.equal(quantizer.gains.levels, before)
    quantizer.train()(3 * z_e)
    assert not torch.equal(quantizer.gains.levels, before)


@pytest.mark.parametrize("num_groups", [1, 3])
def test_code_and_rounded_gains_are_chosen_together(num_groups):
    quantizer = ProjectedQuantizer(Codebook(K, D, choice="direction", num_groups=num_groups), gain_bits=2)
    quantizer._num_candidates = K  # all of them: the choice is then the best there is
    z_e = torch.randn(2, D, 6, 6)
    for _ in range(5):
        quantizer.train()(z_e)
    latent = quantizer.eval()(z_e)
    z = z_e.movedim(1, -1).reshape(-1, 1, num_groups, D // num_groups)
    e = quantizer.codebook.embedding.view(K, num_groups, -1)
    free = (z * e).sum(-1) / e.square().sum(-1)  # [N, K, G]
    errors = [
        (z - level[..., None] * e).square().sum(dim=(-1, -2))
        for level in torch.cartesian_prod(*[torch.arange(4)] * num_groups).view(-1, num_groups)
        for level in [quantizer.gains.levels[torch.arange(num_groups), level].expand_as(free)]
    ]
    least = torch.stack(errors).amin(dim=(0, 2))
    found = (latent.z_q - z_e).square().sum(dim=1).flatten()
    torch.testing.assert_close(found, least)
    assert (latent.codes.flatten() != quantizer.codebook.choose(z.reshape(-1, D))).any()  # it matters


def test_few_candidates_lose_little():
    quantizer = ProjectedQuantizer(Codebook(64, D, choice="direction"), gain_bits=3)
    z_e, errors = torch.randn(4, D, 8, 8), []
    for _ in range(20):
        quantizer.train()(z_e)
    for candidates in (1, 4, 64):
        quantizer._num_candidates = candidates
        errors.append((quantizer.eval()(z_e).z_q - z_e).square().mean())
    assert errors[0] > errors[1] >= errors[2]
    assert errors[1] < 1.03 * errors[2]
