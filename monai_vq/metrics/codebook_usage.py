"""How much of a codebook is used over a whole epoch; a batch alone would underestimate it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from ignite.metrics.metric import reinit__is_reduced, sync_all_reduce
from numpy.typing import ArrayLike
from torch import Tensor

from monai_vq.errors import InputError


def usage(counts: ArrayLike) -> float:
    """Fraction of codes that occur at least once, in [0, 1], from counts [K]; NaN where nothing was counted."""
    histogram = np.asarray(counts)
    return float((histogram > 0).mean()) if histogram.sum() else float("nan")


def perplexity(counts: ArrayLike) -> float:
    """Exponential of the entropy of the code histogram [K]: K for uniform use, 1 for one code, NaN for no counts."""
    histogram = np.asarray(counts, dtype=np.float64)
    used = histogram[histogram > 0]
    if used.size == 0:
        return float("nan")
    probability = used / used.sum()
    return float(np.exp(-(probability * np.log(probability)).sum()))


class CodebookUsage(Metric):
    """Counts every code of an epoch; computes `{"usage": ..., "perplexity": ...}`.

    Ignite writes both keys, and the dictionary under the metric's own name, to `engine.state.metrics`. Under
    distributed training the counts are summed over the processes.

    Args:
        num_embeddings: K.
        output_transform: takes the engine's output to `codes`, int64 [B, h, w], or to a list of such tensors.

    Attributes:
        counts: int64 [K] on the CPU, how often each code occurred in the epoch that was computed last.
    """

    def __init__(
        self,
        num_embeddings: int,
        output_transform: Callable[[Any], Tensor | Sequence[Tensor]] = lambda output: output,
    ) -> None:
        self.num_embeddings = num_embeddings
        self.counts = torch.zeros(num_embeddings, dtype=torch.int64)
        super().__init__(output_transform)

    @reinit__is_reduced
    def reset(self) -> None:
        """Starts an epoch; `counts` keeps the last epoch's histogram until the next `compute`."""
        self._running = torch.zeros(self.num_embeddings + 2, dtype=torch.int64)  # first and last: codes out of range

    @reinit__is_reduced
    def update(self, output: Tensor | Sequence[Tensor]) -> None:
        """Adds a batch of codes, on their device and without waiting for it: bincount and a check would wait."""
        for codes in [output] if isinstance(output, Tensor) else output:
            bins = (codes.detach().flatten() + 1).clamp(0, self.num_embeddings + 1)
            self._running = self._running.to(bins.device)
            self._running.scatter_add_(0, bins, torch.ones_like(bins))

    @sync_all_reduce("_running")
    def compute(self) -> dict[str, float]:
        """Usage and perplexity over the epoch.

        Raises:
            NotComputableError: no code was counted.
            InputError: a code is not in [0, num_embeddings).
        """
        below, *counts, above = self._running.tolist()
        if below or above:
            raise InputError(
                f"Codes must lie in [0, {self.num_embeddings}), got {below} below and {above} above. "
                "Give CodebookUsage the quantizer's num_embeddings."
            )
        self.counts = torch.tensor(counts)
        if not self.counts.any():
            raise NotComputableError("CodebookUsage has seen no codes in this epoch.")
        return {"usage": usage(self.counts), "perplexity": perplexity(self.counts)}
