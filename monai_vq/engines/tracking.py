"""Experiment tracking with MLflow, as ``--tracking mlflow`` of MONAI's bundles brings it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monai_vq.engines.tracking_store import check_store, log_report
from monai_vq.errors import InputError

__all__ = ["PACKAGES", "adapt_tracking", "check_trackable", "log_report", "parameters", "run_name", "without_tracking"]

PACKAGES = ("mlflow", "sqlalchemy", "alembic")  # MONAI's default store is an SQLite file in the run's folder
HANDLER = "monai_vq.engines.tracking_handler.RunTracking"
LOG_REPORT = "$engines.tracking.log_report(@output_dir, @tracking_uri, @experiment_name, @run_name)"
_NAME = "$engines.tracking.run_name(@output_dir)"
_FOLDERS = ("dataset_dir", "output_dir", "stage1_dir")  # of a path the last name alone is logged
_ADDED_ALWAYS = "is_not_rank0"  # by MONAI to the config of a run that is tracked, whatever the user gave
_ADDED = ("tracking_uri", "experiment_name", "run_name", _ADDED_ALWAYS)
_NO_SETTINGS = (*_ADDED, "save_execute_config", "bundle_root", "resume", "max_epochs")  # the last one the handler logs


def check_trackable(config: Mapping[str, Any]) -> None:
    """Refuses tracking of a bundle that trains nothing.

    Raises:
        InputError: if MONAI added the settings of tracking to such a config.
    """
    if _ADDED_ALWAYS in config and "train" not in config:
        raise InputError(
            "--tracking mlflow: this bundle trains nothing, so there is nothing to track; leave --tracking out, and "
            "give it to the bundle that trains."
        )


def adapt_tracking(config: dict[str, Any]) -> None:
    """Puts our own handler in the place of the MLFlowHandlers that MONAI appends to a bundle's handlers, in place.

    MONAI's setting expects a list of decollated outputs; ours is one batch, because its losses and codes are the
    batch's. The MLflow run gets the name of the run's folder, the bundle's settings as parameters, and at the end the
    report.

    Raises:
        InputError: if tracking is asked for and not installed, or its store is not there.
    """
    if _ADDED_ALWAYS not in config:
        return
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise InputError(
            f"--tracking mlflow: {', '.join(missing)} is not installed; "
            "install it with `pip install monai_vq[tracking]`."
        )
    check_store(os.environ.get("MLFLOW_TRACKING_URI") or str(config["tracking_uri"]), str(config["experiment_name"]))
    steps = "step_bits" if "stage1_dir" in config else "step_losses"
    own: dict[str, dict[str, Any]] = {
        "train": {
            "joins": "@resume",
            "output_transform": f"$engines.{steps}",
            "experiment_param": parameters(config),
        },
        "validate": {"joins": True},
    }
    for part, changes in own.items():
        handlers = config.get(part, {}).get("handlers", [])
        for index, handler in enumerate(handlers):
            if isinstance(handler, dict) and handler.get("_target_") == "MLFlowHandler":
                handlers[index] = handler | changes | {"_target_": HANDLER}  # the dict is MONAI's own, for every run
    if config.get("run_name") is None:
        config["run_name"] = _NAME
    if LOG_REPORT not in config["run"]:
        config["run"].append(LOG_REPORT)


def run_name(output_dir: str) -> str:
    """Returns the name of the MLflow run of a folder: the folder's own."""
    return Path(output_dir).resolve().name


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns the plain settings of a bundle as MLflow's parameters; folders without their path."""
    return {
        name: Path(str(value)).name if name in _FOLDERS else str(value)
        for name, value in config.items()
        if not isinstance(value, dict)
        and (not isinstance(value, list) or name in ("image_size", "spacing", "conditions"))
        and not name.startswith("_")
        and name not in _NO_SETTINGS
        and not str(value).startswith(("$", "@", "%"))
    }


def without_tracking(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the config of a run that was tracked as it was before, so that it runs where there is no MLflow."""
    own = {name: value for name, value in config.items() if name not in _ADDED}
    for part in ("train", "validate"):
        if part in own:
            handlers = [one for one in own[part]["handlers"] if one.get("_target_") not in (HANDLER, "MLFlowHandler")]
            own[part] = own[part] | {"handlers": handlers}
    return own | {"run": [step for step in own["run"] if step != LOG_REPORT], "save_execute_config": False}
