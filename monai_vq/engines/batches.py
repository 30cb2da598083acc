"""Batches on their way into the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


def prepare_batch(
    batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False
) -> tuple[Tensor, Tensor]:
    """Returns the images [B, C, H, W] twice, as input and as target, on the device in channels-last layout."""
    x = batch["image"].to(device=device, non_blocking=non_blocking, memory_format=torch.channels_last)
    return x, x


def place(network: nn.Module, device: torch.device | str) -> nn.Module:
    """Returns the network on the device in channels-last layout, which convolutions in bfloat16 need to be fast."""
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
