"""MONAI's MLFlowHandler for runs that last hours, on a store that need not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from ignite.engine import Engine
from monai.handlers import MLFlowHandler
from monai.utils import flatten_dict

from monai_vq.engines.tracking_store import newest_run, reason

__all__ = ["MOST_WAITING", "RunTracking"]

logger = logging.getLogger(__name__)
MOST_WAITING = 200  # values that are sent at once: a request takes 20 ms and more, a step of a small model as long


class RunTracking(MLFlowHandler):
    """Logs steps and epochs of one run, of which a store that fails is told once and then left alone.

    MONAI's handler joins the oldest unfinished run of the name, be it one that was killed last week, sends each step
    by itself, and ends the training with the first request that fails.

    Args:
        joins: goes on in the newest MLflow run of the name, if there is one, as a resumed run does, and the validation
            in its training's; otherwise a new one begins.
        settings: of MONAI's handler.
    """

    cur_run: Any

    def __init__(self, *, joins: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self.joins, self.gave_up = joins, False
        self._waiting: list[Any] = []

    def start(self, engine: Engine) -> None:
        """Begins or joins the MLflow run, and logs the settings that it does not have yet."""
        self._try(lambda: self._start(engine))

    def _start(self, engine: Engine) -> None:
        if self.cur_run is None:
            self._set_experiment()
            experiment_id = self.experiment.experiment_id
            self.cur_run = newest_run(self.client, experiment_id, self.run_name) if self.joins else None
            if self.cur_run is None:
                self.cur_run = self.client.create_run(experiment_id=experiment_id, run_name=self.run_name)
            elif self.cur_run.info.status != "RUNNING":
                self.client.update_run(self.cur_run.info.run_id, status="RUNNING")
        if self.experiment_param:
            length = {name: getattr(engine.state, name) for name in self.default_tracking_params}
            settings = dict(self.experiment_param) | length
            self._delete_exist_param_in_dict(settings)  # a store takes no second value
            self._log_params(settings)

    def iteration_completed(self, engine: Engine) -> None:
        """Notes the losses of a step."""
        self._try(lambda: super(RunTracking, self).iteration_completed(engine))

    def epoch_completed(self, engine: Engine) -> None:
        """Notes the metrics of an epoch, and sends all that was noted."""
        self._try(lambda: super(RunTracking, self).epoch_completed(engine))
        self._try(self._send)

    def complete(self) -> None:
        """Sends what is left."""
        self._try(self._send)
        self._try(super().complete)

    def close(self) -> None:
        """Ends the MLflow run."""
        self._try(super().close)

    def _log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        from mlflow.entities import Metric  # an extra: absent where nobody tracks

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, step or 0) for name, value in flatten_dict(dict(metrics)).items()]
        if len(self._waiting) >= MOST_WAITING:
            self._send()

    def _send(self) -> None:
        if self._waiting and self.cur_run is not None:
            self.client.log_batch(run_id=self.cur_run.info.run_id, metrics=self._waiting, params=[], tags=[])
        self._waiting = []

    def _try(self, action: Callable[[], None]) -> None:
        """Does something with the store, unless that has failed before."""
        from mlflow.exceptions import MlflowException

        if self.gave_up:
            return
        try:
            action()
        except (MlflowException, OSError) as error:
            self.gave_up = True
            logger.warning(
                f"MLflow at {self.client.tracking_uri} failed ({reason(error)}): nothing more is logged there. The run "
                "goes on, and its metrics.csv and report have everything."
            )
