"""The gains of a split in numbers: their spread, and how much of the bits they take are used."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from monai_vq.metrics.codebook_usage import perplexity, usage
from monai_vq.metrics.gain_counts import GainHistogram


@dataclass(frozen=True)
class GainReport:
    """The stored gains of one split.

    Attributes:
        split: whose.
        histogram: how often each value occurs, by group of channels.
        levels: that gains are rounded to, [G, 2^gain_bits] ascending; None where they are not rounded.
    """

    split: str
    histogram: GainHistogram
    levels: np.ndarray | None = None

    @property
    def is_empty(self) -> bool:
        """No position stores a gain, as where all codes of a hybrid latent are frequent."""
        return not self.histogram.counts.any()

    @property
    def gain_bits(self) -> int | None:
        """Bits of a stored gain; None where it is a float32."""
        return None if self.levels is None else round(math.log2(self.levels.shape[1]))

    def rows(self) -> list[dict[str, Any]]:
        """For each group `group` (from 1), `number` of gains, `mean`, `sd`, `levels_used` and `entropy_bits`.

        `levels_used` is the share of levels that occur, `entropy_bits` the entropy of a gain's level by itself, at most
        `gain_bits`; both are NaN where gains are not rounded.
        """
        columns = {
            "group": range(1, len(self.histogram.counts) + 1),
            "number": self.histogram.counts.sum(axis=1).tolist(),
            "mean": self.histogram.mean().tolist(),
            "sd": self.histogram.sd().tolist(),
            "levels_used": [math.nan] * len(self.histogram.counts),
            "entropy_bits": [math.nan] * len(self.histogram.counts),
        }
        if self.levels is not None:
            counts = self.histogram.level_counts(self.levels)
            columns["levels_used"] = [usage(own) for own in counts]
            columns["entropy_bits"] = [math.log2(perplexity(own)) for own in counts]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
