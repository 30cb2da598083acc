"""Drawn images beside real slices: loads what `monai_vq.report.samples.judge` compares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from monai_vq.data import read_splits
from monai_vq.data.condition_rows import condition_rows
from monai_vq.engines.latents.extraction import slice_loader
from monai_vq.engines.latents.stage1 import require_split
from monai_vq.engines.priors.load import PriorRun
from monai_vq.errors import InputError
from monai_vq.priors import Categorical
from monai_vq.report.samples import SampleScores, SliceSet, judge
from monai_vq.report.samples.slice_set import MIN_SAMPLES, SLICE_IDS

MAX_REAL = 10_000  # slices of a split that are held in memory, evenly: 0.5 GB at 128 x 96 pixels
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
    prior_run: PriorRun, images: Tensor, given: pd.DataFrame, dataset_dir: str, output_dir: Path, seed: int
) -> SampleScores:
    """Writes the page that compares samples with training slices and with those of held-out patients.

    Args:
        prior_run: that they were drawn from.
        images: [N, C, H, W] in [0, 1].
        given: their conditions, a column each; one that some sample lacks is left out.
        dataset_dir: of training.
        output_dir: folder of the samples, in which ``report/`` is written.
        seed: of the comparison's draws.

    Raises:
        InputError: if the dataset is missing, or too small to compare with.
    """
    known = given.dropna(axis=1)
    groups = [field.name for field in prior_run.fields.fields if isinstance(field, Categorical)]
    return judge(
        SliceSet(images, known),
        real_slices(prior_run, dataset_dir, "train"),
        real_slices(prior_run, dataset_dir, HELD_OUT),
        output_dir / FOLDER,
        condition=next((name for name in groups if name in known), None),
        reconstruct=_reconstruction(prior_run),
        settings={"prior": prior_run.run_dir.name, "stage 1": prior_run.stage1_dir.name, "held out": HELD_OUT},
        title=f"Samples of {prior_run.run_dir.name}",
        unit=read_splits(dataset_dir).unit,
        seed=seed,
    )


def real_slices(prior_run: PriorRun, dataset_dir: str, split: str) -> SliceSet:
    """Returns slices of a split as stage 1 sees them, with their ids and what is known of each.

    Raises:
        InputError: if the dataset is missing or damaged.
    """
    dataset = slice_loader(prior_run.stage1, dataset_dir, split, batch_size=1).dataset
    places = range(0, len(dataset), -(-len(dataset) // MAX_REAL))
    items, known = dataset.data, condition_rows(dataset_dir, split)
    rows = [{key: items[i][key] for key in SLICE_IDS} | known[i] for i in places]
    return SliceSet(torch.stack([dataset[i]["image"] for i in places]), pd.DataFrame(rows))


def _reconstruction(prior_run: PriorRun) -> Callable[[Tensor], Tensor]:
    def reconstruct(images: Tensor) -> Tensor:
        device = prior_run.prior.to_logits.weight.device
        return prior_run.network(images.to(device)).x_hat.cpu()

    return reconstruct
