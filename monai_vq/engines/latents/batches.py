"""Latents on their way into a prior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from monai_vq.priors import LatentAlphabet


def latent_tensors(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an item of `PriorData.items` with tensors: codes int64 [h, w], side as stored, condition float32 [C]."""
    side = item["stored_side"]
    return dict(item) | {
        "codes": torch.from_numpy(item["codes"].astype(np.int64)),
        "stored_side": torch.from_numpy(side.astype(np.int64 if side.dtype == np.uint8 else np.float32)),
        "condition": torch.from_numpy(item["condition"]),
    }


class PrepareLatents:
    """Brings a batch to the device, with the gains that its indices stand for: MONAI's ``prepare_batch``.

    Args:
        alphabet: of the prior, on the device that batches are brought to.
    """

    def __init__(self, alphabet: LatentAlphabet) -> None:
        self.alphabet = alphabet

    def __call__(
        self, batch: Mapping[str, Any], device: torch.device | str | None = None, non_blocking: bool = False
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor | None], dict[str, Any]]:
        """Returns codes [B, h, w] as input and as target, and what the prior takes beside: side and condition."""
        codes, stored, condition = (
            batch[key].to(device=device, non_blocking=non_blocking) for key in ("codes", "stored_side", "condition")
        )
        side = stored if self.alphabet.vector_size else self.alphabet.decode(codes, stored)
        return codes, codes, (side, condition if condition.shape[1] else None), {}
