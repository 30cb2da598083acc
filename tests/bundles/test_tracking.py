import shutil
from importlib.util import find_spec

import pandas as pd
import pytest

from monai_vq.engines.tracking import PACKAGES

MISSING = [package for package in PACKAGES if find_spec(package) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"the extra 'tracking' is not installed: {', '.join(MISSING)}")
def test_mlflow_has_every_steps_losses_and_the_validations_scores(run_bundle, tmp_path):
    from mlflow import MlflowClient

    run = run_bundle("projected", tmp_path / "run", tracking="mlflow")
    client = MlflowClient(f"sqlite:///{run}/mlruns.db")
    (tracked,) = client.search_runs([client.get_experiment_by_name("monai_experiment").experiment_id])
    assert tracked.info.status == "FINISHED"
    history = pd.read_csv(run / "metrics.csv")
    steps = client.get_metric_history(tracked.info.run_id, "reconstruction")
    assert sorted(metric.step for metric in steps) == list(range(1, 9))
    first = [metric.value for metric in steps if metric.step <= 4]
    assert sum(first) / 4 == pytest.approx(history["train_reconstruction"][0], rel=1e-4)
    assert tracked.data.metrics["ssim"] == pytest.approx(history["val_ssim"][1])
    shutil.rmtree(run)
