"""What a report is made from, and the tables that follow from it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.tables import patient_table, slice_table, split_table, write_table


@dataclass(frozen=True)
class RunScores:
    """The scores of one run.

    Attributes:
        model: a row a slice, with the columns of `tables.SLICE_COLUMNS`.
        latent: what the latents are made of, for the rate by entropy.
        code_counts: for each split, how often each code occurs, int64 [K]; empty where the model has no codes.
        baselines: for each baseline's name, a table like `model`, its `bits_per_pixel` NaN where it has no rate.
    """

    model: pd.DataFrame
    latent: LatentFormat
    code_counts: Mapping[str, np.ndarray] = field(default_factory=dict)
    baselines: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreTables:
    """One model's scores on the three levels of `monai_vq.report.tables`."""

    slices: pd.DataFrame
    patients: pd.DataFrame
    splits: pd.DataFrame

    @classmethod
    def of_model(cls, scores: RunScores) -> Self:
        """The model's tables, with rate and codebook usage.

        Raises:
            InputError: as `slice_table` does.
        """
        return cls._from_slices(scores.model, scores.latent, scores.code_counts)

    @classmethod
    def of_baselines(cls, scores: RunScores) -> dict[str, Self]:
        """The tables of each baseline, by its name.

        Raises:
            InputError: as `slice_table` does.
        """
        return {name: cls._from_slices(slices) for name, slices in scores.baselines.items()}

    @classmethod
    def _from_slices(
        cls,
        slices: pd.DataFrame,
        latent: LatentFormat | None = None,
        code_counts: Mapping[str, np.ndarray] | None = None,
    ) -> Self:
        slice_rows = slice_table(slices)
        patient_rows = patient_table(slice_rows)
        split_rows = split_table(patient_rows, slice_rows, latent=latent, code_counts=code_counts)
        return cls(slice_rows, patient_rows, split_rows)


def write_baselines(report_dir: str | os.PathLike[str], baselines: Mapping[str, ScoreTables]) -> Path:
    """Writes ssim_baselines.csv: the split table of each baseline, its name first in the column ``reconstruction``."""
    rows = [table.splits.assign(reconstruction=name) for name, table in baselines.items()]
    table = pd.concat(rows, ignore_index=True)
    return write_table(report_dir, "baselines", table[["reconstruction", *table.columns.drop("reconstruction")]])
