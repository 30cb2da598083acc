"""A finished run as what reconstructs scans: its network, and all that says how a slice is brought to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from monai_vq.data import file_sha256, read_splits
from monai_vq.data.preparation import Preparation, read_preparation
from monai_vq.engines.checks import or_exit
from monai_vq.engines.load_run import load_run
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import BEST, read_checkpoint
from monai_vq.networks import VQVAE

__all__ = ["TrainedModel", "open_model", "read_model"]

_IMAGES = ("dataset_dir", "image_size", "spacing", "in_channels")  # settings that say what the network sees


@dataclass(frozen=True)
class TrainedModel:
    """A finished run.

    Attributes:
        run_dir: its folder.
        network: with its best checkpoint, in eval mode.
        dataset_dir: that it was trained on, as its config has it.
        image_size: (H, W) of its images.
        spacing: (row, column) of its pixels in mm; None where each scan keeps its own.
        in_channels: C.
        checkpoint_sha256: of the file of its best checkpoint.
        record: of the checkpoint: where it comes from.
    """

    run_dir: Path
    network: VQVAE
    dataset_dir: str
    image_size: list[int]
    spacing: list[float] | None
    in_channels: int
    checkpoint_sha256: str
    record: Mapping[str, Any]

    @property
    def split_sha256(self) -> str:
        """Of the split that it learned from."""
        return str(self.record.get("split_sha256", "unknown"))

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


def read_model(run_dir: str | Path, device: torch.device | str = "cpu") -> TrainedModel:
    """Reads a finished run of a VQ-VAE or of one of its relatives.

    Raises:
        InputError: there is no such run, it has no checkpoint yet, or it is of something else.
    """
    run_dir = Path(run_dir)
    network = load_run(run_dir, device)
    config = json.loads((run_dir / "config.json").read_text(encoding="utf-8"))
    missing = [name for name in _IMAGES if name not in config]
    if missing:
        raise InputError(
            f"{run_dir / 'config.json'} has no {', '.join(missing)}: it is no run of an image model; give the "
            "output_dir of a bundle such as projected.json."
        )
    best = run_dir / "checkpoints" / BEST
    return TrainedModel(
        run_dir=run_dir,
        network=network,
        checkpoint_sha256=file_sha256(best),
        record=read_checkpoint(best)["record"],
        **{name: config[name] for name in _IMAGES},
    )


def open_model(run_dir: str | Path, device: torch.device | str) -> TrainedModel:
    """Reads a finished run for a bundle.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    return or_exit(lambda: read_model(run_dir, device))
