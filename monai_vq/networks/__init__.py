"""Networks: x → z_e and z_q → x_hat, composed with a quantizer."""

from monai_vq.networks.published import BatchNormDecoder, BatchNormEncoder, OordDecoder, OordEncoder
from monai_vq.networks.vae import VAE
from monai_vq.networks.vqvae import (
    VQVAE,
    LatentDecoder,
    Reconstruction,
    Reconstructor,
    check_image_size,
    downsampling_factor,
)

__all__ = [
    "VAE",
    "VQVAE",
    "BatchNormDecoder",
    "BatchNormEncoder",
    "LatentDecoder",
    "OordDecoder",
    "OordEncoder",
    "Reconstruction",
    "Reconstructor",
    "check_image_size",
    "downsampling_factor",
]
