"""The start of a run: its folder, its record and its random state."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from monai.utils import set_determinism

from monai_vq.data import read_splits, slice_items
from monai_vq.engines.knobs import calling_parser, check_knobs
from monai_vq.engines.precision import check_device
from monai_vq.errors import InputError
from monai_vq.networks import VQVAE, check_image_size

logger = logging.getLogger(__name__)
PACKAGES = ("monai_vq", "monai", "torch", "pytorch-ignite", "numpy", "nibabel", "scikit-image", "pandas")
T = TypeVar("T")


def or_exit(step: Callable[[], T]) -> T:
    """Runs a step of a bundle; what the user can mend ends the program with one line instead of a traceback.

    Raises:
        SystemExit: with the message of the InputError.
    """
    try:
        return step()
    except InputError as error:
        raise SystemExit(f"error: {error}") from None


def check_settings() -> None:
    """Checks the knobs of the bundle whose ``initialize`` calls this, and brings them to their types."""
    parser = calling_parser()
    or_exit(lambda: check_knobs(parser.config))
    parser.ref_resolver.reset()  # so that what follows reads the values in their types


def start_run(
    output_dir: str,
    dataset_dir: str,
    image_size: Sequence[int],
    spacing: Sequence[float] | None,
    device: str | torch.device,
    precision: str,
    seed: int,
    deterministic: bool,
    resume: bool,
) -> None:
    """Checks the data and the device before anything is written, then makes the run's folder and seeds.

    ``config.json`` is the flattened config, which runs again by itself; ``environment.json`` says on what it ran. An
    earlier run in the same folder is kept under a name with its date, unless it is resumed.

    Raises:
        SystemExit: with one line, for what the user can mend.
    """
    parser = calling_parser()

    def start() -> None:
        check_device(device, precision)
        for split in ("train", "val", "test"):
            slice_items(dataset_dir, split, image_size, spacing)
        run_dir = Path(output_dir)
        if not resume:
            keep_earlier_run(run_dir)
        elif not (run_dir / "checkpoints" / "last.pt").is_file():
            raise InputError(f"--resume true: no checkpoints/last.pt in {run_dir}; start without --resume.")
        write_record(run_dir, {k: v for k, v in parser.config.items() if k != "_meta_"})

    or_exit(start)
    seed_everything(seed, deterministic)


def check_network(network: VQVAE, image_size: Sequence[int], in_channels: int) -> None:
    """Refuses an image size that the network cannot give back.

    Raises:
        SystemExit: with one line.
    """
    or_exit(lambda: check_image_size(network, list(image_size), in_channels))


def keep_earlier_run(run_dir: Path) -> None:
    """Renames a folder that holds an earlier run to its name and date; nothing is lost."""
    if not run_dir.is_dir() or not any(run_dir.iterdir()):
        return
    if not (run_dir / "config.json").is_file():
        raise InputError(f"--output_dir {run_dir} has files that are no run; choose another folder.")
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
    set_determinism(seed=seed, use_deterministic_algorithms=True if deterministic else None)
    if not deterministic:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True
