import copy

import pytest
import torch

from monai_vq.quantizers import Codebook, FrequencyQuantizer, VectorQuantizer

K, D = 16, 6


def frequency(num_frequent: int, update: str = "ema", estimator: str = "straight_through") -> FrequencyQuantizer:
    return FrequencyQuantizer(Codebook(K, D, update), num_frequent, 0, 0.3, estimator)


def gradients(quantizer, z_e):
    z_e = z_e.clone().requires_grad_()
    latent = quantizer(z_e)
    (latent.z_q.pow(3).sum() + latent.loss).backward()
    return latent, z_e.grad, [p.grad for p in quantizer.parameters()]


@pytest.mark.parametrize("update", ["ema", "gradient"])
@pytest.mark.parametrize("estimator", VectorQuantizer.ESTIMATORS)
@pytest.mark.parametrize("train", [False, True])
def test_all_codes_frequent_is_the_vector_quantizer(update, estimator, train):
    codebook = Codebook(K, D, update)
    z_e = torch.randn(2, D, 5, 5)
    torch.manual_seed(1)
    mine, by_z, by_e = gradients(FrequencyQuantizer(copy.deepcopy(codebook), K, 0, 0.3, estimator).train(train), z_e)
    torch.manual_seed(1)
    vector, z_grad, e_grad = gradients(VectorQuantizer(copy.deepcopy(codebook), 0.3, estimator).train(train), z_e)
    assert torch.equal(mine.z_q, vector.z_q)
    assert torch.equal(mine.codes, vector.codes)
    assert torch.equal(mine.loss, vector.loss)
    torch.testing.assert_close(by_z, z_grad)  # its terms are summed in another order
    assert all(torch.equal(a, b) for a, b in zip(by_e, e_grad, strict=True))
    assert not mine.side.any()


def test_no_code_frequent_is_the_plain_autoencoder_for_the_decoder():
    z_e = torch.randn(2, D, 5, 5, requires_grad=True)
    latent = frequency(0).train()(z_e)
    latent.z_q.backward(weights := torch.randn_like(z_e))
    assert torch.equal(latent.z_q, z_e)
    assert torch.equal(latent.side, z_e)
    assert torch.equal(z_e.grad, weights)


def test_frequent_positions_are_codewords_and_rare_ones_are_z_e():
    quantizer, z_e = frequency(5), torch.randn(2, D, 5, 5)
    quantizer.train()(z_e)
    latent = quantizer.eval()(z_e)
    rare = quantizer.continuous(latent.codes)
    assert 0 < rare.sum() < rare.numel()
    e = quantizer.codebook.lookup(latent.codes).movedim(1, -1)
    z_q, z, side = (t.movedim(1, -1) for t in (latent.z_q, z_e, latent.side))
    assert torch.equal(z_q[rare], z[rare])
    assert torch.equal(z_q[~rare], e[~rare])
    assert not side[~rare].any()


def test_rate_counts_the_positions_that_stay_continuous():
    quantizer, z_e = frequency(5), torch.randn(2, D, 5, 5)
    quantizer.train()(z_e)
    codes = quantizer.eval()(z_e).codes
    assert torch.equal(quantizer.side_bits(codes), 32.0 * D * quantizer.continuous(codes))


def test_what_an_image_becomes_depends_on_no_other_image():
    quantizer, z_e = frequency(5), torch.randn(6, D, 4, 4)
    quantizer.train()(z_e)
    together = quantizer.eval()(z_e).z_q
    alone = torch.cat([quantizer(z[None]).z_q for z in z_e])
    assert torch.equal(together, alone)


def test_the_table_survives_a_checkpoint_and_eval_leaves_it():
    quantizer, twin, z_e = frequency(5), frequency(5), torch.randn(6, D, 4, 4)
    quantizer.train()(z_e)
    twin.load_state_dict(quantizer.state_dict())
    for _ in range(2):
        assert torch.equal(quantizer.eval()(z_e).z_q, twin.eval()(z_e).z_q)
    assert torch.equal(quantizer.frequent.frequency, twin.frequent.frequency)


def test_warm_up_quantises_everything():
    quantizer = FrequencyQuantizer(Codebook(K, D), 0, warmup_epochs=2)
    codes = quantizer(torch.randn(2, D, 5, 5)).codes
    assert not quantizer.continuous(codes).any()
    quantizer.set_epoch(2)
    assert quantizer.continuous(codes).all()
