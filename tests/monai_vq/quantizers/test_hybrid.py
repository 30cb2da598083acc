import copy

import pytest
import torch

from monai_vq.quantizers import Codebook, HybridQuantizer, ProjectedQuantizer, VectorQuantizer

K, D = 16, 6


def gradients(quantizer, z_e):
    z_e = z_e.clone().requires_grad_()
    torch.manual_seed(1)
    latent = quantizer(z_e)
    (latent.z_q.pow(3).sum() + latent.loss).backward()
    return [*latent, z_e.grad, *(p.grad for p in quantizer.parameters())]


@pytest.mark.parametrize("update", ["ema", "gradient"])
@pytest.mark.parametrize("choice", ["nearest", "direction"])
@pytest.mark.parametrize("estimator", HybridQuantizer.ESTIMATORS)
@pytest.mark.parametrize("gain_bits", [None, 3])
@pytest.mark.parametrize("train", [False, True])
def test_no_code_frequent_is_the_projected_quantizer_entirely(update, choice, estimator, gain_bits, train):
    codebook = Codebook(K, D, update, choice)
    settings, z_e = (0.3, 0.2, estimator, gain_bits), torch.randn(2, D, 5, 5)
    hybrid = HybridQuantizer(copy.deepcopy(codebook), 0, 0, *settings).train(train)
    projected = ProjectedQuantizer(copy.deepcopy(codebook), *settings).train(train)
    for _ in range(2):
        for mine, theirs in zip(gradients(hybrid, z_e), gradients(projected, z_e), strict=True):
            assert (mine is None and theirs is None) or torch.equal(mine, theirs)


@pytest.mark.parametrize("update", ["ema", "gradient"])
@pytest.mark.parametrize("choice", ["nearest", "direction"])
@pytest.mark.parametrize("estimator", VectorQuantizer.ESTIMATORS)
@pytest.mark.parametrize("gain_bits", [None, 3])
@pytest.mark.parametrize("train", [False, True])
def test_all_codes_frequent_is_the_vector_quantizer(update, choice, estimator, gain_bits, train):
    codebook, z_e = Codebook(K, D, update, choice), torch.randn(2, D, 5, 5)
    hybrid = HybridQuantizer(copy.deepcopy(codebook), K, 0, 0.3, 0.2, estimator, gain_bits)
    hybrid = gradients(hybrid.train(train), z_e)
    vector = gradients(VectorQuantizer(copy.deepcopy(codebook), 0.3, estimator).train(train), z_e)
    assert (hybrid[2] == 1).all()
    for mine, theirs in zip(hybrid[:2] + hybrid[3:], vector[:2] + vector[3:], strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("gain_bits", [None, 3])
def test_frequent_positions_have_gain_one_and_rare_ones_their_projection(gain_bits):
    quantizer = HybridQuantizer(Codebook(K, D), 5, 0, gain_bits=gain_bits)
    z_e = torch.randn(2, D, 5, 5)
    quantizer.train()(z_e)
    latent = quantizer.eval()(z_e)
    rare = quantizer.continuous(latent.codes)
    e, z_q, z = (t.movedim(1, -1) for t in (quantizer.codebook.lookup(latent.codes), latent.z_q, z_e))
    free = (z * e).sum(-1) / e.square().sum(-1)
    expected = free if gain_bits is None else quantizer.gains(free[:, None])[:, 0]
    assert 0 < rare.sum() < rare.numel()
    assert torch.equal(z_q[~rare], e[~rare])
    assert (latent.side[:, 0][~rare] == 1).all()
    torch.testing.assert_close(latent.side[:, 0][rare], expected[rare])


def test_projection_term_stands_over_the_rare_positions_only():
    quantizer = HybridQuantizer(Codebook(K, D), 5, 0, commitment_cost=0.0, projection_cost=1.0).eval()
    z_e = torch.randn(2, D, 5, 5, requires_grad=True)
    latent = quantizer(z_e)
    latent.loss.backward()
    rare = quantizer.continuous(latent.codes)
    e = quantizer.codebook.lookup(latent.codes)
    P = (z_e * e).sum(1, keepdim=True) / e.square().sum(1, keepdim=True) * e
    torch.testing.assert_close(latent.loss, ((P - e).square() * rare[:, None]).mean())
    assert not z_e.grad.movedim(1, -1)[~rare].any()
    assert z_e.grad.movedim(1, -1)[rare].any()


def test_levels_learn_from_the_rare_positions_only():
    quantizer = HybridQuantizer(Codebook(K, D, choice="direction"), K, 0, gain_bits=2)
    quantizer.train()(torch.randn(2, D, 5, 5))
    before = quantizer.gains.levels.clone()
    quantizer(5 + torch.randn(2, D, 5, 5))
    torch.testing.assert_close(quantizer.gains.levels, before)


@pytest.mark.parametrize(("gain_bits", "bits"), [(None, 32.0), (4, 4.0)])
def test_rate_counts_the_gains_of_rare_codes(gain_bits, bits):
    quantizer = HybridQuantizer(Codebook(K, D), 5, 0, gain_bits=gain_bits)
    codes = quantizer.train()(torch.randn(2, D, 5, 5)).codes
    assert torch.equal(quantizer.side_bits(codes), bits * quantizer.continuous(codes))


def test_what_an_image_becomes_depends_on_no_other_image():
    quantizer, z_e = HybridQuantizer(Codebook(K, D), 5, 0, gain_bits=3), torch.randn(6, D, 4, 4)
    quantizer.train()(z_e)
    assert torch.equal(quantizer.eval()(z_e).z_q, torch.cat([quantizer(z[None]).z_q for z in z_e]))


def test_stored_gains_are_those_of_the_rare_codes():
    quantizer = HybridQuantizer(Codebook(K, D), 5, 0)
    latent = quantizer.train()(torch.randn(2, D, 5, 5))
    rare = quantizer.continuous(latent.codes)
    assert torch.equal(quantizer.stored_gains(latent.codes, latent.side)[:, 0], latent.side[:, 0][rare])
