"""Experiment tracking with MLflow, as ``--tracking mlflow`` of MONAI's bundles brings it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from monai_vq.errors import InputError

PACKAGES = ("mlflow", "sqlalchemy", "alembic")  # MONAI's default store is an SQLite file in the run's folder


def adapt_tracking(config: dict[str, Any]) -> None:
    """Lets the MLFlowHandler that MONAI appends to the trainer's handlers read the losses of our trainer, in place.

    MONAI's setting expects a list of decollated outputs; ours is one batch, because its losses and codes are the
    batch's.

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
