"""Restorations: the unlikely symbols of a latent drawn anew from the prior, as if the image were healthy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_vq.anomaly.maps import to_image_size
from monai_vq.networks import VQVAE
from monai_vq.priors import Kept, Prior

__all__ = ["Restorer"]


@dataclass(frozen=True)
class Restorer:
    """Draws unlikely positions anew and decodes the result (Pinaya et al. 2022, restoration by resampling).

    ::

        codes, side ──► unlikely ones drawn from the prior, others kept ──► decoder ──► restored image   (several times)
             └────────────────────────────────────────────────────────────► decoder ──► x_hat
        map = how unlikely each position is · mean of |x_hat − restored image|

    Pinaya et al. multiply by the smoothed mask of the unlikely positions; how unlikely they are says more (on tuning
    lesions in 7 heads, average precision .074 instead of .051, AUROC .77 instead of .75).

    Attributes:
        prior: in eval mode.
        network: of stage 1, in eval mode, on the prior's device.
        number: restorations of each slice.
        batch_size: latents that are drawn at a time.
    """

    prior: Prior
    network: VQVAE
    number: int = 4
    batch_size: int = 32

    @torch.no_grad()
    def map(
        self,
        codes: Tensor,
        side: Tensor,
        deviation: Tensor,
        threshold: float,
        condition: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Returns how much each pixel changes when the unlikely positions are restored.

        Args:
            codes: [N, h, w].
            side: [N, G, h, w].
            deviation: how unlikely each position is, [N, h, w]; 0 where it is as likely as in healthy slices.
            threshold: positions that deviate by more are drawn anew; a slice without any has a map of zeros.
            condition: [N, C]; None where nothing is known.
            generator: makes the draws reproducible; on the prior's device.

        Returns:
            Mean absolute differences times the deviation where it is positive, float32 [N, H, W] on the CPU.
        """
        unlikely = deviation > threshold
        x_hat = torch.cat([self._decode(*part) for part in self._parts(codes, side)])
        residual = torch.zeros(len(codes), *x_hat.shape[2:])
        chosen = unlikely.flatten(1).any(dim=1).nonzero()[:, 0].repeat(self.number)
        for rows in chosen.split(self.batch_size) if len(chosen) else ():
            known = None if condition is None else condition[rows]
            restored = self.restore(codes[rows], side[rows], unlikely[rows], known, generator)
            residual.index_add_(0, rows, (restored - x_hat[rows]).abs().mean(dim=1))
        return to_image_size(deviation, residual.shape[1:]).clamp(min=0) * residual / self.number

    @torch.no_grad()
    def restore(
        self,
        codes: Tensor,
        side: Tensor,
        unlikely: Tensor,
        condition: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Returns one restoration of each slice, [N, C, H, W] in [0, 1] on the CPU.

        Args:
            codes: [N, h, w].
            side: [N, G, h, w].
            unlikely: bool [N, h, w], the positions that are drawn anew.
            condition: [N, C]; None where nothing is known.
            generator: makes the draws reproducible; on the prior's device.
        """
        device = self.prior.alphabet.has_side.device
        codes, side, unlikely = (tensor.to(device) for tensor in (codes, side, unlikely))
        known = None if condition is None else condition.to(device)
        keep = Kept(~unlikely, codes, side)
        drawn = self.prior.sample(tuple(codes.shape), known, generator=generator, keep=keep)  # type: ignore[arg-type]
        return self._decode(*drawn)

    def _decode(self, codes: Tensor, side: Tensor) -> Tensor:
        """x_hat of latents, the gains as the prior knows them; [N, C, H, W] in [0, 1] on the CPU."""
        device = next(self.network.parameters()).device
        codes, side = codes.to(device), side.to(device)
        x_hat = self.network.decode_latent(codes, self.prior.alphabet.round(codes, side))
        return x_hat.float().clamp(0, 1).cpu()

    def _parts(self, codes: Tensor, side: Tensor) -> list[tuple[Tensor, Tensor]]:
        return list(zip(codes.split(self.batch_size), side.split(self.batch_size), strict=True))
