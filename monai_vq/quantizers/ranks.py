"""The two collectives that keep a codebook equal on every rank; without a process group they do nothing."""

from __future__ import annotations

import torch.distributed as dist
from torch import Tensor


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Returns the sum of ``tensor`` over all ranks; every rank must call it."""
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(tensor, op=dist.ReduceOp.SUM)
    return tensor


def broadcast_from_first_rank(tensor: Tensor) -> Tensor:
    """Returns rank 0's ``tensor`` on every rank; every rank must call it with the same shape."""
    if dist.is_available() and dist.is_initialized():
        tensor = tensor.contiguous()
        dist.broadcast(tensor, src=0)
    return tensor
