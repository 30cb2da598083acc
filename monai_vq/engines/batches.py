"""Batches on their way into the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}  # by number of axes, of images and of volumes


def prepare_batch(
    batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False
) -> tuple[Tensor, Tensor]:
    """Returns the images [B, C, *image] twice, as input and as target, on the device in channels-last layout."""
    image = batch["image"]
    x = image.to(device=device, non_blocking=non_blocking, memory_format=LAYOUTS[image.ndim])
    return x, x


def place(network: nn.Module, device: torch.device | str) -> nn.Module:
    """Returns the network on the device in channels-last layout, which convolutions in bfloat16 need to be fast."""
    network = network.to(device)
    for parameter in network.parameters():  # one by one: a network may have convolutions in 2D and in 3D
        if parameter.ndim in LAYOUTS:
            parameter.data = parameter.data.contiguous(memory_format=LAYOUTS[parameter.ndim])
    return network
