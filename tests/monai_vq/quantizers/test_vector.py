import copy

import pytest
import torch
from monai.networks.layers.vector_quantizer import EMAQuantizer
from vector_quantize_pytorch import VectorQuantize

from monai_vq.quantizers import Codebook, VectorQuantizer

K, D, DECAY, COST = 16, 6, 0.9, 0.3


def ema_quantizer(**options) -> VectorQuantizer:
    """Starts from its random codewords as the other libraries do: no data initialisation, no revival."""
    quantizer = VectorQuantizer(Codebook(K, D, decay=DECAY, revival_threshold=0, **options), COST)
    quantizer.codebook.initialized.fill_(True)
    return quantizer.train()


def test_two_steps_equal_vector_quantize_pytorch():
    ours = ema_quantizer()
    theirs = VectorQuantize(
        D, K, decay=DECAY, commitment_weight=COST, threshold_ema_dead_code=0, rotation_trick=False
    ).train()
    theirs._codebook.embed.copy_(ours.codebook.embedding[None])
    theirs._codebook.embed_avg.copy_(ours.codebook.embedding[None])
    for _ in range(2):
        z_e = torch.randn(3, D, 4, 5)
        latent = ours(z_e)
        z_q, codes, loss = theirs(z_e.flatten(2).transpose(1, 2))
        torch.testing.assert_close(latent.z_q.flatten(2).transpose(1, 2), z_q)
        assert torch.equal(latent.codes.flatten(1), codes)
        torch.testing.assert_close(latent.loss, loss.squeeze())
        torch.testing.assert_close(ours.codebook.embedding, theirs._codebook.embed[0])
        torch.testing.assert_close(ours.codebook.cluster_size, theirs._codebook.cluster_size[0])


def monai_twin(quantizer: VectorQuantizer) -> EMAQuantizer:
    twin = EMAQuantizer(2, K, D, commitment_cost=COST, decay=DECAY).train()
    twin.embedding.weight.data.copy_(quantizer.codebook.embedding)
    twin.ema_w.copy_(quantizer.codebook.embedding)
    return twin


def test_two_steps_equal_monai_but_for_the_cluster_size_starting_at_ones():
    ours = ema_quantizer()
    theirs = monai_twin(ours)
    theirs.ema_cluster_size.fill_(1)
    for _ in range(2):
        z_e = torch.randn(3, D, 4, 5)
        latent = ours(z_e)
        z_q, loss, codes = theirs(z_e)
        torch.testing.assert_close(latent.z_q, z_q)
        torch.testing.assert_close(latent.loss, loss)
        assert torch.equal(latent.codes, codes)
        torch.testing.assert_close(ours.codebook.embedding, theirs.embedding.weight)


def test_no_codeword_is_blown_up_by_the_first_step():
    ours = ema_quantizer()
    theirs, z_e = monai_twin(ours), torch.randn(1, D, 3, 3)  # 9 vectors: codes stay unused
    ours(z_e)
    theirs(z_e)
    data_norm = z_e.norm(dim=1).max()
    assert ours.codebook.embedding.norm(dim=1).max() < 10 * data_norm
    assert theirs.embedding.weight.norm(dim=1).max() > 100 * data_norm  # what MONAI's zeros do


@pytest.mark.parametrize("cost", [0.0, 0.3])
@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_loss_and_its_gradients_by_hand(update, cost):
    quantizer = VectorQuantizer(Codebook(K, D, update), cost).eval()
    z_e = torch.randn(2, D, 4, 5, requires_grad=True)
    latent = quantizer(z_e)
    latent.loss.backward() if latent.loss.requires_grad else None
    error = (z_e - latent.z_q).detach()
    terms = cost + (update == "gradient")
    torch.testing.assert_close(latent.loss, terms * error.square().mean())
    torch.testing.assert_close(z_e.grad, cost * 2 * error / error.numel())
    if update == "gradient":
        expected = torch.zeros(K, D).index_add_(
            0, latent.codes.flatten(), -2 * error.movedim(1, -1).flatten(0, -2) / error.numel()
        )
        torch.testing.assert_close(quantizer.codebook.embedding.grad, expected)


def test_reconstruction_gradient_is_straight_through():
    quantizer, z_e = VectorQuantizer(Codebook(K, D)), torch.randn(2, D, 4, 5, requires_grad=True)
    z_q = quantizer(z_e).z_q
    z_q.backward(weights := torch.randn_like(z_q))
    assert torch.equal(z_e.grad, weights)


def test_z_q_is_a_codeword_read_before_the_update():
    quantizer = ema_quantizer()
    before = copy.deepcopy(quantizer.codebook.embedding)
    latent = quantizer(torch.randn(2, D, 4, 5))
    assert torch.equal(latent.z_q.movedim(1, -1), before[latent.codes])
    assert not torch.equal(before, quantizer.codebook.embedding)
