"""The run that a prior stands on: its network, its images, and the proof that its patients were divided as ours."""

from __future__ import annotations

from pathlib import Path

import torch

from monai_vq.data import read_manifest, read_splits
from monai_vq.engines.checks import or_exit
from monai_vq.engines.trained_model import TrainedModel
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE, downsampling_factor
from monai_vq.quantizers import CodebookQuantizer, WidthProjectedQuantizer


class Stage1(TrainedModel):
    """A finished run whose latents a prior models; its network is on the CPU."""

    @property
    def grid_size(self) -> tuple[int, int]:
        """(h, w), the positions of a latent."""
        factor = downsampling_factor(self.network, self.in_channels)
        return self.image_size[0] // factor, self.image_size[1] // factor

    @property
    def gain_bits(self) -> int | None:
        """Bits that it rounds its gains to; None where it does not, or has none."""
        return self.network.quantizer.gain_bits


def read_stage1(run_dir: str | Path) -> Stage1:
    """Reads a finished run for a prior.

    Raises:
        InputError: if there is no such run, it has no checkpoint yet, or its latents are nothing that a prior models.
    """
    run_dir = Path(run_dir)
    if not (run_dir / "config.json").is_file():
        raise InputError(
            f"--stage1_dir {run_dir}: no run there; train one first, as in "
            "`python -m monai.bundle run --config_file bundles/projected.json`, and give its output_dir."
        )
    stage1 = Stage1.read(run_dir)
    _check_latent(run_dir, stage1.network)
    return stage1


def _check_latent(run_dir: Path, network: VQVAE) -> None:
    """Refuses what has no code a position, or scalars that belong to no position."""
    quantizer = network.quantizer
    if not isinstance(quantizer, CodebookQuantizer) or isinstance(quantizer, WidthProjectedQuantizer):
        raise InputError(
            f"--stage1_dir {run_dir}: its latent is a {type(quantizer).__name__}'s, a prior needs a code at each "
            "position; train one of the bundles vq, vq_ema, projected, frequency, hybrid."
        )


def open_stage1(run_dir: str | Path) -> Stage1:
    """Reads a finished run for a bundle.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    return or_exit(lambda: read_stage1(run_dir))


def check_split(stage1: Stage1, dataset_dir: str) -> None:
    """Refuses a dataset whose patients are divided otherwise than stage 1 has seen them.

    Raises:
        SystemExit: with one line, before anything is written.
    """
    or_exit(lambda: require_split(stage1, dataset_dir))


def require_split(stage1: Stage1, dataset_dir: str) -> None:
    """Refuses a dataset whose patients are divided otherwise than stage 1 has seen them.

    Raises:
        InputError: naming both splits.
    """
    read_manifest(dataset_dir)  # before the split: its error says how to prepare a dataset
    here = read_splits(dataset_dir).sha256
    if here != stage1.split_sha256:
        raise InputError(
            f"stage 1, {stage1.run_dir}, learned from another split ({stage1.split_sha256[:12]}…) than "
            f"{dataset_dir} has ({here[:12]}…): its training patients may be test patients here. Give the "
            f"--dataset_dir of stage 1 ({stage1.dataset_dir}), or train stage 1 on this one."
        )


def on_device(stage1: Stage1, device: torch.device | str) -> VQVAE:
    """Returns the network of stage 1 on a device; no parameter of it asks for a gradient."""
    return stage1.network.to(device).requires_grad_(False)
