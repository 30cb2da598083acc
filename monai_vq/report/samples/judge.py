"""Judging samples: scores, two tables and a page."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from monai_vq.report.samples.page import write_samples_page
from monai_vq.report.samples.scores import SampleScores, score_samples
from monai_vq.report.samples.slice_set import SliceSet, SliceStream
from monai_vq.report.samples.tables import score_rows
from monai_vq.report.tables import write_whole

__all__ = ["SAMPLES_CSV", "SCORES_CSV", "judge"]

SAMPLES_CSV, SCORES_CSV = "samples.csv", "sample_scores.csv"


def judge(
    samples: SliceSet,
    train: SliceSet,
    heldout: SliceSet,
    output_dir: str | os.PathLike[str],
    *,
    condition: str | None = None,
    reconstruct: Callable[[Tensor], Tensor] | None = None,
    searched: SliceStream | None = None,
    settings: Mapping[str, Any] | None = None,
    title: str = "Samples",
    unit: str = "patient",
    seed: int = 0,
) -> SampleScores:
    """Scores samples beside real slices; writes index.html, samples.csv and sample_scores.csv, whole or not at all.

    Args:
        samples: images [N, C, H, W] in [0, 1], their rows holding what they were conditioned on.
        train: the slices that the prior was trained on.
        heldout: slices of patients on which nothing was trained.
        output_dir: made where it does not exist.
        condition: a categorical column by which distances are given as well, such as `diagnosis`.
        reconstruct: takes images [N, C, H, W] to their reconstructions by stage 1: what it loses is then told apart
            from what the prior gets wrong.
        searched: all training slices, of which `train` may be a part; copies are sought among them.
        settings: provenance for the page; a nested mapping becomes a section of its own.
        title: heading of the page.
        unit: what a `patient_id` stands for: `patient`, or `scan` or `image`.
        seed: of every draw; equal arguments give equal files.

    Raises:
        InputError: as `score_samples` does.
    """
    searched = searched or train.stream()
    scores = score_samples(
        samples, train, heldout, condition=condition, reconstruct=reconstruct, searched=searched, seed=seed
    )
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / SAMPLES_CSV, scores.neighbours)
    _write(folder / SCORES_CSV, score_rows(scores))
    words: dict[str, Any] = {"settings": settings, "title": title, "unit": unit}
    write_samples_page(folder, scores, samples, train, heldout, searched=searched, seed=seed, **words)
    return scores


def _write(path: Path, table: pd.DataFrame) -> None:
    write_whole(path, table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))
