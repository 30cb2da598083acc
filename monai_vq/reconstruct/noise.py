"""Noise as scanners make it, added to clean slices to see what a model does with it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from monai_vq.errors import InputError

__all__ = ["KINDS", "RICIAN", "Noise", "scan_generator"]

RICIAN = "rician"
KINDS = (RICIAN, "gaussian")
_EXPECTED = "expected KIND:SIGMA, such as rician:0.05, KIND one of rician and gaussian, 0 < SIGMA <= 1"


@dataclass(frozen=True)
class Noise:
    """Noise of one kind and strength.

    A magnitude image is |x + n1 + i n2| with n1, n2 ~ N(0, sigma²): Rician (Gudbjartsson & Patz 1995, eq. 1). It lifts
    the dark background to sigma √(π/2) and is nearly Gaussian where x > 3 sigma.

    Attributes:
        kind: `rician`, or `gaussian` for x + n1.
        sigma: standard deviation of n1 and of n2, in units of the intensity window, 0 its low end and 1 its high one.
    """

    kind: str
    sigma: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not 0 < self.sigma <= 1:  # false for NaN, too
            raise InputError(f"noise {self.kind}:{self.sigma:g}; {_EXPECTED}.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an option such as `rician:0.05`.

        Raises:
            InputError: it is of another form, kind or strength.
        """
        kind, _, number = str(text).partition(":")
        try:
            sigma = float(number)
        except ValueError:
            raise InputError(f"noise {text!r}; {_EXPECTED}.") from None
        return cls(kind.strip().lower(), sigma)

    def __str__(self) -> str:
        return f"{self.kind}:{self.sigma:g}"

    def add(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Adds noise to slices.

        Drawn slice by slice on the generator's device, so that neither the batch size nor the device of x changes the
        noise of a slice.

        Args:
            x: images [B, C, H, W] in [0, 1].
            generator: of the numbers; it goes on by 2 C H W of them a slice, whatever the kind.

        Returns:
            Images of the same shape, type and device, clipped to [0, 1] as the window clips an image.

        Raises:
            InputError: if x is not of four dimensions or empty, or leaves [0, 1].
        """
        _check_images(x)
        shape = (2, *x.shape[1:])  # [2, C, H, W]: real and imaginary part
        draws = [torch.randn(shape, generator=generator, device=generator.device) for _ in range(len(x))]
        real, imaginary = torch.stack(draws).unbind(dim=1)
        real, imaginary = (self.sigma * part.to(x.device) for part in (real, imaginary))
        noisy = torch.hypot(x.float() + real, imaginary) if self.kind == RICIAN else x.float() + real
        return noisy.clamp(0, 1).to(x.dtype)


def scan_generator(scan_id: str, seed: int) -> torch.Generator:
    """A generator on the CPU that one scan alone uses: other scans, and their number, do not change its noise."""
    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {scan_id}".encode()))


def _check_images(x: Tensor) -> None:
    if x.ndim != 4 or not x.numel():
        raise InputError(f"images of shape {list(x.shape)}, expected [B, C, H, W]; give a batch of slices.")
    low, high = x.min().item(), x.max().item()
    if not (low >= 0 and high <= 1):  # false for NaN, too
        raise InputError(f"images of range {low:g} to {high:g}, expected 0 to 1; scale them by the window first.")
