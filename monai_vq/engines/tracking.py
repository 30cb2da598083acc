"""Experiment tracking with MLflow, as ``--tracking mlflow`` of MONAI's bundles brings it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from monai_vq.errors import InputError

logger = logging.getLogger(__name__)
PACKAGES = ("mlflow", "sqlalchemy", "alembic")  # MONAI's default store is an SQLite file in the run's folder
LOCAL = ("sqlite:", "file:", "/")  # beginnings of a store on this machine
LOG_REPORT = "$engines.tracking.log_report(@output_dir, @tracking_uri, @experiment_name, @run_name)"
_FOLDERS = ("dataset_dir", "output_dir", "stage1_dir", "bundle_root")  # of a path the last name alone is logged
_ADDED = ("tracking_uri", "experiment_name", "run_name", "is_not_rank0")  # to the config, by MONAI
_ITS_OWN = (*_ADDED, "save_execute_config", "max_epochs")  # MONAI's handler logs the last one itself


def adapt_tracking(config: dict[str, Any]) -> None:
    """Fits the MLFlowHandler that MONAI appends to the trainer's handlers to our trainer and our runs, in place.

    MONAI's setting expects a list of decollated outputs; ours is one batch, because its losses and codes are the
    batch's. The MLflow run gets the name of the run's folder, the bundle's settings as parameters, and at the end the
    report.

    Raises:
        InputError: if tracking is asked for and not installed.
    """
    for handler in config.get("train", {}).get("handlers", []):
        if isinstance(handler, dict) and handler.get("_target_") == "MLFlowHandler":
            missing = [package for package in PACKAGES if find_spec(package) is None]
            if missing:
                raise InputError(
                    f"--tracking mlflow: {', '.join(missing)} is not installed; "
                    "install it with `pip install monai_vq[tracking]`."
                )
            steps = "step_bits" if "stage1_dir" in config else "step_losses"
            handler["output_transform"] = f"$engines.{steps}"
            handler["experiment_param"] = parameters(config)
            _finish_with_report(config)


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns the plain settings of a bundle as MLflow's parameters; folders without their path."""
    return {
        name: Path(str(value)).name if name in _FOLDERS else str(value)
        for name, value in config.items()
        if not isinstance(value, dict)
        and (not isinstance(value, list) or name in ("image_size", "spacing", "conditions"))
        and not name.startswith("_")
        and name not in _ITS_OWN
        and not str(value).startswith(("$", "@", "%"))
    }


def _finish_with_report(config: dict[str, Any]) -> None:
    output_dir = str(config.get("output_dir", ""))
    if config.get("run_name") is None and not output_dir.startswith("$"):
        config["run_name"] = Path(output_dir).name
    if isinstance(config.get("run"), list) and LOG_REPORT not in config["run"]:
        config["run"].append(LOG_REPORT)


def without_tracking(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the config of a run that was tracked as it was before, so that it runs where there is no MLflow."""
    own = {name: value for name, value in config.items() if name not in _ADDED}
    for part in ("train", "validate"):
        if part in own:
            handlers = [one for one in own[part]["handlers"] if one.get("_target_") != "MLFlowHandler"]
            own[part] = own[part] | {"handlers": handlers}
    return own | {"run": [step for step in own["run"] if step != LOG_REPORT], "save_execute_config": False}


def log_report(output_dir: str, tracking_uri: str, experiment_name: str, run_name: str | None) -> None:
    """Adds the report of a run to its MLflow run: its pages and tables as artifacts, each split's scores as metrics.

    A report has ids and pictures of patients. So it goes into a store on this machine only; to a server go the scores.
    A store on this machine may keep its artifacts elsewhere: both places are asked.

    Args:
        output_dir: the run's folder.
        tracking_uri: of the bundle; the environment's ``MLFLOW_TRACKING_URI`` comes first, as for MONAI's handler.
        experiment_name: of the bundle.
        run_name: of the MLflow run; the newest one of that name is this run.
    """
    if int(os.environ.get("RANK") or 0) > 0:  # one process of several writes
        return
    from mlflow import MlflowClient  # an extra: absent where nobody tracks

    uri = os.environ.get("MLFLOW_TRACKING_URI") or tracking_uri
    client = MlflowClient(tracking_uri=uri)
    run_id = _run_id(client, experiment_name, run_name)
    report = Path(output_dir) / "report"
    for name, value in split_scores(report).items():
        client.log_metric(run_id, name, value)
    for place in (uri, client.get_run(run_id).info.artifact_uri):
        if not place.startswith(LOCAL):
            logger.warning(
                f"the report has ids and pictures of patients, so it is not sent to {place}; it is in {report}."
            )
            return
    for path in sorted(path for path in report.iterdir() if path.is_file()):
        client.log_artifact(run_id, str(path), artifact_path="report")


def split_scores(report: Path) -> dict[str, float]:
    """Returns ``<split>_<score>`` of a report's split table, with the ends of the intervals; {} without one."""
    path = report / "ssim_splits.csv"
    if not path.is_file():
        return {}
    table = pd.read_csv(path).set_index("split")
    return {f"{split}_{name}": float(value) for split, row in table.iterrows() for name, value in row.dropna().items()}


def _run_id(client: Any, experiment_name: str, run_name: str | None) -> str:
    experiment = client.get_experiment_by_name(experiment_name)
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
    return next(run.info.run_id for run in runs if run_name is None or run.info.run_name == run_name)
