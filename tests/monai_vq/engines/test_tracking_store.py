from types import SimpleNamespace

import pandas as pd
import pytest

from monai_vq.engines import tracking_store
from monai_vq.engines.tracking_store import check_store, log_report, newest_run, split_scores
from monai_vq.errors import InputError

URI = "https://mlflow.example.org"


def test_scores_of_splits_are_metrics_with_their_intervals(tmp_path):
    table = {"split": ["train", "test"], "ssim": [0.9, 0.8], "ssim_low": [0.85, 0.7], "codebook_usage": [None, 0.5]}
    pd.DataFrame(table).to_csv(tmp_path / "ssim_splits.csv", index=False)
    assert split_scores(tmp_path) == {
        **{"train_ssim": 0.9, "train_ssim_low": 0.85},
        **{"test_ssim": 0.8, "test_ssim_low": 0.7, "test_codebook_usage": 0.5},
    }
    assert split_scores(tmp_path / "of_a_prior") == {}


class Store:
    """Notes what is sent to it."""

    artifacts = "/runs/mlruns/1/mine/artifacts"

    def __init__(self, tracking_uri):
        self.uri, self.sent, Store.last = tracking_uri, [], self

    def get_experiment_by_name(self, name):
        return None if name == "none" else SimpleNamespace(experiment_id="1", lifecycle_stage=name)

    def search_runs(self, experiments, order_by):
        infos = [
            SimpleNamespace(run_id=f"id of {name}", run_name=name, artifact_uri=self.artifacts)
            for name in ("other", "mine", "mine")
        ]
        return [SimpleNamespace(info=info) for info in infos]

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
    log_report(str(report.parent), "sqlite:////runs/mlruns.db", "experiment", "mine")
    files = [("id of mine", str(path)) for path in sorted(report.iterdir())]
    assert Store.last.sent == [("id of mine", "test_ssim"), *files]


@pytest.mark.parametrize("artifacts", ["s3://bucket/1/mine/artifacts", "/runs/mlruns"])
def test_what_is_elsewhere_gets_scores_and_the_public_page_alone(report, monkeypatch, caplog, artifacts):
    monkeypatch.setattr(Store, "artifacts", artifacts)
    monkeypatch.setattr(tracking_store, "read_content", lambda run_dir: run_dir.name)
    written = []

    def write_page(folder, content, public):
        written.append((content, public))
        return f"{folder}/index.html"

    monkeypatch.setattr(tracking_store, "write_page", write_page)
    uri = URI if artifacts.startswith("/") else "sqlite:////runs/mlruns.db"
    log_report(str(report.parent), uri, "experiment", "mine")
    assert written == [(report.parent.name, True)]
    (score, page) = Store.last.sent
    assert score == ("id of mine", "test_ssim")
    assert page[1].endswith("/index.html")
    assert str(report) not in page[1]
    assert "gets the public page alone" in caplog.text


def test_a_report_without_a_public_form_stays_here(report, caplog):
    log_report(str(report.parent), URI, "experiment", "mine")
    assert Store.last.sent == [("id of mine", "test_ssim")]
    assert f"so {URI} gets none" in caplog.text


def test_a_store_that_fails_at_the_end_does_no_harm(report, monkeypatch, caplog):
    def fail(*_):
        raise OSError("connection lost")

    monkeypatch.setattr(Store, "log_metric", fail)
    log_report(str(report.parent), URI, "experiment", "mine")
    assert f"could not be logged to {URI} (connection lost); it is in {report}" in caplog.text
    log_report(str(report.parent), URI, "none", "mine")
    assert "no run mine in its experiment none" in caplog.text


def test_of_several_processes_the_first_one_writes(report, monkeypatch):
    Store.last = None
    monkeypatch.setenv("RANK", "1")
    log_report(str(report.parent), "sqlite:////runs/mlruns.db", "experiment", "mine")
    assert Store.last is None


def test_the_newest_run_of_a_name_is_this_run():
    assert newest_run(Store(URI), "1", "mine").info.run_id == "id of mine"
    assert newest_run(Store(URI), "1", "none of them") is None


# [what is given as a store, what is said of it]
NO_STORES = [
    ("runs/mlruns", "runs/mlruns is no store"),
    ("file:///runs/mlruns", "is no store of MLflow's; give .* sqlite:///PATH/mlruns.db"),
    ("sqlite:////no/such/folder/mlruns.db", "is in no folder that exists; make /no/such/folder"),
    ("sqlit:///mlruns.db", "no MLflow answers at sqlit:///mlruns.db"),
]


@pytest.mark.parametrize(("uri", "message"), NO_STORES)
def test_what_is_no_store_is_refused(uri, message):
    pytest.importorskip("mlflow")
    with pytest.raises(InputError, match=message):
        check_store(uri, "experiment")


def test_a_server_that_is_down_is_refused_with_its_reason_and_at_once(monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    seen = []

    class Down:
        def __init__(self, tracking_uri):
            self.uri = tracking_uri

        def get_experiment_by_name(self, name):
            seen.append({name: tracking_store.os.environ.get(name) for name in tracking_store._IMPATIENT})
            try:
                raise ConnectionRefusedError("Connection refused")
            except OSError as error:
                raise mlflow.exceptions.MlflowException("five lines of it") from error

    monkeypatch.setattr(mlflow, "MlflowClient", Down)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    with pytest.raises(InputError, match=rf"no MLflow answers at {URI} \(Connection refused\); give"):
        check_store(URI, "experiment")
    assert seen == [{"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "3"}]
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in tracking_store.os.environ


def test_a_deleted_experiment_is_refused_and_a_new_one_is_not(report):
    with pytest.raises(InputError, match=r"the experiment deleted at .* was deleted; .* another --experiment_name"):
        check_store(URI, "deleted")
    for name in ("active", "none"):
        check_store(URI, name)
        assert Store.last.uri == URI


def test_the_runs_own_store_is_not_made_before_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_store("$monai.utils.path_to_sqlite_uri(@output_dir + '/mlruns.db')", "experiment")
    check_store(f"sqlite:///{tmp_path}/mlruns.db", "experiment")
    assert not list(tmp_path.iterdir())
