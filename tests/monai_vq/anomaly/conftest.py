from typing import Any

import pytest
import torch
from monai.networks.nets.vqvae import Decoder, Encoder
from torch import Tensor, nn

from monai_vq.networks import VQVAE
from monai_vq.priors import CausalTransformer, LatentAlphabet, Prior
from monai_vq.quantizers import Codebook, ProjectedQuantizer

SIZES: dict[str, Any] = {
    "spatial_dims": 2,
    "channels": [8, 8],
    "num_res_layers": 1,
    "num_res_channels": [8, 8],
    "dropout": 0.0,
    "act": "RELU",
}


@pytest.fixture
def network() -> VQVAE:
    """A small VQ-VAE of codes and gains of 2 bits; images of 16 x 24 pixels as 4 x 6 positions."""
    torch.manual_seed(0)
    quantizer = ProjectedQuantizer(Codebook(8, 8), gain_bits=2)
    encoder = Encoder(in_channels=1, out_channels=8, downsample_parameters=[[2, 4, 1, 1]] * 2, **SIZES)
    decoder = Decoder(
        in_channels=8, out_channels=1, upsample_parameters=[[2, 4, 1, 1, 0]] * 2, output_act="sigmoid", **SIZES
    )
    network = VQVAE(encoder, quantizer, decoder)
    network.train()(torch.rand(8, 1, 16, 24))  # the codebook and the levels start from data
    return network.eval()


@pytest.fixture
def prior(network: VQVAE) -> Prior:
    """A prior over its latents that finds everything alike."""
    alphabet = LatentAlphabet.of(network.quantizer)
    return Prior(alphabet, CausalTransformer(16, 1, 2, grid_size=(4, 6))).eval()


class SurelyZero(nn.Module):
    """The logits of a prior that has only ever seen the code 0."""

    def __init__(self, num_embeddings: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(num_embeddings, 1))

    def forward(self, hidden: Tensor) -> Tensor:
        logits = hidden.new_zeros(*hidden.shape[:-1], len(self.weight))
        logits[..., 0] = 50.0
        return logits


@pytest.fixture
def zero_prior(prior: Prior) -> Prior:
    """A prior to which every code but 0 is unlikely."""
    prior.to_logits = SurelyZero(8)  # type: ignore[assignment]
    return prior
