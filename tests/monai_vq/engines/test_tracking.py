import json
from copy import deepcopy
from types import SimpleNamespace

import pandas as pd
import pytest
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle.utils import DEFAULT_MLFLOW_SETTINGS

from monai_vq.engines import tracking
from monai_vq.errors import InputError

OTHER = {"_target_": "Other", "output_transform": "mine"}


@pytest.fixture
def _installed(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: True)


@pytest.fixture
def finished_config(tiny_stage1) -> dict:
    return json.loads((tiny_stage1 / "config.json").read_text())


def tracked(**settings) -> dict:
    return {"train": {"handlers": [{"_target_": "MLFlowHandler", "output_transform": "$list"}]}, **settings}


@pytest.mark.usefixtures("_installed")
def test_only_mlflows_handler_is_changed():
    config = tracked()
    config["train"]["handlers"][:0] = ["@budget", dict(OTHER)]
    tracking.adapt_tracking(config)
    assert config["train"]["handlers"][:2] == ["@budget", OTHER]
    assert config["train"]["handlers"][2]["output_transform"] == "$engines.step_losses"


@pytest.mark.usefixtures("_installed")
def test_a_prior_is_logged_by_its_bits():
    config = tracked(stage1_dir="runs/projected")
    tracking.adapt_tracking(config)
    assert config["train"]["handlers"][0]["output_transform"] == "$engines.step_bits"


@pytest.mark.usefixtures("_installed")
def test_the_run_has_its_folders_name_and_ends_with_the_report():
    config = tracked(output_dir="/data/ada/runs/first", run_name=None, run=["$train", "$report"])
    tracking.adapt_tracking(config)
    assert config["run_name"] == "first"
    assert config["run"] == ["$train", "$report", tracking.LOG_REPORT]
    named = tracked(output_dir="runs/first", run_name="mine", run=["$train"])
    tracking.adapt_tracking(named)
    assert named["run_name"] == "mine"


def test_parameters_are_the_plain_settings_without_paths():
    config = {
        **{"dataset_dir": "/data/ada/ixi", "learning_rate": 0.0015, "image_size": [128, 96], "gain_bits": None},
        **{"device": "$torch.device('cpu')", "network_def": {}, "run": ["$train"], "_meta_": {}, "max_epochs": 3},
    }
    assert tracking.parameters(config) == {
        "dataset_dir": "ixi",
        "learning_rate": "0.0015",
        "image_size": "[128, 96]",
        "gain_bits": "None",
    }


def test_tracking_without_its_packages_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "alembic" else True)
    with pytest.raises(InputError, match=r"alembic is not installed; .*monai_vq\[tracking\]"):
        tracking.adapt_tracking({"train": {"handlers": [{"_target_": "MLFlowHandler"}]}})
    tracking.adapt_tracking({"train": {"handlers": [OTHER]}})
    tracking.adapt_tracking({})


def test_scores_of_splits_are_metrics_with_their_intervals(tmp_path):
    table = {"split": ["train", "test"], "ssim": [0.9, 0.8], "ssim_low": [0.85, 0.7], "codebook_usage": [None, 0.5]}
    pd.DataFrame(table).to_csv(tmp_path / "ssim_splits.csv", index=False)
    assert tracking.split_scores(tmp_path) == {
        **{"train_ssim": 0.9, "train_ssim_low": 0.85},
        **{"test_ssim": 0.8, "test_ssim_low": 0.7, "test_codebook_usage": 0.5},
    }
    assert tracking.split_scores(tmp_path / "of_a_prior") == {}


def test_a_tracked_run_is_handed_on_untracked(finished_config):
    config = deepcopy(finished_config)
    ConfigWorkflow.patch_bundle_tracking(parser := ConfigParser(config), DEFAULT_MLFLOW_SETTINGS)
    tracked_config = {name: value for name, value in parser.config.items() if name != "_meta_"}
    tracked_config["run"] = [*tracked_config["run"], tracking.LOG_REPORT]
    assert tracked_config != finished_config
    assert tracking.without_tracking(tracked_config) == finished_config


class Store:
    """Notes what is sent to it."""

    artifacts = "/runs/mlruns/1/mine/artifacts"

    def __init__(self, tracking_uri):
        self.sent, Store.last = [], self

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id="1")

    def search_runs(self, experiments, order_by):
        return [SimpleNamespace(info=SimpleNamespace(run_id=name, run_name=name)) for name in ("other", "mine")]

    def get_run(self, run_id):
        return SimpleNamespace(info=SimpleNamespace(artifact_uri=self.artifacts))

    def log_metric(self, run_id, name, value):
        self.sent.append((run_id, name))

    def log_artifact(self, run_id, path, artifact_path):
        self.sent.append((run_id, path))


@pytest.fixture
def report(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setattr(mlflow, "MlflowClient", Store)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "index.html").write_text("<p>patients</p>")
    pd.DataFrame({"split": ["test"], "ssim": [0.8]}).to_csv(folder / "ssim_splits.csv", index=False)
    return folder


def test_a_store_on_this_machine_gets_pages_and_tables(report):
    tracking.log_report(str(report.parent), "sqlite:////runs/mlruns.db", "experiment", "mine")
    assert Store.last.sent == [("mine", "test_ssim"), *(("mine", str(path)) for path in sorted(report.iterdir()))]


def test_a_server_gets_the_scores_alone(report, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    tracking.log_report(str(report.parent), "sqlite:////runs/mlruns.db", "experiment", "mine")
    assert Store.last.sent == [("mine", "test_ssim")]
    assert "is not sent to https://mlflow.example.org" in caplog.text


def test_a_local_store_that_keeps_its_artifacts_elsewhere_gets_the_scores_alone(report, monkeypatch, caplog):
    monkeypatch.setattr(Store, "artifacts", "s3://bucket/1/mine/artifacts")
    tracking.log_report(str(report.parent), "sqlite:////runs/mlruns.db", "experiment", "mine")
    assert Store.last.sent == [("mine", "test_ssim")]
    assert "is not sent to s3://bucket/1/mine/artifacts" in caplog.text


def test_of_several_processes_the_first_one_writes(report, monkeypatch):
    Store.last = None
    monkeypatch.setenv("RANK", "1")
    tracking.log_report(str(report.parent), "sqlite:////runs/mlruns.db", "experiment", "mine")
    assert Store.last is None
