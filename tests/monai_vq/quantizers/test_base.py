import copy

import pytest
import torch
from torch import nn

from monai_vq.quantizers import CodebookQuantizer, Quantizer

D = 6


@pytest.mark.parametrize("spatial", [(5, 7), (3, 4, 5)])
@pytest.mark.parametrize("train", [False, True])
def test_embed_rebuilds_z_q_to_the_bit(quantizer, train, spatial):
    z_e = torch.randn(2, D, *spatial)
    before = copy.deepcopy(quantizer)  # in training, z_q comes from the codebook before it learned
    z_q, codes, side, loss = quantizer.train(train)(z_e)
    assert torch.equal(before.embed(codes, side), z_q)
    assert z_q.shape == z_e.shape
    assert codes.shape == (2, *spatial)
    assert codes.dtype == torch.int64
    assert side.shape == (2, quantizer.side_channels, *spatial)
    assert loss.shape == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_float32_under_autocast(quantizer, dtype):
    z_e = torch.randn(2, D, 8, 8).to(dtype)
    plain = quantizer.eval()(z_e.float())
    with torch.autocast("cpu", torch.bfloat16):
        latent = quantizer(z_e)
        rebuilt = quantizer.embed(latent.codes, latent.side)
    assert {t.dtype for t in (latent.z_q, latent.side, latent.loss, rebuilt)} == {torch.float32}
    assert all(torch.equal(a, b) for a, b in zip(latent, plain, strict=True))
    assert torch.equal(rebuilt, latent.z_q)


def test_learns_in_float32_under_autocast(quantizer):
    z_e, twin = torch.randn(2, D, 8, 8), copy.deepcopy(quantizer)
    torch.manual_seed(1)
    quantizer.train()(z_e)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        twin.train()(z_e)
    assert all(torch.equal(value, twin.state_dict()[name]) for name, value in quantizer.state_dict().items())


@pytest.mark.parametrize("train", [False, True])
def test_large_activations_stay_finite(quantizer, train):
    z_e = (1e4 * torch.randn(2, D, 8, 8)).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        latent = quantizer.train(train)(z_e)
    (latent.z_q.sum() + latent.loss).backward()
    assert all(torch.isfinite(t).all() for t in (*latent, z_e.grad, *quantizer.state_dict().values()))


def test_memory_layout_does_not_matter(quantizer):
    z_e = torch.randn(2, D, 5, 7)
    plain = quantizer.eval()(z_e)
    latent = quantizer(z_e.contiguous(memory_format=torch.channels_last))
    assert torch.equal(plain.codes, latent.codes)
    torch.testing.assert_close(tuple(latent), tuple(plain))  # sums over channels run in another order
    assert torch.equal(quantizer.embed(latent.codes, latent.side), latent.z_q)


@pytest.mark.parametrize("use", ["eval forward", "assign while training"])
def test_only_forward_in_training_mode_learns(quantizer, use):
    before = copy.deepcopy(quantizer.state_dict())
    if use == "eval forward":
        quantizer.eval()(torch.randn(2, D, 5, 5))
    else:
        quantizer.train().assign(torch.randn(2, D, 5, 5))
    assert before.keys() == quantizer.state_dict().keys()
    assert all(torch.equal(before[name], value) for name, value in quantizer.state_dict().items())


def test_training_output_equals_eval_output_of_the_same_codebook(quantizer):
    z_e, twin = torch.randn(2, D, 5, 5), copy.deepcopy(quantizer).eval()
    assert all(torch.equal(a, b) for a, b in zip(quantizer.train()(z_e), twin(z_e), strict=True))


def test_the_reconstruction_gradient_reaches_z_e_but_no_codeword(quantizer):
    z_e = torch.randn(2, D, 5, 5, requires_grad=True)
    latent = quantizer.train()(z_e)
    latent.z_q.square().sum().backward()
    assert z_e.grad.abs().sum() > 0
    assert not latent.side.requires_grad
    assert all(p.grad is None or not p.grad.any() for p in quantizer.parameters())


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")  # still how MONAI's ckpt_export exports
def test_scripts_in_eval_mode(quantizer):
    z_e = torch.randn(2, D, 5, 5)
    plain = quantizer.eval()(z_e)
    scripted = torch.jit.script(quantizer)(z_e)
    assert all(torch.equal(a, b) for a, b in zip(plain, scripted, strict=True))


def test_refuses_other_numbers_of_channels(quantizer):
    with pytest.raises(ValueError, match=r"5 channels.*embedding_dim is 6"):
        quantizer(torch.randn(2, 5, 4, 4))


@pytest.mark.parametrize("call", ["forward", "embed"])
def test_a_variant_that_defines_nothing_says_so(call):
    class Empty(Quantizer):
        embedding_dim = D

    with pytest.raises(TypeError, match="variant defines"):
        Empty()(torch.randn(1, D, 2, 2)) if call == "forward" else Empty().embed(torch.zeros(1), torch.zeros(1))


def test_a_codebook_quantizer_needs_a_latent():
    codebook = nn.Module()
    codebook.num_embeddings, codebook.embedding_dim = 4, D
    codebook.choose = lambda z: torch.zeros(len(z), dtype=torch.int64)
    codebook.lookup = lambda codes: torch.zeros(1, D, *codes.shape[1:])
    with pytest.raises(TypeError, match="variant defines _latent"):
        CodebookQuantizer(codebook).eval()(torch.randn(1, D, 2, 2))


def test_side_bits_count_every_scalar_as_it_is_stored(quantizer):
    codes, side = quantizer.eval()(torch.randn(2, D, 5, 5))[1:3]
    bits = quantizer.side_bits(codes)
    assert bits.shape == codes.shape
    assert bits.dtype == torch.float32
    assert (bits == 0).all() == (quantizer.side_channels == 0)
    assert bits.max() <= side.shape[1] * (quantizer.gain_bits or 32)


def test_set_epoch_is_understood_by_every_variant(quantizer):
    z_e = torch.randn(2, D, 5, 5)
    before = quantizer.eval()(z_e)
    quantizer.set_epoch(3)  # none of these warms up
    assert all(torch.equal(a, b) for a, b in zip(before, quantizer(z_e), strict=True))
