"""A run's folder: its record, and what becomes of an earlier run in the same place."""

from __future__ import annotations

import json
import logging
import platform
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from monai_vq.atomic import atomic_path
from monai_vq.data import read_splits
from monai_vq.data.preparation import read_preparation
from monai_vq.engines.checks import or_exit
from monai_vq.engines.knobs import calling_parser
from monai_vq.errors import InputError

logger = logging.getLogger(__name__)
RECORD = ("config.json", "environment.json")  # every run has both
PACKAGES = ("monai_vq", "monai", "torch", "pytorch-ignite", "numpy", "nibabel", "scikit-image", "pandas")
_NOT_RECORDED = ("_meta_", "_desc_")  # they describe the bundle, not the run


def start_run(output_dir: str, resume: bool, precision: str) -> None:
    """Makes the run's folder, once everything that can be refused has been checked.

    ``config.json`` is the flattened config, which runs again by itself, with the precision that the run had: its
    default depends on the machine. ``environment.json`` says on what it ran. An earlier run in the same folder is kept
    under a name with its date, unless it is resumed.

    Raises:
        SystemExit: with one line, if the folder holds something else or cannot be written to.
    """
    parser, run_dir = calling_parser(), Path(output_dir).resolve()

    def start() -> None:
        config = {name: value for name, value in parser.config.items() if name not in _NOT_RECORDED}
        try:
            if not resume:
                keep_earlier_run(run_dir)
            anew = {"resume": False} if "resume" in config else {}  # run again, it is a run of its own
            write_record(run_dir, config | {"precision": precision} | anew)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputError(f"--output_dir {run_dir} cannot be written to ({reason}); choose another.") from error

    or_exit(start)


def keep_earlier_run(run_dir: Path) -> None:
    """Renames a folder that holds an earlier run to its name and date; nothing is lost.

    Raises:
        InputError: if there is something that is no run, or the run is where the program was started.
    """
    run_dir = run_dir.resolve()
    if not run_dir.exists() or (run_dir.is_dir() and not any(run_dir.iterdir())):
        return
    if not all((run_dir / name).is_file() for name in RECORD):
        raise InputError(f"--output_dir {run_dir} exists and is no run; choose another folder.")
    if Path.cwd().is_relative_to(run_dir):  # relative paths would go on pointing into the renamed folder
        raise InputError(f"--output_dir {run_dir} is a run, and you are in it; change the folder or choose another.")
    date = datetime.fromtimestamp((run_dir / "config.json").stat().st_mtime)
    kept = run_dir.with_name(f"{run_dir.name}_{date:%Y-%m-%d_%H-%M-%S}")
    run_dir.rename(kept)
    logger.warning(f"kept the earlier run as {kept}; give --resume true to go on with it instead.")


def write_record(run_dir: Path, config: dict[str, Any]) -> None:
    """Writes ``config.json`` and ``environment.json``, whole or not at all."""
    run_dir.mkdir(parents=True, exist_ok=True)
    for name, content in zip(RECORD, (config, environment()), strict=True):
        with atomic_path(run_dir / name) as part:
            part.write_text(json.dumps(content, indent=4, default=str) + "\n")


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


def data_origin(dataset_dir: str) -> dict[str, Any]:
    """Returns what a checkpoint says of the data it learned from.

    The split's hash; what it kept together; and, where the dataset says so, how its slices were prepared, by which a
    new scan is (`monai_vq.data.preparation.Preparation.to_record`).
    """
    splits, preparation = read_splits(dataset_dir), read_preparation(dataset_dir)
    origin = {"split_sha256": splits.sha256, "unit": splits.unit, "monai_vq": version("monai_vq")}
    return origin | ({} if preparation is None else {"preparation": preparation.to_record()})
