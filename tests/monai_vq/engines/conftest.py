from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets.vqvae import Decoder, Encoder
from monai.transforms import Compose, ResizeWithPadOrCropd

from monai_vq.data import slice_items
from monai_vq.networks import VQVAE
from monai_vq.quantizers import Codebook, IdentityQuantizer, VectorQuantizer
from monai_vq.transforms import LoadSliced

SIZES: dict[str, Any] = {
    "channels": (8, 8),
    "num_res_layers": 1,
    "num_res_channels": (8, 8),
    "dropout": 0.0,
    "act": "RELU",
}


@pytest.fixture
def make_network() -> Callable[[int], VQVAE]:
    """A small VQVAE of f = 4 and D = 8; one code makes it a plain autoencoder."""

    def make(num_embeddings: int = 8) -> VQVAE:
        torch.manual_seed(0)
        quantizer = VectorQuantizer(Codebook(num_embeddings, 8)) if num_embeddings > 1 else IdentityQuantizer(8)
        encoder = Encoder(2, 1, 8, downsample_parameters=((2, 4, 1, 1),) * 2, **SIZES)
        decoder = Decoder(2, 8, 1, upsample_parameters=((2, 4, 1, 1, 0),) * 2, output_act=None, **SIZES)
        return VQVAE(encoder, quantizer, decoder)

    return make


@pytest.fixture
def loaders(tiny_dataset: Path) -> dict[str, DataLoader]:
    """Batches of three, of 32 x 32 pixels, by split."""
    transform = Compose([LoadSliced(), ResizeWithPadOrCropd(["image", "mask"], (32, 32))])
    return {
        split: DataLoader(Dataset(slice_items(tiny_dataset, split), transform), batch_size=3)
        for split in ("train", "val", "test")
    }
