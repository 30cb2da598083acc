"""Which codes are frequent, as the training set has them: the table behind the frequency and hybrid latents."""

import torch
from torch import Tensor, nn

from monai_vq.quantizers.ranks import sum_over_ranks


class FrequentCodes(nn.Module):
    """The S codes that the training set uses most; M = 1 at a position with one of them, M = 0 elsewhere.

    The table is a moving average of each code's share of a training batch. It is a buffer, hence in the checkpoint, and
    frozen in eval mode: what a held-out image becomes depends on no other image. Until ``warmup_epochs`` are over every
    code counts as frequent, since the first ones say little.

    Args:
        num_embeddings: K.
        num_frequent: S, 0 to K.
        warmup_epochs: epochs before S counts; `set_epoch` tells how many are over.
        decay: of the moving average, in [0, 1).

    Raises:
        ValueError: if an argument is outside what is stated here.
    """

    frequency: Tensor
    is_frequent: Tensor
    epoch: Tensor

    def __init__(self, num_embeddings: int, num_frequent: int, warmup_epochs: int, decay: float = 0.99) -> None:
        super().__init__()
        if not 0 <= num_frequent <= num_embeddings:
            raise ValueError(f"num_frequent {num_frequent} must lie in 0 to num_embeddings {num_embeddings}.")
        if warmup_epochs < 0 or not 0 <= decay < 1:
            raise ValueError(f"warmup_epochs {warmup_epochs} must be at least 0, decay {decay} in [0, 1).")
        self.num_frequent, self.warmup_epochs, self.decay = num_frequent, warmup_epochs, decay
        self.register_buffer("frequency", torch.full((num_embeddings,), 1 / num_embeddings))
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))
        self.register_buffer("is_frequent", torch.ones(num_embeddings, dtype=torch.bool))
        self._rank()

    def continuous(self, codes: Tensor) -> Tensor:
        """Returns where M = 0, bool [B, *spatial], of codes [B, *spatial]."""
        return ~self.is_frequent[codes]

    @torch.jit.unused
    def set_epoch(self, epoch: int) -> None:
        """Says how many epochs are over."""
        self.epoch.fill_(epoch)
        self._rank()

    @torch.jit.unused
    @torch.no_grad()
    def learn(self, codes: Tensor) -> None:
        """Counts a training batch's codes [B, *spatial]."""
        counts = sum_over_ranks(torch.bincount(codes.flatten(), minlength=len(self.frequency)).float())
        self.frequency.lerp_(counts / counts.sum(), 1 - self.decay)
        self._rank()

    def _rank(self) -> None:
        if int(self.epoch) < self.warmup_epochs:
            self.is_frequent.fill_(True)
            return
        order = self.frequency.argsort(descending=True, stable=True)  # of equal ones the first code, on every machine
        self.is_frequent.fill_(False)
        self.is_frequent[order[: self.num_frequent]] = True
