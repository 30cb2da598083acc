"""A finished run as what reconstructs scans: how slices are brought to it, and how well it has done before."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd
import torch

from monai_vq.data import read_splits
from monai_vq.data.preparation import Preparation, read_preparation
from monai_vq.engines.checks import or_exit
from monai_vq.engines.trained_model import TrainedModel
from monai_vq.errors import InputError

__all__ = ["ReconstructionModel", "open_model"]


class ReconstructionModel(TrainedModel):
    """A finished run that reconstructs new scans."""

    def preparation(self, dataset_dir: str) -> Preparation:
        """How its training slices were made of volumes: as its checkpoint says, or, for older runs, its dataset.

        Args:
            dataset_dir: where its dataset is now.

        Raises:
            InputError: neither says it.
        """
        if "preparation" in self.record:
            return Preparation.from_record(self.record["preparation"])
        try:
            found = read_preparation(dataset_dir) if read_splits(dataset_dir).sha256 == self.split_sha256 else None
        except (InputError, OSError):
            found = None
        if found is None:
            raise InputError(
                f"{self.run_dir} is of an older version, whose checkpoint does not say how slices were cut from "
                f"volumes, and {dataset_dir} is not the dataset that it learned from, or is not there; give that as "
                "--dataset_dir."
            )
        return found

    @cached_property
    def own_scores(self) -> tuple[pd.DataFrame, float] | None:
        """Its report's means by split, and the lowest foreground SSIM of a patient; None where there is no report."""
        report = self.run_dir / "report"
        try:
            splits = pd.read_csv(report / "ssim_splits.csv")
            lowest = pd.read_csv(report / "ssim_patients.csv")["ssim_foreground"].min()
            columns = ["split", "n_patients", "ssim", "ssim_foreground", "psnr", "bits_per_pixel"]
            return splits[columns], float(lowest)
        except (OSError, KeyError, ValueError):
            return None


def open_model(run_dir: str | Path, device: torch.device | str) -> ReconstructionModel:
    """Reads a finished run for a bundle.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    return or_exit(lambda: ReconstructionModel.read(run_dir, device))
