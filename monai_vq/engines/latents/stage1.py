"""The run that a prior stands on: its network, its images, and the proof that its patients were divided as ours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from monai_vq.data import file_sha256, read_manifest, read_splits
from monai_vq.engines.checks import or_exit
from monai_vq.engines.load_run import load_run
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import BEST, read_checkpoint
from monai_vq.networks import VQVAE, downsampling_factor
from monai_vq.quantizers import CodebookQuantizer, WidthProjectedQuantizer

IMAGES = ("dataset_dir", "image_size", "spacing", "in_channels")  # settings that a prior takes over


@dataclass(frozen=True)
class Stage1:
    """A finished run whose latents a prior models.

    Attributes:
        run_dir: its folder.
        network: with its best checkpoint, in eval mode, on the CPU.
        dataset_dir: that it was trained on, as its config has it.
        image_size: (H, W) of its images.
        spacing: (row, column) of its pixels in mm; None where each scan keeps its own.
        in_channels: C.
        checkpoint_sha256: of the file of its best checkpoint: another codebook makes other codes.
        split_sha256: of the split that it learned from.
    """

    run_dir: Path
    network: VQVAE
    dataset_dir: str
    image_size: list[int]
    spacing: list[float] | None
    in_channels: int
    checkpoint_sha256: str
    split_sha256: str

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
    settings = _image_settings(run_dir)
    network = load_run(run_dir)
    _check_latent(run_dir, network)
    best = run_dir / "checkpoints" / BEST
    return Stage1(
        run_dir=run_dir,
        network=network,
        checkpoint_sha256=file_sha256(best),
        split_sha256=str(read_checkpoint(best)["record"].get("split_sha256", "unknown")),
        **settings,
    )


def _image_settings(run_dir: Path) -> dict[str, Any]:
    config = json.loads((run_dir / "config.json").read_text(encoding="utf-8"))
    missing = [name for name in IMAGES if name not in config]
    if missing:
        raise InputError(
            f"{run_dir / 'config.json'} has no {', '.join(missing)}: it is no run of a VQ-VAE; give the output_dir of "
            "one of the bundles vq, vq_ema, projected, frequency, hybrid."
        )
    return {name: config[name] for name in IMAGES}


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
