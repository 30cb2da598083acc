"""Networks: x → z_e and z_q → x_hat, composed with a quantizer."""

from monai_vq.networks.vqvae import VQVAE, Reconstruction, Reconstructor, check_image_size, downsampling_factor

__all__ = ["VQVAE", "Reconstruction", "Reconstructor", "check_image_size", "downsampling_factor"]
