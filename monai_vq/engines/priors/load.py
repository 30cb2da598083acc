"""The prior of a finished run: its architecture from config.json, all else from its best checkpoint and stage 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_vq.engines.batches import place
from monai_vq.engines.checks import or_exit
from monai_vq.engines.latents.stage1 import Stage1, on_device, read_stage1
from monai_vq.engines.load_run import NETWORK, network_settings, read_config
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import BEST, load_network, read_checkpoint
from monai_vq.networks import VQVAE
from monai_vq.priors import ConditionFields, LatentAlphabet, Prior

FROM_DATA = ("alphabet", "fields", "grid_size")  # of a prior; a checkpoint's record has them, its config cannot


@dataclass(frozen=True)
class PriorRun:
    """A trained prior with what it takes to make images of its samples.

    Attributes:
        prior: with its best checkpoint, in eval mode.
        network: of stage 1, in eval mode: ``network.decode_latent(*prior.sample(...))`` are images.
        fields: what the columns of a condition tensor are.
        stage1: the run that it stands on.
        stage1_dir: folder of the run that it stands on.
        dataset_dir: that it was trained on.
        image_size: (H, W).
        spacing: (row, column) of a pixel in mm; None where each scan keeps its own.
        in_channels: C.
        grid_size: (h, w) of a latent.
        run_dir: the prior's own folder.
    """

    prior: Prior
    network: VQVAE
    fields: ConditionFields
    stage1: Stage1
    stage1_dir: Path
    dataset_dir: str
    image_size: list[int]
    spacing: list[float] | None
    in_channels: int
    grid_size: tuple[int, int]
    run_dir: Path


def load_prior(
    run_dir: str | Path, device: torch.device | str = "cpu", stage1_dir: str | Path | None = None
) -> PriorRun:
    """Returns a trained prior and its stage 1, on a device.

    As of `load_run`, only ``network_def`` of a config is evaluated, and the classes that it names are made: load only
    runs that you trust.

    Args:
        run_dir: the prior's folder, ``output_dir`` of its bundle.
        device: where to place both.
        stage1_dir: where stage 1 is now, if it was moved.

    Raises:
        InputError: if the folder is no prior's run or has no checkpoint yet, or stage 1 is missing or was trained
            again since.
    """
    run_dir = Path(run_dir)
    config = _read_config(run_dir)
    path = run_dir / "checkpoints" / BEST
    checkpoint = read_checkpoint(path, device)
    prior = make_prior(config, checkpoint["record"], path)
    load_network(prior, checkpoint, path)
    stage1 = _stage1_of(run_dir, stage1_dir or config["stage1_dir"], checkpoint["record"])
    return PriorRun(
        prior=place(prior, device).eval(),  # type: ignore[arg-type]
        network=on_device(stage1, device),
        fields=ConditionFields.from_dict(checkpoint["record"]["fields"]),
        stage1=stage1,
        stage1_dir=stage1.run_dir,
        dataset_dir=str(config["dataset_dir"]),
        image_size=stage1.image_size,
        spacing=stage1.spacing,
        in_channels=stage1.in_channels,
        grid_size=stage1.grid_size,
        run_dir=run_dir,
    )


def open_prior(run_dir: str | Path, device: torch.device | str = "cpu", stage1_dir: str | None = None) -> PriorRun:
    """Loads a prior for a bundle.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    return or_exit(lambda: load_prior(run_dir, device, stage1_dir))


def make_prior(config: Mapping[str, Any], record: Mapping[str, Any], path: Path) -> Prior:
    """Returns a prior as it was before training, but for its random numbers.

    Args:
        config: of its run.
        record: of its checkpoint: alphabet, conditions and grid.
        path: of the checkpoint, for messages.

    Raises:
        InputError: if the record is not a prior's.
    """
    missing = [name for name in FROM_DATA if name not in record]
    if missing:
        raise InputError(f"{path} is no prior's checkpoint: its record has no {', '.join(missing)}; train one first.")
    settings = network_settings(dict(config) | dict.fromkeys(FROM_DATA))
    settings |= {
        "alphabet": LatentAlphabet(**record["alphabet"]),
        "fields": ConditionFields.from_dict(record["fields"]),
        "grid_size": tuple(record["grid_size"]),
    }
    return ConfigParser(settings).get_parsed_content(NETWORK)


def _read_config(run_dir: Path) -> dict[str, Any]:
    if not (run_dir / "config.json").is_file():
        raise InputError(
            f"no run in {run_dir}: it has no config.json; train a prior first, as in "
            "`python -m monai.bundle run --config_file bundles/transformer.json`, and give its output_dir."
        )
    config = read_config(run_dir)
    missing = [name for name in (NETWORK, "stage1_dir", "dataset_dir") if name not in config]
    if missing:
        raise InputError(
            f"{run_dir} is no run of a prior: its config.json has no {', '.join(missing)}; give the output_dir of a "
            "run of bundles/transformer.json or bundles/pixelcnn.json."
        )
    return config


def _stage1_of(run_dir: Path, stage1_dir: str | Path, record: Mapping[str, Any]) -> Stage1:
    stage1 = read_stage1(stage1_dir)
    if stage1.checkpoint_sha256 != record["stage1_sha256"]:
        raise InputError(
            f"{run_dir} stands on another stage 1 ({record['stage1_sha256'][:12]}…) than {stage1.run_dir} is now "
            f"({stage1.checkpoint_sha256[:12]}…): its codes would mean other things. Give the --stage1_dir that it "
            "was trained on, or train the prior anew."
        )
    return stage1
