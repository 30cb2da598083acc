"""The VQ-VAE as a composition of encoder, quantizer and decoder."""

import copy
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from monai_vq.errors import InputError
from monai_vq.quantizers import Quantizer

PROBE_SIZE = 64  # pixels a side of the image, on the meta device, that tells the downsampling factor; f up to 64


class Reconstruction(NamedTuple):
    """What a VQVAE makes of an image x [B, C, *image].

    Attributes:
        x_hat: reconstruction, [B, C, *image], in the autocast type; not clipped.
        codes: [B, *spatial], int64.
        side: [B, G, *spatial], float32.
        loss: the quantizer's loss, a scalar; the reconstruction's own error is for the loss function.
    """

    x_hat: Tensor
    codes: Tensor
    side: Tensor
    loss: Tensor


class VQVAE(nn.Module):
    """x → encoder → z_e → quantizer → (codes, side) → z_q → decoder → x_hat (van den Oord et al. 2017).

    It offers the methods of MONAI's ``VQVAE`` with these differences: ``forward`` returns a ``Reconstruction``; a
    latent with side information is decoded by ``decode_latent(codes, side)``, ``decode_samples(codes)`` serves G = 0
    only; ``decode_stage_2_outputs`` decodes what it is given and does not quantise again; ``index_quantize``,
    ``encode_latent`` and ``encode_stage_2_inputs`` never change the codebook, in training mode neither.

    Args:
        encoder: [B, C, *image] → z_e [B, D, *spatial].
        quantizer: z_e → ``Quantized``.
        decoder: z_q [B, D, *spatial] → [B, C, *image].
    """

    def __init__(self, encoder: nn.Module, quantizer: Quantizer, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.quantizer, self.decoder = encoder, quantizer, decoder

    @property
    def num_embeddings(self) -> int:
        """K, the number of codewords."""
        return self.quantizer.num_embeddings

    @property
    def embedding_dim(self) -> int:
        """D, the channels of z_e and z_q."""
        return self.quantizer.embedding_dim

    @property
    def side_channels(self) -> int:
        """G, the scalars a position that the codes do not say."""
        return self.quantizer.side_channels

    def forward(self, images: Tensor) -> Reconstruction:
        """Reconstructs images [B, C, *image] in [0, 1]; in training mode the codebook learns from them."""
        quantized = self.quantizer(self.encode(images))
        return Reconstruction(self.decode(quantized.z_q), quantized.codes, quantized.side, quantized.loss)

    def encode(self, images: Tensor) -> Tensor:
        """Returns z_e, [B, D, *spatial]."""
        return self.encoder(images)

    def quantize(self, encodings: Tensor) -> tuple[Tensor, Tensor]:
        """Returns z_q and the quantizer's loss for z_e; in training mode the codebook learns."""
        quantized = self.quantizer(encodings)
        return quantized.z_q, quantized.loss

    def decode(self, quantizations: Tensor) -> Tensor:
        """Returns x_hat, [B, C, *image], of z_q [B, D, *spatial]."""
        return self.decoder(quantizations)

    def encode_latent(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the whole latent of images: codes [B, *spatial] and side [B, G, *spatial]."""
        quantized = self.quantizer.assign(self.encode(images))
        return quantized.codes, quantized.side

    def decode_latent(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns x_hat of a stored, sent or sampled latent."""
        return self.decode(self.quantizer.embed(codes, side))

    def latent_bits(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the bits of each image's latent, [B], float32: log2 K a code, and the quantizer's bits beside it.

        Args:
            codes: [B, *spatial].
            side: [B, G, *spatial].
        """
        code_bits = codes[0].numel() * math.log2(self.num_embeddings)
        return code_bits + self.quantizer.side_bits(codes).flatten(1).sum(dim=1)

    def index_quantize(self, images: Tensor) -> Tensor:
        """Returns the codes of images, [B, *spatial]."""
        return self.encode_latent(images)[0]

    def decode_samples(self, embedding_indices: Tensor) -> Tensor:
        """Decodes codes [B, *spatial] alone.

        Raises:
            InputError: if the latent has side information, which codes alone do not say.
        """
        if self.side_channels > 0:
            raise InputError(
                f"codes alone do not say this latent: it has {self.side_channels} side channel(s) a position; "
                "call decode_latent(codes, side) with the side of encode_latent(images) or of a prior."
            )
        return self.decode_latent(embedding_indices, torch.zeros_like(embedding_indices[:, None][:, :0]))

    def encode_stage_2_inputs(self, x: Tensor) -> Tensor:
        """Returns z_q of images, for a second-stage model; the codebook stays as it is."""
        return self.quantizer.assign(self.encode(x)).z_q

    def decode_stage_2_outputs(self, z: Tensor) -> Tensor:
        """Decodes what a second-stage model made, as it is."""
        return self.decode(z)


class Reconstructor(VQVAE):
    """A VQVAE whose forward returns x_hat only, with the same state-dict keys: the ``network_def`` of inference."""

    def forward(self, images: Tensor) -> Tensor:  # type: ignore[override]
        """Returns x_hat, [B, C, *image]."""
        return self.decode(self.quantizer(self.encode(images)).z_q)


class LatentDecoder(nn.Module):
    """The way back alone, (codes, side) → x_hat: what a receiver or a prior's sampler needs of a network.

    Its state-dict keys are the network's own, of ``quantizer`` and ``decoder``.

    Args:
        network: whose parts it shares; the encoder is not among them.
    """

    def __init__(self, network: VQVAE) -> None:
        super().__init__()
        self.quantizer, self.decoder = network.quantizer, network.decoder

    def forward(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns x_hat, [B, C, *image], of codes [B, *spatial] and side [B, G, *spatial]."""
        return self.decoder(self.quantizer.embed(codes, side))


def downsampling_factor(network: VQVAE, in_channels: int, spatial_dims: int = 2) -> int:
    """Returns f, how many times smaller than the image the latent is along an axis; the network stays as it is."""
    encoder = copy.deepcopy(network.encoder).to("meta").eval()  # shapes only: no time, no batch statistics touched
    probe = torch.empty(1, in_channels, *[PROBE_SIZE] * spatial_dims, device="meta")
    with torch.no_grad():
        return PROBE_SIZE // encoder(probe).shape[-1]


def check_image_size(network: VQVAE, image_size: tuple[int, ...] | list[int], in_channels: int) -> None:
    """Refuses an image size that the network cannot give back.

    Raises:
        InputError: if a side of image_size is not divisible by the downsampling factor.
    """
    factor = downsampling_factor(network, in_channels, len(image_size))
    if any(size % factor for size in image_size):
        nearest = [-(-size // factor) * factor for size in image_size]
        raise InputError(
            f"image_size {list(image_size)} is not divisible by the network's downsampling factor {factor}; "
            f"use --image_size {nearest!r}."
        )
