"""The MLflow store of a tracked run: asked before training whether it is there, given the report at the end."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from monai_vq.errors import InputError
from monai_vq.report.page import write_page
from monai_vq.report.stored import read_content

__all__ = ["check_store", "log_report", "newest_run", "reason", "split_scores"]

logger = logging.getLogger(__name__)
LOCAL = ("sqlite:", "file:", "/")  # beginnings of a store on this machine
REPORT = "report"  # folder of its artifacts
_SQLITE = "sqlite:///"
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}  # MLflow's: minutes
_LONGEST = 200  # characters of an error that are told


def check_store(uri: str, experiment_name: str) -> None:
    """Refuses a store that is not there, before hours of training would end at it.

    Args:
        uri: of the store; one that is still an expression, as MONAI's own within the run's folder, is made with it.
        experiment_name: of the bundle.

    Raises:
        InputError: if nothing answers, what answers is no MLflow, or the experiment was deleted there.
    """
    if uri.startswith("$"):
        return
    remedy = "give MLFLOW_TRACKING_URI or --tracking_uri as http://HOST:PORT of a running `mlflow server`, or as"
    if "://" not in uri or uri.startswith("file:"):
        raise InputError(f"--tracking mlflow: {uri} is no store of MLflow's; {remedy} sqlite:///PATH/mlruns.db.")
    if uri.startswith(_SQLITE):
        if not (folder := Path(uri.removeprefix(_SQLITE)).absolute().parent).is_dir():
            raise InputError(f"--tracking mlflow: {uri} is in no folder that exists; make {folder}, or give another.")
        return  # a file that is not there yet is made with the run
    experiment = _ask(uri, experiment_name, remedy)
    if experiment is not None and experiment.lifecycle_stage != "active":
        raise InputError(
            f"--tracking mlflow: the experiment {experiment_name} at {uri} was deleted; restore it there, or give "
            "another --experiment_name."
        )


def _ask(uri: str, experiment_name: str, remedy: str) -> Any:
    """The experiment, or None if there is none of the name yet."""
    from mlflow import MlflowClient  # an extra: absent where nobody tracks
    from mlflow.exceptions import MlflowException

    try:
        with _environment(_IMPATIENT):
            return MlflowClient(tracking_uri=uri).get_experiment_by_name(experiment_name)
    except (MlflowException, OSError) as error:
        raise InputError(
            f"--tracking mlflow: no MLflow answers at {uri} ({reason(error)}); {remedy} sqlite:///PATH/mlruns.db."
        ) from error


def reason(error: BaseException) -> str:
    """Returns the first line of what an error came from: a refused connection, of five errors raised on top of it."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:_LONGEST]


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Has environment variables for a while; those that the user set stay as they are."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


def log_report(output_dir: str, tracking_uri: str, experiment_name: str, run_name: str) -> None:
    """Adds the report of a run to its MLflow run: its pages and tables as artifacts, each split's scores as metrics.

    A report has ids and pictures of patients. So it goes into a store on this machine only; to a server go the scores
    and the page as ``--public`` writes it. A store on this machine may keep its artifacts elsewhere: both places are
    asked. A store that fails now is told of and does no harm: the run has ended.

    Args:
        output_dir: the run's folder.
        tracking_uri: of the bundle; the environment's ``MLFLOW_TRACKING_URI`` comes first, as for MONAI's handler.
        experiment_name: of the bundle.
        run_name: of the MLflow run; the newest one of that name is this run.
    """
    if int(os.environ.get("RANK") or 0) > 0:  # one process of several writes
        return
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    uri, report = os.environ.get("MLFLOW_TRACKING_URI") or tracking_uri, Path(output_dir) / REPORT
    try:
        _log_report(MlflowClient(tracking_uri=uri), uri, report, experiment_name, run_name)
    except (MlflowException, OSError, LookupError) as error:
        logger.warning(f"the report could not be logged to {uri} ({reason(error)}); it is in {report}.")


def _log_report(client: Any, uri: str, report: Path, experiment_name: str, run_name: str) -> None:
    experiment = client.get_experiment_by_name(experiment_name)
    run = newest_run(client, experiment.experiment_id, run_name) if experiment else None
    if run is None:
        raise LookupError(f"no run {run_name} in its experiment {experiment_name}")
    for name, value in split_scores(report).items():
        client.log_metric(run.info.run_id, name, value)
    elsewhere = [place for place in (uri, run.info.artifact_uri) if not place.startswith(LOCAL)]
    if elsewhere:
        _log_public_page(client, run.info.run_id, report, elsewhere[0])
        return
    for path in sorted(path for path in report.iterdir() if path.is_file()):
        client.log_artifact(run.info.run_id, str(path), artifact_path=REPORT)


def _log_public_page(client: Any, run_id: str, report: Path, place: str) -> None:
    private = "the report has ids and pictures of patients"
    with tempfile.TemporaryDirectory() as folder:
        try:
            page = write_page(folder, read_content(report.parent), public=True)
        except InputError:  # a prior's report has no content, and small splits nothing to show
            logger.warning(f"{private}, so {place} gets none, as it has no public form; it is in {report}.")
            return
        client.log_artifact(run_id, str(page), artifact_path=REPORT)
    logger.warning(f"{private}, so {place} gets the public page alone; the whole is in {report}.")


def newest_run(client: Any, experiment_id: str, run_name: str) -> Any:
    """Returns the newest MLflow run of a name, None if there is none."""
    runs = client.search_runs([experiment_id], order_by=["attributes.start_time DESC"])
    return next((run for run in runs if run.info.run_name == run_name), None)


def split_scores(report: Path) -> dict[str, float]:
    """Returns ``<split>_<score>`` of a report's split table, with the ends of the intervals; {} without one."""
    path = report / "ssim_splits.csv"
    if not path.is_file():
        return {}
    table = pd.read_csv(path).set_index("split")
    return {f"{split}_{name}": float(value) for split, row in table.iterrows() for name, value in row.dropna().items()}
