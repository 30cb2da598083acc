"""Drawn images beside real slices: loads what `monai_vq.report.samples.judge` compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from monai_vq.data import file_sha256, read_splits
from monai_vq.data.condition_rows import condition_rows
from monai_vq.engines.latents.extraction import slice_loader
from monai_vq.engines.latents.stage1 import require_split
from monai_vq.engines.priors.load import PriorRun
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import BEST
from monai_vq.priors import Categorical
from monai_vq.report.samples import SampleScores, SliceSet, judge
from monai_vq.report.samples.slice_set import MIN_SAMPLES, SLICE_IDS, SliceStream

MAX_REAL = 10_000  # slices of a split whose distances are taken, evenly: 0.5 GB at 128 x 96 pixels
HELD_OUT = "test"  # patients on which neither stage 1 nor the prior was trained or chosen
FOLDER = "report"


def check_judging(prior_run: PriorRun, dataset_dir: str, num_samples: int) -> None:
    """Refuses to compare with another split's patients, or too few samples.

    Raises:
        InputError: naming the remedy.
    """
    if num_samples < MIN_SAMPLES:
        raise InputError(f"--num_samples {num_samples}: judging needs at least {MIN_SAMPLES}; give --judge false.")
    require_split(prior_run.stage1, dataset_dir)


def judge_samples(
    prior_run: PriorRun,
    images: Tensor,
    given: pd.DataFrame,
    dataset_dir: str,
    output_dir: Path,
    seed: int,
    choice: Mapping[str, Any] | None = None,
) -> SampleScores:
    """Writes the page that compares samples with training slices and with those of held-out patients.

    Args:
        prior_run: that they were drawn from.
        images: [N, C, H, W] in [0, 1].
        given: their conditions, a column each; one that some sample lacks is left out.
        dataset_dir: of training.
        output_dir: folder of the samples, in which ``report/`` is written.
        seed: of the samples' and of the comparison's draws.
        choice: how they were drawn, for the page.

    Raises:
        InputError: if the dataset is missing, or too small to compare with.
    """
    known, searched = given.dropna(axis=1), stream_slices(prior_run, dataset_dir, "train")
    groups = [field.name for field in prior_run.fields.fields if isinstance(field, Categorical)]
    return judge(
        SliceSet(images, known),
        take_evenly(searched),
        take_evenly(stream_slices(prior_run, dataset_dir, HELD_OUT)),
        output_dir / FOLDER,
        condition=next((name for name in groups if name in known), None),
        reconstruct=_reconstruction(prior_run),
        searched=searched,
        settings=_provenance(prior_run, dataset_dir) | dict(choice or {}) | {"seed": seed},
        title=f"Samples of {prior_run.run_dir.name}",
        unit=read_splits(dataset_dir).unit,
        seed=seed,
    )


def stream_slices(prior_run: PriorRun, dataset_dir: str, split: str) -> SliceStream:
    """Returns all slices of a split as stage 1 sees them, with their ids and what is known of each.

    Raises:
        InputError: if the dataset is missing or damaged.
    """
    dataset = slice_loader(prior_run.stage1, dataset_dir, split, batch_size=1).dataset
    known = condition_rows(dataset_dir, split)
    rows = [{key: item[key] for key in SLICE_IDS} | own for item, own in zip(dataset.data, known, strict=True)]

    def load(places: Sequence[int]) -> Tensor:
        return torch.stack([dataset[i]["image"] for i in places])

    return SliceStream(pd.DataFrame(rows), load)


def take_evenly(slices: SliceStream) -> SliceSet:
    """Returns at most `MAX_REAL` of the slices, every few of a large split."""
    return slices.take(range(0, len(slices), -(-len(slices) // MAX_REAL)))


def _provenance(prior_run: PriorRun, dataset_dir: str) -> dict[str, Any]:
    return {
        "prior": prior_run.run_dir.name,
        "prior checkpoint sha256": file_sha256(prior_run.run_dir / "checkpoints" / BEST),
        "stage 1": prior_run.stage1_dir.name,
        "stage 1 checkpoint sha256": prior_run.stage1.checkpoint_sha256,
        "split sha256": read_splits(dataset_dir).sha256,
        "held out": HELD_OUT,
    }


def _reconstruction(prior_run: PriorRun) -> Callable[[Tensor], Tensor]:
    def reconstruct(images: Tensor) -> Tensor:
        device = prior_run.prior.to_logits.weight.device
        return prior_run.network(images.to(device)).x_hat.cpu()

    return reconstruct
