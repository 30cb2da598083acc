"""The network of a finished run: its architecture from config.json, its weights from the best checkpoint."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from monai_vq.engines.batches import place
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import BEST, load_network, read_checkpoint
from monai_vq.networks import VQVAE

NETWORK = "network_def"
_REFERENCE = re.compile(r"[@%]([A-Za-z_]\w*)")


def load_run(run_dir: str | Path, device: torch.device | str = "cpu") -> VQVAE:
    """Returns the network of a run in eval mode, with the weights and the codebook of ``checkpoints/best.pt``.

    Of the run's ``config.json`` only ``network_def`` and the settings that it refers to are evaluated: no other code of
    the config is executed. The classes that ``network_def`` names are made, so load only runs that you trust.

    Args:
        run_dir: the run's folder, ``output_dir`` of its bundle.
        device: where the network is placed.

    Raises:
        InputError: if the folder is no run, has no checkpoint yet, or its checkpoint is of another network.
    """
    return load_best(run_dir, device)[0]


def load_best(run_dir: str | Path, device: torch.device | str = "cpu") -> tuple[VQVAE, dict[str, Any]]:
    """Returns the network of a run as `load_run` does, and the checkpoint that its weights are of.

    Raises:
        InputError: as `load_run`.
    """
    network = make_network(run_dir)
    path = Path(run_dir) / "checkpoints" / BEST
    checkpoint = read_checkpoint(path, device)
    load_network(network, checkpoint, path)
    return place(network, device).eval(), checkpoint  # type: ignore[return-value]


def make_network(run_dir: str | Path) -> VQVAE:
    """Returns the network of a run as it was before training, but for its random numbers.

    Raises:
        InputError: if the folder is no run, or its config has no network.
    """
    config = read_config(run_dir)
    if NETWORK not in config:
        path = Path(run_dir) / "config.json"
        raise InputError(f"{path} defines no {NETWORK}; give the folder of a run of one of our bundles.")
    return ConfigParser(network_settings(config)).get_parsed_content(NETWORK)


def read_config(run_dir: str | Path) -> dict[str, Any]:
    """Returns a run's flattened config.

    Raises:
        InputError: if the folder is no run, or the file is damaged.
    """
    path = Path(run_dir) / "config.json"
    if not path.is_file():
        raise InputError(f"no run in {run_dir}: it has no config.json; give the output_dir of a bundle that was run.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged, it is no JSON ({error}); copy the run again.") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is damaged, it holds no settings; copy the run again.")
    return config


def network_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Returns ``network_def`` and what it refers to, directly or not: MONAI would run every import of the rest."""
    needed: dict[str, Any] = {}
    waiting = [NETWORK]
    while waiting:
        name = waiting.pop()
        if name in config and name not in needed:
            needed[name] = config[name]
            waiting += _REFERENCE.findall(json.dumps(config[name]))
    return needed
