from collections.abc import Callable

import pytest
import torch
from monai.networks.nets.vqvae import Decoder, Encoder
from torch import nn

from monai_vq.networks import VQVAE
from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    VectorQuantizer,
)

K, D = 16, 6
QUANTIZERS = {
    "vector": lambda: VectorQuantizer(Codebook(K, D)),
    "projected": lambda: ProjectedQuantizer(Codebook(K, D, choice="direction")),
    "three_gains": lambda: ProjectedQuantizer(Codebook(K, D, choice="direction", num_groups=3), gain_bits=4),
    "frequency": lambda: FrequencyQuantizer(Codebook(K, D), num_frequent=K // 2, warmup_epochs=0),
    "hybrid": lambda: HybridQuantizer(Codebook(K, D), num_frequent=K // 2, warmup_epochs=0),
    "identity": lambda: IdentityQuantizer(D),
}


@pytest.fixture
def coders() -> Callable[..., tuple[nn.Module, nn.Module]]:
    """Makes a small encoder and decoder of MONAI's, f = 4, one channel of image."""

    def make(spatial_dims: int = 2) -> tuple[nn.Module, nn.Module]:
        own = {
            "spatial_dims": spatial_dims,
            "channels": [4, 8],
            "num_res_layers": 1,
            "num_res_channels": [4, 8],
            "dropout": 0.0,
            "act": "RELU",
        }
        down, up = [(2, 4, 1, 1)] * 2, [(2, 4, 1, 1, 0)] * 2
        encoder = Encoder(in_channels=1, out_channels=D, downsample_parameters=down, **own)
        return encoder, Decoder(in_channels=D, out_channels=1, upsample_parameters=up, output_act=None, **own)

    return make


@pytest.fixture
def make_network(coders) -> Callable[..., VQVAE]:
    """Makes a VQVAE (or another class) by the quantizer's name; its codebook has seen one batch."""

    def make(quantizer: str, spatial_dims: int = 2, kind: type[VQVAE] = VQVAE) -> VQVAE:
        torch.manual_seed(0)
        encoder, decoder = coders(spatial_dims)
        network = kind(encoder, QUANTIZERS[quantizer](), decoder)
        network.train()(torch.rand(4, 1, *[16] * spatial_dims))
        return network.eval()

    return make
