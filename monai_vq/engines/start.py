"""The start of a run: its folder, its record and its random state."""

from __future__ import annotations

import json
import logging
import os
import platform
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from monai.utils import set_determinism

from monai_vq.data import read_manifest, read_splits, slice_items
from monai_vq.data.splits import SPLIT_NAMES
from monai_vq.engines.knobs import calling_parser, check_knobs
from monai_vq.engines.precision import check_device
from monai_vq.engines.tracking import adapt_tracking
from monai_vq.errors import InputError
from monai_vq.handlers.checkpoints import LAST, load_network, read_checkpoint
from monai_vq.networks import VQVAE, check_image_size

logger = logging.getLogger(__name__)
PACKAGES = ("monai_vq", "monai", "torch", "pytorch-ignite", "numpy", "nibabel", "scikit-image", "pandas")
T = TypeVar("T")


def or_exit(step: Callable[[], T]) -> T:
    """Runs a step of a bundle; what the user can mend ends the program with one line instead of a traceback.

    Raises:
        SystemExit: with the message of the InputError, or of the FloatingPointError that stopped training.
    """
    try:
        return step()
    except (InputError, FloatingPointError) as error:
        raise SystemExit(f"error: {error}") from None


def check_settings() -> None:
    """Checks the knobs of the bundle whose ``initialize`` calls this, and brings them to their types."""
    parser = calling_parser()
    or_exit(lambda: check_knobs(parser.config))
    or_exit(lambda: adapt_tracking(parser.config))
    parser.ref_resolver.reset()  # so that what follows reads the values in their types


def check_data(
    dataset_dir: str,
    image_size: Sequence[int],
    spacing: Sequence[float] | None,
    device: str | torch.device,
    precision: str,
) -> None:
    """Checks the dataset and where it will be trained on, before anything is written.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """

    def check() -> None:
        check_device(device, precision)
        read_manifest(dataset_dir)  # before the split: its error says how to prepare a dataset
        for split in SPLIT_NAMES:
            if not slice_items(dataset_dir, split, image_size, spacing):
                raise InputError(f"the {split} split of {dataset_dir} has no slices; prepare more patients.")

    or_exit(check)


def check_network(
    network: VQVAE, image_size: Sequence[int], in_channels: int, output_dir: str, dataset_dir: str, resume: bool
) -> None:
    """Refuses an image size that the network cannot give back, and a run to resume that is another's.

    Raises:
        SystemExit: with one line, before the run's record is overwritten.
    """

    def check() -> None:
        check_image_size(network, list(image_size), in_channels)
        if resume:
            check_resumable(network, Path(output_dir) / "checkpoints" / LAST, dataset_dir)

    or_exit(check)


def check_resumable(network: VQVAE, path: Path, dataset_dir: str) -> None:
    """Refuses a checkpoint of another network, or of another split: its training patients may be test patients here.

    Raises:
        InputError: naming what differs.
    """
    checkpoint = read_checkpoint(path)
    load_network(network, checkpoint, path)
    learned_from, here = checkpoint["record"]["split_sha256"], read_splits(dataset_dir).sha256
    if learned_from != here:
        raise InputError(
            f"{path} learned from another split ({learned_from[:12]}…) than {dataset_dir} has ({here[:12]}…); "
            "give the run's own --dataset_dir, or another --output_dir without --resume."
        )


def start_run(output_dir: str, resume: bool) -> None:
    """Makes the run's folder, once everything that can be refused has been checked.

    ``config.json`` is the flattened config, which runs again by itself; ``environment.json`` says on what it ran. An
    earlier run in the same folder is kept under a name with its date, unless it is resumed.

    Raises:
        SystemExit: with one line, if the folder holds something else.
    """
    parser, run_dir = calling_parser(), Path(output_dir)

    def start() -> None:
        if not resume:
            keep_earlier_run(run_dir)
        write_record(run_dir, {k: v for k, v in parser.config.items() if k != "_meta_"})

    or_exit(start)


def keep_earlier_run(run_dir: Path) -> None:
    """Renames a folder that holds an earlier run to its name and date; nothing is lost.

    Raises:
        InputError: if there is something that is no run.
    """
    if not run_dir.exists() or (run_dir.is_dir() and not any(run_dir.iterdir())):
        return
    if not (run_dir / "config.json").is_file():
        raise InputError(f"--output_dir {run_dir} exists and is no run; choose another folder.")
    date = datetime.fromtimestamp((run_dir / "config.json").stat().st_mtime)
    kept = run_dir.with_name(f"{run_dir.name}_{date:%Y-%m-%d_%H-%M-%S}")
    run_dir.rename(kept)
    logger.warning(f"kept the earlier run as {kept}; give --resume true to go on with it instead.")


def write_record(run_dir: Path, config: dict[str, Any]) -> None:
    """Writes ``config.json`` and ``environment.json``, whole or not at all."""
    run_dir.mkdir(parents=True, exist_ok=True)
    for name, content in (("config.json", config), ("environment.json", environment())):
        temporary = run_dir / f"{name}.tmp"
        temporary.write_text(json.dumps(content, indent=4, default=str) + "\n")
        temporary.replace(run_dir / name)


def environment() -> dict[str, Any]:
    """Returns versions and hardware: what a score may depend on, and nothing that names the user or the machine."""
    cuda = torch.cuda.is_available()
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_threads": torch.get_num_threads(),
        "gpu": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else [],
        "cuda": torch.version.cuda,
    }


def origin(dataset_dir: str) -> dict[str, str]:
    """Returns what a checkpoint says of the data it learned from: the split's hash."""
    return {"split_sha256": read_splits(dataset_dir).sha256, "monai_vq": version("monai_vq")}


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seeds Python, NumPy and torch; ``deterministic`` also allows deterministic algorithms only, which cost time."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS raises without it
    set_determinism(seed=seed, use_deterministic_algorithms=deterministic)
    if not deterministic:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True
