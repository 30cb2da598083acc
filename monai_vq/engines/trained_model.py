"""A finished run of images: its network, what the network sees, and which bytes these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from monai_vq.data import file_sha256
from monai_vq.engines.load_run import load_best, read_config
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import BEST
from monai_vq.networks import VQVAE

__all__ = ["IMAGES", "TrainedModel"]

IMAGES = ("dataset_dir", "image_size", "spacing", "in_channels")  # settings that say what the network sees


@dataclass(frozen=True)
class TrainedModel:
    """A finished run of a VQ-VAE or of one of its relatives.

    Attributes:
        run_dir: its folder.
        network: with its best checkpoint, in eval mode.
        dataset_dir: that it was trained on, as its config has it.
        image_size: (H, W) of its images.
        spacing: (row, column) of its pixels in mm; None where each scan keeps its own.
        in_channels: C.
        precision: that it was trained and scored in.
        checkpoint_sha256: of the file of its best checkpoint: another codebook makes other codes.
        record: of the checkpoint: where it comes from.
    """

    run_dir: Path
    network: VQVAE
    dataset_dir: str
    image_size: list[int]
    spacing: list[float] | None
    in_channels: int
    precision: str
    checkpoint_sha256: str
    record: Mapping[str, Any]

    @classmethod
    def read(cls, run_dir: str | Path, device: torch.device | str = "cpu") -> Self:
        """Reads a run.

        Args:
            run_dir: output_dir of its bundle.
            device: where the network is placed.

        Raises:
            InputError: there is no such run, it has no checkpoint yet, or it is of something else.
        """
        run_dir = Path(run_dir)
        config = read_config(run_dir)
        missing = [name for name in IMAGES if name not in config]
        if missing:
            raise InputError(
                f"{run_dir / 'config.json'} has no {', '.join(missing)}: it is no run of a VQ-VAE; give the output_dir "
                "of a bundle such as projected.json."
            )
        network, checkpoint = load_best(run_dir, device)
        return cls(
            run_dir=run_dir,
            network=network,
            precision=config.get("precision", "fp32"),
            checkpoint_sha256=file_sha256(run_dir / "checkpoints" / BEST),
            record=checkpoint["record"],
            **{name: config[name] for name in IMAGES},
        )

    @property
    def split_sha256(self) -> str:
        """Of the split that it learned from."""
        return str(self.record.get("split_sha256", "unknown"))

    def precision_on(self, device: torch.device | str) -> str:
        """Returns its own precision, or fp32 where the device cannot do it: a CPU has no fp16."""
        return "fp32" if self.precision == "fp16" and not str(device).startswith("cuda") else self.precision
