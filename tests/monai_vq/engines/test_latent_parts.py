import numpy as np
import pytest
import torch

from monai_vq.engines.latent_parts import codewords_of, gain_levels, has_gains, stored_gains
from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    VectorQuantizer,
    WidthProjectedQuantizer,
)


@pytest.fixture
def with_quantizer(make_network):
    def with_quantizer(quantizer):
        network = make_network()
        network.quantizer = quantizer
        return network.eval()

    return with_quantizer


@pytest.mark.parametrize("update", ["ema", "gradient"])
def test_codewords_are_those_that_codes_stand_for(with_quantizer, update):
    network = with_quantizer(VectorQuantizer(Codebook(16, 8, update=update)))
    codewords = codewords_of(network)
    assert codewords.shape == (16, 8)
    codes = torch.tensor([[[3, 15]]])
    embedded = network.quantizer.embed(codes, torch.zeros(1, 0, 1, 2))
    assert np.array_equal(codewords[[3, 15]].T, embedded[0, :, 0].detach().numpy())


def test_a_network_without_a_codebook_has_no_codewords(with_quantizer):
    assert codewords_of(with_quantizer(IdentityQuantizer(8))) is None


# [quantizer of D = 8, whether its side is gains]
QUANTIZERS = [
    (lambda: VectorQuantizer(Codebook(8, 8)), False),
    (lambda: FrequencyQuantizer(Codebook(8, 8), 4), False),
    (lambda: WidthProjectedQuantizer(Codebook(8, 8)), False),
    (lambda: ProjectedQuantizer(Codebook(8, 8)), True),
    (lambda: ProjectedQuantizer(Codebook(8, 8, num_groups=8)), True),
    (lambda: HybridQuantizer(Codebook(8, 8), 4), True),
]


@pytest.mark.parametrize(("make", "expected"), QUANTIZERS)
def test_only_projected_latents_have_gains(with_quantizer, make, expected):
    assert has_gains(with_quantizer(make())) is expected


def test_a_hybrid_stores_gains_at_rare_codes_only(with_quantizer):
    network = with_quantizer(HybridQuantizer(Codebook(4, 8), num_frequent=2, warmup_epochs=0))
    network.quantizer.frequent.learn(torch.tensor([[3, 3, 2]]))
    codes, side = torch.tensor([[[0, 1, 2, 3]]]), torch.tensor([0.5, -2.0, 1.0, 1.0]).view(1, 1, 1, 4)
    gains = stored_gains(network, codes, side)
    assert gains[0, 0, 0, :2].tolist() == [0.5, -2]
    assert gains[0, 0, 0, 2:].isnan().all()
    plain = with_quantizer(ProjectedQuantizer(Codebook(4, 8)))
    assert torch.equal(stored_gains(plain, codes, side), side)


def test_levels_are_the_values_that_gains_take(with_quantizer):
    network = with_quantizer(ProjectedQuantizer(Codebook(4, 8, num_groups=2), gain_bits=3))
    with torch.no_grad():
        _, side = network.encode_latent(torch.rand(2, 1, 32, 32))
    levels = gain_levels(network)
    assert levels.shape == (2, 8)
    assert all(np.isin(side[:, group].numpy(), levels[group]).all() for group in range(2))
    assert gain_levels(with_quantizer(ProjectedQuantizer(Codebook(4, 8)))) is None
