import shutil
from importlib.util import find_spec

import pandas as pd
import pytest

from monai_vq.engines.tracking import PACKAGES

MISSING = [package for package in PACKAGES if find_spec(package) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"the extra 'tracking' is not installed: {', '.join(MISSING)}")
def test_mlflow_has_losses_scores_settings_and_the_report(run_bundle, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = run_bundle("projected", tmp_path / "run", tracking="mlflow")
    client = MlflowClient(f"sqlite:///{run}/mlruns.db")
    (tracked,) = client.search_runs([client.get_experiment_by_name("monai_experiment").experiment_id])
    assert (tracked.info.status, tracked.info.run_name) == ("FINISHED", "run")
    history = pd.read_csv(run / "metrics.csv")
    steps = client.get_metric_history(tracked.info.run_id, "reconstruction")
    assert sorted(metric.step for metric in steps) == list(range(1, 9))
    first = [metric.value for metric in steps if metric.step <= 4]
    assert sum(first) / 4 == pytest.approx(history["train_reconstruction"][0], rel=1e-4)
    assert tracked.data.metrics["ssim"] == pytest.approx(history["val_ssim"][1])
    assert tracked.data.params["learning_rate"] == "0.0015"
    assert tracked.data.params["dataset_dir"] == "prepared"
    test = pd.read_csv(run / "report/ssim_splits.csv").set_index("split").loc["test"]
    assert tracked.data.metrics["test_ssim"] == pytest.approx(test["ssim"])
    stored = client.download_artifacts(tracked.info.run_id, "report", str(tmp_path))
    for path in (path for path in (run / "report").iterdir() if path.is_file()):
        assert path.read_bytes() == (tmp_path / stored / path.name).read_bytes()
    assert (run / "mlruns").is_dir()
    shutil.rmtree(run)
