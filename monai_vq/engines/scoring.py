"""A trained model's scores on a split, beside those of three baselines that know nothing of the latent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from ignite.handlers import ProgressBar
from monai.engines import SupervisedEvaluator
from monai.inferers import Inferer
from monai.networks.layers import GaussianFilter
from torch import Tensor
from tqdm import tqdm

from monai_vq.engines.batches import prepare_batch
from monai_vq.engines.latent_parts import has_gains, stored_gains
from monai_vq.metrics import CodebookUsage, GainCounts, GainHistogram, PatientScores
from monai_vq.networks import VQVAE

BLUR_SIGMA = 2.0  # pixels: about the detail that a downsampling by 4 throws away
MEAN_IMAGE = "mean training image"
SHIFTED = "shifted input (1 px)"
Baseline = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class SplitScores:
    """Scores of one split.

    Attributes:
        model: a row a slice, ids, scores and ``bits_per_pixel``.
        baselines: a table like it for each baseline, without a rate.
        code_counts: how often each code occurs, int64 [K]; None for a model without codes.
        gains: how the stored gains are distributed; None for a model without gains.
    """

    model: pd.DataFrame
    baselines: dict[str, pd.DataFrame]
    code_counts: np.ndarray | None
    gains: GainHistogram | None = None


def score_split(
    network: VQVAE,
    loader: Iterable[Mapping[str, Any]],
    device: torch.device,
    inferer: Inferer,
    baselines: Mapping[str, Baseline],
    progress: str = "",
) -> SplitScores:
    """Reconstructs every slice of a split in eval mode and scores it.

    Args:
        network: the model, on the device.
        loader: batches with ``image``, ``mask`` and ids.
        device: where to run.
        inferer: runs the network; its precision is the evaluation's.
        baselines: x → x_hat by name, scored on the same slices.
        progress: what the progress bar says, or the line in its place where the output is no terminal; empty for none.
    """
    scores = PatientScores(latent_bits=network.latent_bits)
    others = {name: PatientScores(baseline) for name, baseline in baselines.items()}
    usage = CodebookUsage(network.num_embeddings, lambda output: output["pred"].codes)
    codes: dict[str, Any] = {"codes": usage} if network.num_embeddings > 1 else {}
    gains = {"gains": _count_gains(network)} if has_gains(network) else {}
    evaluator = SupervisedEvaluator(
        device=device,
        val_data_loader=loader,
        network=network,
        prepare_batch=prepare_batch,
        inferer=inferer,
        key_val_metric={"ssim": scores},
        additional_metrics=others | codes | gains,
        val_handlers=[ProgressBar(desc=progress)] if progress and _is_terminal() else [],
        decollate=False,
    )
    evaluator.run()
    if progress:
        _tell(progress, len(scores.rows))
    return SplitScores(
        scores.rows,
        {name: other.rows for name, other in others.items()},
        usage.counts.numpy() if codes else None,
        evaluator.state.metrics.get("gains"),
    )


def _count_gains(network: VQVAE) -> GainCounts:
    def stored(output: Mapping[str, Any]) -> Tensor:
        return stored_gains(network, output["pred"].codes, output["pred"].side)

    return GainCounts(network.side_channels, stored)


def make_baselines(train_loader: Iterable[Mapping[str, Any]]) -> dict[str, Baseline]:
    """Returns the baselines of every report: the mean training image, the input blurred, and the input shifted.

    The blurred input lacks detail, the shifted one lacks nothing but the place, by one pixel: a score that likes it no
    better than a reconstruction may be measuring the place, and a model it beats is not yet a faithful one.
    """
    mean = mean_image(train_loader)
    blur = GaussianFilter(spatial_dims=2, sigma=BLUR_SIGMA)

    def mean_training_image(x: Tensor) -> Tensor:
        return mean.to(x.device).expand_as(x)

    def blurred_input(x: Tensor) -> Tensor:
        return blur.to(x.device)(x.float().contiguous()).clamp(0, 1)

    blurred = f"blurred input (σ = {BLUR_SIGMA:g} px)"
    return {MEAN_IMAGE: mean_training_image, blurred: blurred_input, SHIFTED: shifted_input}


def shifted_input(x: Tensor) -> Tensor:
    """Moves images [B, C, H, W] by one pixel to the right, along their columns; the first column is repeated."""
    return torch.cat([x[..., :1], x[..., :-1]], dim=-1)


def mean_image(loader: Iterable[Mapping[str, Any]]) -> Tensor:
    """Returns the mean of all slices of a loader, [1, C, H, W]."""
    total, number = torch.zeros(1, dtype=torch.float64), 0
    for batch in tqdm(loader, desc=MEAN_IMAGE, disable=not _is_terminal()):
        total = total + batch["image"].double().sum(dim=0, keepdim=True)
        number += len(batch["image"])
    _tell(MEAN_IMAGE, number)
    return (total / number).float()


def _is_terminal() -> bool:
    return sys.stderr.isatty()


def _tell(what: str, number: int) -> None:
    """Says in a log, where a bar would fill it with rubbish, that a long step is over."""
    if not _is_terminal():
        print(f"{what}: {number} slices", flush=True)
