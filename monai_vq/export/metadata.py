"""`configs/metadata.json`: MONAI's specification of a bundle, for one run."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from monai_vq.export.finished_run import FinishedRun
from monai_vq.networks import VAE
from monai_vq.report.disclosure import MIN_PATIENTS

SCHEMA = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
REQUIRED = ("monai_vq", "pytorch-ignite", "nibabel", "scikit-image", "pandas")


def make_metadata(run: FinishedRun, name: str, version: str, authors: str, data_source: str) -> dict[str, Any]:
    """Returns the metadata.

    Args:
        run: that is handed on.
        name: of the bundle.
        version: of the bundle.
        authors: as the bundle states them, and who holds its copyright.
        data_source: one line on the data.
    """
    image = _image_format(run)
    return {
        "schema": SCHEMA,
        "version": version,
        "changelog": {version: f"Weights of epoch {run.best_epoch}, the best on the validation {run.unit}s."},
        "monai_version": _plain(run.environment["monai"]),
        "pytorch_version": _plain(run.environment["torch"]),
        "numpy_version": _plain(run.environment["numpy"]),
        "required_packages_version": {name: run.environment[name] for name in REQUIRED},
        "name": name,
        "task": "Reconstruction of images through a compressed latent",
        "description": describe_latent(run),
        "authors": authors,
        "copyright": f"Copyright {authors}. Code: Apache License 2.0.",
        "intended_use": run.words.intended_use,
        "data_source": data_source,
        "data_type": "numpy",
        "eval_metrics": _eval_metrics(run),
        "references": ["van den Oord, Vinyals, Kavukcuoglu. Neural Discrete Representation Learning. NeurIPS 2017."],
        "network_data_format": {
            "inputs": {"image": image},
            "outputs": {"pred": image | {"value_range": [], "channel_def": _channels(run, "reconstruction")}},
        },
    }


def describe_latent(run: FinishedRun) -> str:
    """Says in a sentence or two what the model makes of an image."""
    rows, columns = run.image_size
    images = f"Images of {rows} x {columns} pixels, {run.in_channels} channel(s), in [0, 1]"
    network = run.network
    if isinstance(network, VAE):
        return (
            f"{images}, become one Gaussian of {network.side_channels // 2} numbers each (a variational autoencoder)."
        )
    kind = type(network.quantizer).__name__
    if network.num_embeddings <= 1:
        return f"{images}, become {network.embedding_dim} floats at each position ({kind}): an autoencoder, no codes."
    bits = network.quantizer.gain_bits
    rounded = "32-bit floats" if bits is None else f"rounded to {bits} bits"
    beside = f" and up to {network.side_channels} number(s) beside it, {rounded}" if network.side_channels else ""
    return (
        f"{images}, become at each position one of {network.num_embeddings} codes "
        f"({math.log2(network.num_embeddings):g} bits){beside} ({kind})."
    )


def _image_format(run: FinishedRun) -> dict[str, Any]:
    return {
        "type": "image",
        "format": "magnitude",
        "modality": run.words.modality,
        "num_channels": run.in_channels,
        "spatial_shape": run.image_size,
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": _channels(run, "image"),
    }


def _channels(run: FinishedRun, what: str) -> dict[str, str]:
    names = [what] if run.in_channels == 1 else [f"{what}, {colour}" for colour in ("red", "green", "blue")]
    return {str(index): name for index, name in enumerate(names)}


def _eval_metrics(run: FinishedRun) -> dict[str, float]:
    """The scores of the test split, unless its patients are so few that the card leaves them out."""
    rows = run.scores[(run.scores["split"] == "test") & (run.scores["n_patients"] >= MIN_PATIENTS)]
    names = ("ssim", "ssim_foreground", "psnr", "mse", "mae", "bits_per_pixel")
    known = [name for name in names if len(rows) and name in rows and pd.notna(rows[name].iloc[0])]
    return {f"test_{name}": float(rows[name].iloc[0]) for name in known}


def _plain(version: str) -> str:
    """A version without its build: the zoo installs it with ``==`` from the public index."""
    return version.partition("+")[0]
