"""The latents of a split's slices, as stage 1 makes them in eval mode."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import Compose
from torch import Tensor
from tqdm import tqdm

from monai_vq.data import slice_items
from monai_vq.engines.latents.stage1 import Stage1, on_device
from monai_vq.metrics import slice_scores
from monai_vq.networks import VQVAE
from monai_vq.transforms import FitImageSized, LoadSliced, ResampleSliced

Rounding = Callable[[Tensor, Tensor], Tensor]  # (codes, side) → side as a prior knows it


def slice_loader(stage1: Stage1, dataset_dir: str, split: str, batch_size: int, num_workers: int = 0) -> DataLoader:
    """Returns the slices of a split as stage 1 was trained to see them, in the order of ``slice_items``.

    Raises:
        InputError: if the dataset is missing or damaged.
    """
    steps = [LoadSliced(), ResampleSliced(stage1.spacing), FitImageSized(stage1.image_size)]
    items = slice_items(dataset_dir, split, stage1.image_size, stage1.spacing)
    return DataLoader(Dataset(items, Compose(steps)), batch_size=batch_size, num_workers=num_workers)


@torch.no_grad()
def extract_latents(
    stage1: Stage1, loader: Iterable[Mapping[str, Any]], device: torch.device | str, what: str = ""
) -> tuple[Tensor, Tensor]:
    """Returns codes [N, h, w] and side [N, G, h, w] of all slices, on the CPU.

    Nothing of stage 1 changes. It runs in float32, whatever it was trained in: a code that two precisions choose
    differently is a code that a prior cannot learn.

    Args:
        stage1: in eval mode.
        loader: batches with ``image``.
        device: where to run.
        what: of the progress bar; empty for none.
    """
    network = on_device(stage1, device)
    codes, side = [], []
    for batch in tqdm(loader, desc=what, disable=not what or not sys.stderr.isatty()):
        batch_codes, batch_side = network.encode_latent(batch["image"].to(device))
        codes.append(batch_codes.cpu())
        side.append(batch_side.cpu())
    return torch.cat(codes), torch.cat(side)


@torch.no_grad()
def rounding_scores(
    network: VQVAE, loader: Iterable[Mapping[str, Any]], rounding: Rounding, device: torch.device | str
) -> pd.DataFrame:
    """Scores reconstructions from gains as they are and as a prior knows them: what the rounding costs.

    Args:
        network: of stage 1, in eval mode, on the device.
        loader: batches with ``image``, ``mask`` and ``patient_id``.
        rounding: of side.
        device: where to run.

    Returns:
        A row each for ``gains`` "as they are" and "rounded": mean over patients of ``ssim``, ``psnr`` (dB) and ``mse``.
    """
    parts: dict[str, list[pd.DataFrame]] = {"as they are": [], "rounded": []}
    for batch in loader:
        x, mask = batch["image"].to(device), batch["mask"].to(device) > 0
        codes, side = network.encode_latent(x)
        for name, stored in zip(parts, (side, rounding(codes, side)), strict=True):
            scores = slice_scores(x, network.decode_latent(codes, stored), mask)
            table = {score: scores[score].cpu().numpy() for score in ("ssim", "psnr", "mse")}
            parts[name].append(pd.DataFrame({"patient_id": np.asarray(batch["patient_id"])} | table))
    means = {name: pd.concat(tables).groupby("patient_id").mean().mean() for name, tables in parts.items()}
    return pd.DataFrame(means).T.rename_axis("gains").reset_index()
