"""Where a run's scores come from: its settings, its length, its data and its machine, as the report shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

FOLDERS = ("dataset_dir", "output_dir")
LISTS_SHOWN = ("image_size", "spacing")  # of the settings; a config's other lists are handlers and steps


def run_settings(run_dir: Path, checkpoint: Mapping[str, Any], history: pd.DataFrame, scored_on: str) -> dict[str, Any]:
    """Returns what a report says of its run, in sections of `monai_vq.report.settings.settings_sections`.

    Args:
        run_dir: the run's folder, with ``config.json`` and ``environment.json``.
        checkpoint: that is scored.
        history: the rows of metrics.csv.
        scored_on: device and precision.
    """
    config = json.loads((run_dir / "config.json").read_text())
    last = history.iloc[-1]
    return {
        "trained": f"{last['epoch']:.0f} epochs, {last['iteration']:.0f} steps, {last['minutes']:.1f} minutes",
        "largest spike": largest_spike(history),
        "checkpoint": f"best validation SSIM, epoch {checkpoint['best_metric_epoch']}",
        "scored on": scored_on,
        **checkpoint["record"],
        "settings": _knobs(config),
        "network": config.get("network_def", {}),
        "environment": json.loads((run_dir / "environment.json").read_text()),
    }


def largest_spike(history: pd.DataFrame) -> str:
    """Says how far a step's reconstruction loss jumped at most over its running median, after the first epoch."""
    known = history if "train_spike_ratio" in history else history.assign(train_spike_ratio=float("nan"))
    later = known[known["epoch"] > 1].dropna(subset="train_spike_ratio")
    if later.empty:
        return "not known: only the first epoch, which falls too fast for it, is recorded"
    worst = later.iloc[later["train_spike_ratio"].argmax()]
    return (
        f"{worst['train_spike_ratio']:.2f} times the running median of the reconstruction loss, in epoch "
        f"{worst['epoch']:.0f}; the first epoch does not count"
    )


def _knobs(config: Mapping[str, Any]) -> dict[str, Any]:
    """The run's settings as they counted: an override of the trainer's own max_epochs is one of them."""
    knobs = {
        name: value for name, value in config.items() if not isinstance(value, (dict, list)) or name in LISTS_SHOWN
    }
    for name in FOLDERS:  # the rest of a path may name a person or a site, and a page is passed on
        knobs[name] = Path(str(knobs.get(name, ""))).name
    max_epochs = config.get("train", {}).get("trainer", {}).get("max_epochs")
    return knobs | ({"max_epochs": max_epochs} if isinstance(max_epochs, int) else {})
