"""The maps of a scan by every method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_vq.anomaly.baselines import healthy_deviation, median_difference, reconstruction_error
from monai_vq.anomaly.maps import latent_bits, to_image_size
from monai_vq.anomaly.normal import NormalMap
from monai_vq.anomaly.restoration import Restorer

__all__ = ["UNLIKELY", "Mapper", "ScanLatents", "encode"]

# Quantile of the deviation of healthy validation slices, above which a position is drawn anew. With fewer positions the
# map is zero nearly everywhere (on tuning lesions in 7 heads, AUROC .73 with 0.9 and .77 with 0.75).
UNLIKELY = 0.75


@dataclass(frozen=True)
class ScanLatents:
    """The slices of a scan as stage 1 and the prior see them, on the CPU.

    Attributes:
        images: [S, 1, H, W] in [0, 1].
        x_hat: their reconstructions, same shape.
        codes: [S, h, w].
        side: [S, G, h, w].
        bits: of codes and gains at each position, [S, h, w].
    """

    images: Tensor
    x_hat: Tensor
    codes: Tensor
    side: Tensor
    bits: Tensor


@torch.no_grad()
def encode(restorer: Restorer, images: Tensor, condition: Tensor | None) -> ScanLatents:
    """Encodes slices [S, 1, H, W] and counts the bits of their latents.

    Args:
        restorer: its network and prior are used.
        images: in [0, 1].
        condition: [S, C]; None where nothing is known.
    """
    device, parts = next(restorer.network.parameters()).device, []
    for batch in images.split(restorer.batch_size):
        codes, side = restorer.network.encode_latent(batch.to(device))
        x_hat = restorer.network.decode_latent(codes, side).float().clamp(0, 1)
        parts.append([tensor.cpu() for tensor in (x_hat, codes, side)])
    x_hat, codes, side = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    bits = latent_bits(restorer.prior, codes, side, condition, restorer.batch_size)
    return ScanLatents(images, x_hat, codes, side, bits)


@dataclass(frozen=True)
class Mapper:
    """Turns slices into maps, each higher where a slice is more abnormal.

    Attributes:
        restorer: prior and stage 1.
        normal_bits: what bits are normal at a position, of healthy validation patients: training patients' latents
            have fewer, as the prior has seen them.
        normal_images: what brightness is normal at a pixel, of healthy training patients.
        unlikely_from: the deviation from normal bits above which a position is unlikely.
    """

    restorer: Restorer
    normal_bits: NormalMap
    normal_images: NormalMap
    unlikely_from: float

    def maps(
        self,
        latents: ScanLatents,
        foreground: NDArray[np.bool_],
        slice_positions: NDArray[np.floating],
        condition: Tensor | None,
        generator: torch.Generator | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """Returns the map of every method, [S, H, W], by the names of `evaluation.METHODS`.

        Args:
            latents: of the scan.
            foreground: [S, H, W].
            slice_positions: of each slice in its head, [S], 0 to 1.
            condition: [S, C]; None where nothing is known.
            generator: of the restorations.
        """
        deviation = torch.from_numpy(self.normal_bits.deviation(latents.bits.numpy(), slice_positions)).float()
        x, x_hat = (images[:, 0].numpy() for images in (latents.images, latents.x_hat))
        restored = self.restorer.map(latents.codes, latents.side, deviation, self.unlikely_from, condition, generator)
        maps = {
            "likelihood": to_image_size(deviation, x.shape[1:]).numpy(),
            "restoration": restored.numpy(),
            "reconstruction error": reconstruction_error(x, x_hat),
            "difference from median": median_difference(x, foreground),
            "deviation from healthy": healthy_deviation(x, slice_positions, self.normal_images),
        }
        return {name: values.astype(np.float32) for name, values in maps.items()}
