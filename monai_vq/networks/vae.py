"""The variational autoencoder: one Gaussian an image in place of codes, the baseline without a codebook."""

# No `from __future__ import annotations`: TorchScript reads this file.
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from monai.networks.nets import VarAutoEncoder
from torch import Tensor

from monai_vq.networks.vqvae import VQVAE
from monai_vq.quantizers import Quantized, Quantizer

CHANNELS = (32, 64, 128, 256)  # four convolutions of stride 2, four transposed ones back, as in the CIFAR-10 report


class VAE(VQVAE):
    """MONAI's ``VarAutoEncoder`` with a VQVAE's outer interface (Kingma and Welling 2014).

    Its mean squared error plus the ``loss`` of its ``Reconstruction``, kl_weight · KL / (C·H·W), is up to constants and
    the factor kl_weight / (C·H·W) the negative ELBO of a Gaussian decoder whose pixels have the variance kl_weight / 2.
    So kl_weight 1, the summed squared error plus KL of most implementations, takes pixels in [0, 1] for noise of
    standard deviation 0.71, and most of the latent collapses to the prior; 0.01, for noise of 0.07, is near the model's
    own error, where the likelihood is best (Rybkin et al. 2021). A smaller one buys a better reconstruction with bits.

    In training mode the latent is sampled; in eval mode it is the mean (MONAI's ``use_mean_at_inference``). There are
    no codes: they are zeros [B, 1, 1], and ``side`` is (mean, log-variance), [B, 2·latent_size, 1, 1].

    Args:
        image_size: of the images, which must all have it; divisible by the downsampling factor, 16 for four channels.
        in_channels: C.
        latent_size: L, numbers in an image's latent.
        kl_weight: weight of the KL divergence, in the units above; 0 leaves it out.
        channels: of the convolutions, each of stride 2.

    Example:
        >>> vae = VAE(image_size=(32, 32), in_channels=1, latent_size=8).eval()
        >>> x = torch.rand(2, 1, 32, 32)
        >>> codes, side = vae.encode_latent(x)
        >>> tuple(codes.shape), tuple(side.shape), torch.equal(vae.decode_latent(codes, side), vae(x).x_hat)
        ((2, 1, 1), (2, 16, 1, 1), True)
    """

    def __init__(
        self,
        image_size: Sequence[int],
        in_channels: int,
        latent_size: int = 128,
        kl_weight: float = 0.01,
        channels: Sequence[int] = CHANNELS,
    ) -> None:
        autoencoder = VarAutoEncoder(
            spatial_dims=len(image_size),
            in_shape=(in_channels, *image_size),
            out_channels=in_channels,
            latent_size=latent_size,
            channels=channels,
            strides=[2] * len(channels),
            act="RELU",
            norm="BATCH",  # MONAI's default, instance norm, would take each image's brightness and contrast away
        )
        kl_cost = kl_weight / (in_channels * math.prod(image_size))
        super().__init__(autoencoder.encode, GaussianBottleneck(autoencoder, kl_cost), autoencoder.decode)

    def latent_bits(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns KL / ln 2 of each image, [B], float32: a bound that bits-back coding reaches, not a file's size.

        It is what a sample of the posterior costs; the reconstruction that is scored decodes the mean, which is
        a little better than a sample.
        """
        mean, logvar = side.flatten(1).chunk(2, dim=1)
        return gaussian_kl(mean, logvar) / math.log(2)


class GaussianBottleneck(Quantizer):
    """The dense middle of a ``VarAutoEncoder``, under the contract of a quantizer.

    ::

        z_e ──► mean, log-variance ──► z = mean + ε·σ ──► dense, ReLU ──► z_q      side = (mean, log-variance)

    K = 1 code that says nothing. ``embed`` decodes the mean, so it equals z_q to the bit in eval mode and after
    ``assign``; in training mode z is sampled. In float32, as every quantizer.

    Args:
        autoencoder: gives its layers ``mu``, ``logvar`` and ``decodeL``.
        kl_cost: weight of the mean KL divergence of an image, in nats, in the loss.
    """

    def __init__(self, autoencoder: VarAutoEncoder, kl_cost: float) -> None:
        super().__init__()
        self.mu, self.logvar, self.dense = autoencoder.mu, autoencoder.logvar, autoencoder.decodeL
        self.kl_cost = kl_cost
        self.num_embeddings, self.embedding_dim = 1, int(autoencoder.encoded_channels)
        self.latent_shape = [int(n) for n in autoencoder.final_size]
        self.z_q_shape = [-1, self.embedding_dim, *self.latent_shape]
        self.side_channels = 2 * int(autoencoder.latent_size)

    def _quantize(self, z_e: Tensor, learn: bool) -> Quantized:
        if list(z_e.shape[2:]) != self.latent_shape:
            raise ValueError(
                f"z_e of {list(z_e.shape[2:])} positions, expected {self.latent_shape}: a VAE takes only images of its "
                "image_size; give it these, or build it with theirs."
            )
        mean, logvar = self.mu(z_e.flatten(1)), self.logvar(z_e.flatten(1))
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar) if learn else mean
        side = torch.cat([mean, logvar], dim=1).detach().view([-1, self.side_channels] + [1] * len(self.latent_shape))
        codes = torch.zeros_like(side[:, 0], dtype=torch.int64)
        return Quantized(self._expand(z), codes, side, self.kl_cost * gaussian_kl(mean, logvar).mean())

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns z_q, [B, D, *spatial], of the mean in side [B, 2·L, 1, 1]; the codes say nothing here."""
        return self._expand(side.flatten(1)[:, : self.side_channels // 2])

    def _expand(self, z: Tensor) -> Tensor:
        return F.relu(self.dense(z)).view(self.z_q_shape)


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """Returns KL(N(mean, diag exp(logvar)) ‖ N(0, 1)) of each row, in nats, [B], of two tensors [B, L]."""
    return 0.5 * (mean.square() + torch.expm1(logvar) - logvar).sum(dim=1)  # expm1: exact where the posterior is 1
