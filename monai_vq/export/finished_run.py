"""All that is handed on of a finished run, read and checked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from monai_vq.data import read_splits
from monai_vq.data.manifest import MANIFEST_NAME
from monai_vq.data.preparation import read_preparation
from monai_vq.engines.load_run import load_best, read_config
from monai_vq.errors import InputError
from monai_vq.export.card_words import PICTURES, SCANS, CardWords
from monai_vq.networks import VQVAE

SCORES, BASELINES = "ssim_splits.csv", "ssim_baselines.csv"


@dataclass(frozen=True)
class FinishedRun:
    """A run of stage 1 with its best checkpoint and its scores.

    Attributes:
        config: of ``config.json``, flattened when the run started.
        environment: of ``environment.json``.
        network: on the CPU, in eval mode, with the weights of the best checkpoint.
        record: what the checkpoint says of its data.
        best_epoch: whose validation was best.
        preparation: how its slices were prepared, as `monai_vq.data.preparation.Preparation.to_record` says it; empty
            if that is not known any more.
        scores: the split table of the report, a row a split.
        baselines: the same for each baseline, named in ``reconstruction``; empty if the report has none.
    """

    config: dict[str, Any]
    environment: dict[str, Any]
    network: VQVAE
    record: dict[str, Any]
    best_epoch: int
    preparation: Mapping[str, Any]
    scores: pd.DataFrame
    baselines: pd.DataFrame

    @property
    def image_size(self) -> list[int]:
        """Rows and columns that the network learned from."""
        return list(self.config["image_size"])

    @property
    def in_channels(self) -> int:
        """1 for grey images, 3 for images in colour."""
        return int(self.config["in_channels"])

    @property
    def unit(self) -> str:
        """What the split kept together: a patient, a scan or an image."""
        return str(self.record.get("unit", "patient"))

    @property
    def of_scans(self) -> bool:
        """Whether a scanner made the images, as far as the run knows: pictures are units of their own, or in colour."""
        return self.unit != "image" and self.in_channels == 1

    @property
    def words(self) -> CardWords:
        """What is said of such images."""
        return SCANS if self.of_scans else PICTURES

    @property
    def weights(self) -> dict[str, Tensor]:
        """The state dict, in the plain layout: a channels-last tensor would stay one in every copy."""
        return {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in self._state()}

    def _state(self) -> list[tuple[str, Tensor]]:
        return list(self.network.state_dict().items())


def read_finished_run(run_dir: str | Path) -> FinishedRun:
    """Reads a run's folder.

    Raises:
        InputError: if it is no run, the run of a prior, or one that has not come to its report; if a file is damaged.
    """
    run_dir = Path(run_dir)
    config = read_config(run_dir)
    _refuse_prior(run_dir, config)
    scores = run_dir / "report" / SCORES
    if not scores.is_file():
        raise InputError(
            f"{run_dir} has no {scores.relative_to(run_dir)}: a model without scores is not handed on; "
            "let the run end, with its own command and --resume true."
        )
    network, checkpoint = load_best(run_dir)
    baselines = run_dir / "report" / BASELINES
    return FinishedRun(
        config=config,
        environment=_read_environment(run_dir),
        network=network,
        record=checkpoint["record"],
        best_epoch=int(checkpoint.get("best_metric_epoch", -1)),
        preparation=_preparation(checkpoint["record"], config),
        scores=_read_table(scores),
        baselines=_read_table(baselines) if baselines.is_file() else pd.DataFrame({"reconstruction": [], "split": []}),
    )


def _refuse_prior(run_dir: Path, config: Mapping[str, Any]) -> None:
    if "stage1_dir" in config:
        raise InputError(
            f"{run_dir} is the run of a prior, which takes codes, not images; the Model Zoo's exporters cannot feed "
            "it. Priors are not exported yet; give the run of its stage 1 (its own record names it in stage1_dir)."
        )
    if "run_dir" in config:
        raise InputError(f"{run_dir} is a run that trained nothing; give the output_dir of a bundle that trains.")


def _preparation(record: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the slices were prepared: by the checkpoint, else by the dataset if it still lies where it was."""
    if record.get("preparation"):
        return record["preparation"]
    folder = Path(str(config.get("dataset_dir", "")))
    if not (folder / MANIFEST_NAME).is_file() or read_splits(folder).sha256 != record.get("split_sha256"):
        return {}
    preparation = read_preparation(folder)
    return {} if preparation is None else preparation.to_record()


def _read_environment(run_dir: Path) -> dict[str, Any]:
    path = run_dir / "environment.json"
    if not path.is_file():
        raise InputError(f"{run_dir} has no environment.json; train it anew.")
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}); restore it, or train anew.") from error


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except ValueError as error:
        raise InputError(
            f"{path} is damaged ({error}); score the run again, with its own command and --resume true."
        ) from error
