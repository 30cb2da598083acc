"""A Gaussian a code for what the code carries, as density and as probabilities of a gain's levels."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.priors.alphabet import LatentAlphabet
from monai_vq.quantizers import GainQuantizer

MIN_COUNT = 16  # values of a code that has a Gaussian of its own; codes seen less often share one
VARIANCE_FLOOR = 0.01  # of the variance over all codes: a tenth of its standard deviation
SMALLEST_VARIANCE = 1e-12  # where all values are equal


class CodeGaussians(nn.Module):
    """Mean and variance of each channel of side for each code, from sums over training images.

    Args:
        alphabet: with gains or vectors.
    """

    counts: Tensor
    sums: Tensor
    squares: Tensor
    has_side: Tensor

    def __init__(self, alphabet: LatentAlphabet) -> None:
        super().__init__()
        K, channels = alphabet.num_embeddings, alphabet.side_channels
        self.register_buffer("counts", torch.zeros(K, 1, dtype=torch.float64))
        self.register_buffer("sums", torch.zeros(K, channels, dtype=torch.float64))
        self.register_buffer("squares", torch.zeros(K, channels, dtype=torch.float64))

    def fit(self, codes: Tensor, side: Tensor) -> None:
        """Adds values [N, channels] of codes [N], all of which carry them."""
        values = side.double()
        self.counts.index_add_(0, codes, torch.ones_like(values[:, :1]))
        self.sums.index_add_(0, codes, values)
        self.squares.index_add_(0, codes, values.square())

    def parameters_of_codes(self) -> tuple[Tensor, Tensor]:
        """Returns mean and standard deviation, float64 [K, channels] each.

        Raises:
            ValueError: if nothing was fitted.
        """
        number = self.counts.sum()
        if number == 0:
            raise ValueError("no training image had a code with a gain or a vector; call fit(codes, side) first.")
        pooled_mean = self.sums.sum(dim=0) / number
        pooled = self.squares.sum(dim=0) / number - pooled_mean.square()
        counts, rare = self.counts.clamp_min(1), self.counts < MIN_COUNT
        mean = self.sums / counts
        variance = torch.where(rare, pooled, self.squares / counts - mean.square())
        floor = (VARIANCE_FLOOR * pooled).clamp_min(SMALLEST_VARIANCE)
        return torch.where(rare, pooled_mean, mean), variance.maximum(floor).sqrt()

    def level_logits(self, gains: GainQuantizer) -> Tensor:
        """Returns ln p(level | k) of each gain, float64 [K, G, 2^b]: the Gaussian's mass on the level's cell.

        A cell ends half way to the next levels, the outer ones nowhere. Of equal levels the first has the cell, which
        is the one that `GainQuantizer.encode` takes, and the others have none.
        """
        mean, scale = self.parameters_of_codes()
        levels = gains.levels.double()
        first = gains.encode(gains.levels[None])[0]  # [G, 2^b], of the levels equal to each
        places = torch.arange(levels.shape[1], device=levels.device)
        last = (first[:, None, :] <= places[:, None]).sum(dim=-1) - 1
        middles = (levels[:, 1:] + levels[:, :-1]) / 2
        edges = F.pad(F.pad(middles, (1, 0), value=-math.inf), (0, 1), value=math.inf)
        upper = edges.gather(1, last + 1)
        lower = torch.where(first == places, edges[:, :-1], upper)
        below, above = ((edge - mean[..., None]) / scale[..., None] for edge in (lower, upper))
        return log_normal_mass(below, above)

    def density_bits(self, codes: Tensor, vectors: Tensor) -> Tensor:
        """Returns −log2 of the density, float64 [...], at vectors [..., D] of codes [...]."""
        mean, scale = self.parameters_of_codes()
        z = (vectors - mean[codes]) / scale[codes]
        nats = 0.5 * z.square() + scale.log()[codes] + 0.5 * math.log(2 * math.pi)
        return nats.sum(dim=-1) / math.log(2)


def log_normal_mass(below: Tensor, above: Tensor) -> Tensor:
    """Returns ln(Φ(above) − Φ(below)) of the standard normal distribution, finite and exact in both tails.

    Args:
        below: lower ends, float64, −∞ allowed.
        above: upper ends, at least the lower ones, ∞ allowed.

    Returns:
        Natural logarithms, of the same shape; −∞ of an interval without width.
    """
    flipped = below > 0  # where Φ rounds to 1, the mirrored interval still has digits
    low, high = torch.where(flipped, -above, below), torch.where(flipped, -below, above)
    ends = torch.special.log_ndtr(high)
    step = torch.special.log_ndtr(low) - ends
    mass = ends + torch.where(step > -math.log(2), (-step.expm1()).log(), (-step.exp()).log1p())
    return mass.where(below < above, -math.inf)
