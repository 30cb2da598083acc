"""How the gains of a whole split are distributed, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from ignite.metrics.metric import reinit__is_reduced, sync_all_reduce
from torch import Tensor

BINS = 2**16  # one for each pattern of 16 bits


@dataclass(frozen=True)
class GainHistogram:
    """How often each value occurs as a gain.

    Attributes:
        values: the float16 numbers, [N], ascending.
        counts: gains of each group that are nearest to them, int64 [G, N].
    """

    values: np.ndarray
    counts: np.ndarray

    def mean(self) -> np.ndarray:
        """Mean gain of each group, [G]; NaN where it has none."""
        return self._mean_of(self.values)

    def sd(self) -> np.ndarray:
        """Standard deviation of the gains of each group, [G]; NaN where it has none."""
        return self._mean_of((self.values - self.mean()[:, None]) ** 2) ** 0.5

    def quantile(self, level: float) -> np.ndarray:
        """The smallest value with at least this share of a group's gains up to it, [G]; a group needs one gain."""
        total = self.counts.sum(axis=1, keepdims=True)
        return self.values[(np.cumsum(self.counts, axis=1) >= np.maximum(level * total, 1)).argmax(axis=1)]

    def level_counts(self, levels: np.ndarray) -> np.ndarray:
        """How often each level is the nearest, int64 [G, L], for levels [G, L] of each group, ascending."""
        rows = []
        for own, counts in zip(levels, self.counts, strict=True):
            nearest = np.searchsorted((own[1:] + own[:-1]) / 2, self.values)
            rows.append(np.bincount(nearest, weights=counts, minlength=own.size).astype(np.int64))
        return np.stack(rows)

    def _mean_of(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is promised
            return np.asarray((self.counts * values).sum(axis=1) / self.counts.sum(axis=1))


class GainCounts(Metric):
    """Counts the gains of an epoch by the float16 number nearest to them; computes a `GainHistogram`.

    Such bins have a width of 1/1024 of their value or less, wherever the gains lie. Under distributed training the
    counts are summed over the processes.

    Args:
        num_gains: G.
        output_transform: takes the engine's output to gains [B, G, *spatial], NaN at positions that have none.
    """

    def __init__(self, num_gains: int, output_transform: Callable[[Any], Tensor] = lambda output: output) -> None:
        self.num_gains = num_gains
        super().__init__(output_transform)

    @reinit__is_reduced
    def reset(self) -> None:
        """Starts an epoch."""
        self._running = torch.zeros(self.num_gains * BINS, dtype=torch.int64)

    @reinit__is_reduced
    def update(self, output: Tensor) -> None:
        """Adds a batch of gains, on their device and without waiting for it: bincount would wait."""
        limit = torch.finfo(torch.float16).max
        rounded = output.detach().movedim(1, 0).flatten(1).clamp(-limit, limit).half()  # [G, N]; NaN stays NaN
        pattern = rounded.view(torch.int16).long() + BINS // 2
        first = torch.arange(self.num_gains, device=output.device)[:, None] * BINS
        bins = (pattern + first).flatten()
        self._running = self._running.to(bins.device)
        self._running.scatter_add_(0, bins, torch.ones_like(bins))

    @sync_all_reduce("_running")
    def compute(self) -> GainHistogram:
        """The epoch's histogram.

        Raises:
            NotComputableError: there was no position, with or without a gain.
        """
        counts = self._running.view(self.num_gains, BINS).cpu().numpy()
        if not counts.any():
            raise NotComputableError("GainCounts has seen no positions in this epoch.")
        values = np.arange(-BINS // 2, BINS // 2).astype(np.int16).view(np.float16).astype(np.float64)
        order = np.argsort(values)
        order = order[np.isfinite(values[order]) & counts[:, order].any(axis=0)]
        return GainHistogram(values[order], counts[:, order])
