"""A bundle of the Model Zoo, of a finished run: the whole folder, or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from monai_vq.errors import InputError
from monai_vq.export.card import model_card
from monai_vq.export.data_terms import find_terms
from monai_vq.export.finished_run import FinishedRun, read_finished_run
from monai_vq.export.inference_config import inference_config
from monai_vq.export.logging_config import LOGGING
from monai_vq.export.metadata import make_metadata
from monai_vq.export.models import large_files, missing_for_onnx, write_onnx, write_torchscript, write_weights
from monai_vq.export.multi_gpu_config import multi_gpu_config
from monai_vq.export.train_config import train_config

UNKNOWN_TERMS = (
    "NOT FILLED IN: the licence of the data that this model learned from, and what it forbids.\n"
    "Write it here, and into docs/README.md, before the bundle is handed on.\n"
)


@dataclass(frozen=True)
class BundleText:
    """What a run cannot know of the bundle it becomes.

    Attributes:
        authors: who made the model.
        version: of the bundle.
        dataset: name of the data, one of `monai_vq.export.data_terms.TERMS`; None asks the run's source.
        data_license: file with the licence of the data, for data that is not among them.
    """

    authors: str
    version: str = "0.1.0"
    dataset: str | None = None
    data_license: Path | None = None


def export_run(run_dir: str | Path, output_dir: str | Path, text: BundleText) -> list[str]:
    """Writes a run as a bundle.

    Args:
        run_dir: a finished run of stage 1.
        output_dir: the bundle's folder, whose name is the bundle's; it must not exist, or be empty.
        text: what the run does not know.

    Returns:
        What the user must still do, a sentence each.

    Raises:
        InputError: if the run is not finished, or is not one that can be exported; if the folder is not empty.
    """
    final = Path(output_dir).absolute()
    if final.exists() and (not final.is_dir() or any(final.iterdir())):
        raise InputError(f"--output_dir {output_dir} exists and is not empty; choose another folder.")
    run = read_finished_run(run_dir)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent))
    try:
        remaining = _write(part, run, final.name, text)
        part.chmod(0o755)  # mkdtemp's folder is the user's alone
        part.replace(final)  # an empty folder gives way
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return remaining


def _write(folder: Path, run: FinishedRun, name: str, text: BundleText) -> list[str]:
    terms = find_terms(text.dataset, text.data_license, run.preparation)
    data_source = f"{terms.title}, {terms.url}" if terms else "see docs/data_license.txt"
    missing, train = missing_for_onnx(), train_config(run.config)
    for subfolder in ("configs", "models", "docs"):
        (folder / subfolder).mkdir()
    for file, content in {
        "metadata": make_metadata(run, name, text.version, text.authors, data_source),
        "inference": inference_config(run.config),
        "train": train,
        "multi_gpu_train": multi_gpu_config(train),
    }.items():
        _write_json(folder / f"configs/{file}.json", content)
    (folder / "configs/logging.conf").write_text(LOGGING, encoding="utf-8")
    write_weights(folder / "models/model.pt", run)
    write_torchscript(folder)
    if not missing:
        write_onnx(folder / "models/model.onnx", run)
    (folder / "LICENSE").write_text(code_licence(), encoding="utf-8")
    (folder / "docs/data_license.txt").write_text(terms.as_text() if terms else UNKNOWN_TERMS, encoding="utf-8")
    (folder / "docs/README.md").write_text(model_card(run, name, terms, not missing), encoding="utf-8")
    return _remaining(folder, run, terms is not None, missing)


def _remaining(folder: Path, run: FinishedRun, has_terms: bool, missing: list[str]) -> list[str]:
    todo = []
    if not has_terms:
        source = run.preparation.get("source", "unknown")
        todo.append(
            f"THE LICENCE OF THE DATA IS NOT KNOWN (source: {source}). Fill in docs/data_license.txt and "
            "docs/README.md, or export again with --dataset NAME or --data_license FILE. Do not hand it on before."
        )
    if not run.preparation:
        todo.append("how the slices were prepared is not known any more: fill it in in docs/README.md.")
    if missing:
        todo.append(
            f"models/model.onnx was not written: {', '.join(missing)} not installed; pip install monai_vq[export]."
        )
    todo += [
        f"{path.relative_to(folder)} has more than 25 MB: the Model Zoo wants a link to it in large_files.yml."
        for path in large_files(folder)
    ]
    return todo


def code_licence() -> str:
    """Returns the licence of this project's code, as it was installed."""
    for installed in distributions(name="monai_vq"):  # a clone's egg-info comes first in its folder, and has no licence
        if text := installed.read_text("licenses/LICENSE"):
            return text
    raise InputError("monai_vq is installed without its LICENSE; install it anew with pip.")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
