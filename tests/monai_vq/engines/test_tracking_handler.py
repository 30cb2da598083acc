from types import SimpleNamespace

import pytest
from ignite.engine import Engine

pytest.importorskip("mlflow")

from monai_vq.engines.tracking_handler import MOST_WAITING, RunTracking


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An SQLite file for all tests: to make one takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlruns.db"


@pytest.fixture
def make_handler(store, request, monkeypatch):
    """Makes handlers of runs of one name, in an experiment of the test's own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def make(**settings):
        own = {"joins": False, "output_transform": lambda output: {"loss": output}, "close_on_complete": True}
        names = {"run_name": "mine", "experiment_name": request.node.name}
        return RunTracking(tracking_uri=store, **(own | names | settings))

    return make


def train(handler, steps=6, epochs=2):
    """Runs an engine of which a step's output is its number, with a metric each epoch."""
    engine = Engine(lambda engine, batch: float(engine.state.iteration))
    handler.attach(engine)
    engine.state.metrics = {}
    engine.run(range(steps), max_epochs=epochs)
    return engine


def runs_of(handler):
    experiment = handler.client.get_experiment_by_name(handler.experiment_name)
    return handler.client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])


def test_every_step_is_logged_in_few_requests(make_handler, monkeypatch):
    handler, sent = make_handler(), []
    real = handler.client.log_batch
    monkeypatch.setattr(
        handler.client, "log_batch", lambda **batch: (sent.append(len(batch["metrics"])), real(**batch))
    )
    steps = MOST_WAITING + 50
    train(handler, steps=steps, epochs=1)
    (run,) = runs_of(handler)
    history = handler.client.get_metric_history(run.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == [(at, float(at)) for at in range(1, steps + 1)]
    assert [number for number in sent if number] == [MOST_WAITING, 50]
    assert run.info.status == "FINISHED"


def test_a_new_run_does_not_join_one_of_the_same_name_that_was_killed(make_handler):
    killed = make_handler()
    killed.start(Engine(lambda *_: None))
    train(make_handler())
    new, old = runs_of(killed)
    assert (old.info.status, old.data.metrics) == ("RUNNING", {})
    assert new.data.metrics["loss"] == 12


def test_a_resumed_run_goes_on_in_its_own_and_keeps_its_settings(make_handler):
    train(make_handler(experiment_param={"learning_rate": "0.1", "max_minutes": "1"}))
    train(make_handler(joins=True, experiment_param={"learning_rate": "0.1", "max_minutes": "2", "new": "3"}))
    (run,) = runs_of(make_handler())
    params = {"learning_rate": "0.1", "max_minutes": "1", "max_epochs": "2", "epoch_length": "6", "new": "3"}
    assert run.data.params == params
    assert run.info.status == "FINISHED"


def test_the_validation_joins_its_training(make_handler):
    trainer, validator = make_handler(), make_handler(joins=True)
    for handler in (trainer, validator):
        handler.start(Engine(lambda *_: None))
    assert validator.cur_run.info.run_id == trainer.cur_run.info.run_id


def test_a_store_that_fails_ends_the_tracking_and_not_the_training(make_handler, monkeypatch, caplog):
    handler, calls = make_handler(), []

    def fail(**_):
        calls.append(1)
        raise OSError("connection lost")

    monkeypatch.setattr(handler.client, "log_batch", fail)
    engine = train(handler)
    assert engine.state.iteration == 12
    assert len(calls) == 1
    assert caplog.text.count("failed (connection lost): nothing more is logged there. The run goes on") == 1


def test_a_store_that_fails_at_the_start_does_neither(make_handler, monkeypatch, caplog):
    handler = make_handler()
    monkeypatch.setattr(handler, "client", SimpleNamespace(tracking_uri="http://gone"))

    def fail(_):
        raise OSError("connection refused")

    handler.client.get_experiment_by_name = fail
    assert train(handler).state.iteration == 12
    assert caplog.text.count("MLflow at http://gone failed") == 1
