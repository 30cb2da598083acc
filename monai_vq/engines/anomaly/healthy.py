"""What is normal, learned from the dataset that a prior was trained on."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from monai_vq.anomaly.mapper import UNLIKELY, Mapper, encode
from monai_vq.anomaly.normal import NormalMap
from monai_vq.anomaly.restoration import Restorer
from monai_vq.engines.anomaly.scan_stacks import ScanStack, scan_stacks
from monai_vq.engines.priors.load import PriorRun

MAX_NORMAL_SCANS = 100  # of the training patients, from which normal brightness is learned


def learn_normal(prior_run: PriorRun, restorer: Restorer, dataset_dir: str) -> Mapper:
    """Learns bits from validation and brightness from training patients; no more than a scan's images are in memory.

    Args:
        prior_run: whose image size and conditions are used.
        restorer: of the mapper.
        dataset_dir: the prior's own.

    Raises:
        InputError: if the dataset is missing or damaged, or has no validation or training scans.
    """
    bits, inside = [], []  # of a latent's size, a small share of the images'
    for stack in with_progress(scan_stacks(prior_run, dataset_dir, "val"), "normal bits"):
        latents = encode(restorer, stack.images, stack.condition)
        bits.append((latents.bits.numpy(), stack.slice_positions))
        inside.append(_positions_inside(stack.foreground, prior_run.grid_size))
    normal_bits = NormalMap.of_scans(bits)
    deviation = [normal_bits.deviation(*one)[where] for one, where in zip(bits, inside, strict=True)]
    stacks = scan_stacks(prior_run, dataset_dir, "train", MAX_NORMAL_SCANS)
    images = NormalMap.of_scans((stack.images[:, 0].numpy(), stack.slice_positions) for stack in stacks)
    return Mapper(restorer, normal_bits, images, float(np.quantile(np.concatenate(deviation), UNLIKELY)))


def with_progress(stacks: Iterator[ScanStack], what: str) -> Iterator[ScanStack]:
    """Shows on a terminal how many scans are done."""
    yield from tqdm(stacks, desc=what, unit="scan", disable=not sys.stderr.isatty())


def _positions_inside(foreground: NDArray[np.bool_], grid_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which positions of a latent's grid are foreground for the most part, [S, h, w]."""
    share = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(foreground)[:, None].float(), grid_size)
    return share[:, 0].numpy() > 0.5
