import pandas as pd
import pytest
import torch
from ignite.engine import Engine

from monai_vq.handlers import PriorHistory, TrainingBudget, Validation
from monai_vq.priors import LatentBits


@pytest.fixture
def write_history(tmp_path, make_evaluator):
    """Trains on given losses, three steps an epoch, of which the codes' bits are half; returns metrics.csv."""

    def write(losses, max_epochs, resumed_at=0, prepare=lambda trainer: None):
        def step(engine, batch):
            loss = torch.tensor(losses[engine.state.iteration - 1 - 3 * resumed_at])
            return {"loss": loss, "pred": LatentBits(loss.expand(2, 1, 1) / 2, torch.zeros(2, 0, 1, 1), loss)}

        trainer, evaluator = Engine(step), make_evaluator()
        evaluator.run = lambda epoch: (
            setattr(evaluator.state, "epoch", epoch),
            setattr(evaluator.state, "metrics", {"bits_per_code": 7.0, "bits_per_pixel": 0.5}),
        )
        budget = TrainingBudget(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0))
        Validation(interval=2, validator=evaluator).attach(trainer)
        PriorHistory(tmp_path / "metrics.csv", evaluator, budget).attach(trainer)
        prepare(trainer)
        trainer.state.epoch, trainer.state.iteration = resumed_at, 3 * resumed_at
        trainer.state.max_epochs, trainer.state.epoch_length = max_epochs, 3
        trainer.run(range(3), max_epochs=max_epochs)
        return pd.read_csv(tmp_path / "metrics.csv")

    return write


def test_a_row_is_an_epochs_mean_and_its_validation(write_history):
    table = write_history([1, 2, 3, 4, 5, 9.0], 2)
    assert table["iteration"].tolist() == [3, 6]
    assert table["train_loss"].tolist() == [2, 6]
    assert table["train_bits_per_code"].tolist() == [1, 3]
    assert table["val_bits_per_code"].fillna(-1).tolist() == [-1, 7]  # epoch 1 is not validated, and says so
    assert table["val_bits_per_gain"].isna().all()


def test_the_epoch_that_is_cut_short_has_a_row(write_history, stop_at):
    table = write_history([1.0] * 3 + [4, 6], 10, prepare=lambda trainer: stop_at(trainer, 5))
    assert table[["epoch", "iteration"]].to_numpy().tolist() == [[1, 3], [2, 5]]
    assert table["train_loss"].tolist() == [1, 5]


def test_a_resumed_run_keeps_the_rows_before_and_replaces_the_cut_one(write_history, stop_at):
    first = write_history([1.0] * 5, 3, prepare=lambda trainer: stop_at(trainer, 5))
    table = write_history([2.0] * 6, 3, resumed_at=1)
    assert table["iteration"].tolist() == [3, 6, 9]
    assert table["train_loss"].tolist() == [1, 2, 2]
    pd.testing.assert_frame_equal(table.head(1), first.head(1))
