import pandas as pd
import pytest
import torch
from ignite.engine import Events

from monai_vq.handlers import History, TrainingBudget, Validation

COLUMNS = ["epoch", "iteration", "minutes", "learning_rate", "train_loss", "train_reconstruction"]


@pytest.fixture
def write_history(tmp_path, make_trainer, make_evaluator):
    """Trains on given losses, three steps an epoch, and returns metrics.csv; `measure` is called before a row."""

    def write(losses, max_epochs, prepare=lambda trainer: None, resumed_at=0, interval=2, measure=lambda *_: None):
        trainer, evaluator = make_trainer(losses), make_evaluator(0.5, 0.6, 0.7)
        budget = TrainingBudget(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0))
        Validation(interval=interval, validator=evaluator).attach(trainer)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, measure, evaluator)
        History(tmp_path / "metrics.csv", evaluator, budget).attach(trainer)
        prepare(trainer)
        trainer.state.epoch, trainer.state.iteration = resumed_at, 3 * resumed_at
        trainer.state.max_epochs, trainer.state.epoch_length = max_epochs, 3
        trainer.run(range(3), max_epochs=max_epochs)
        return pd.read_csv(tmp_path / "metrics.csv")

    return write


def test_a_row_is_an_epochs_mean_and_its_validation(write_history):
    table = write_history([1, 2, 3, 4, 5, 9.0], 2)
    assert table.columns[:6].tolist() == COLUMNS
    assert table["iteration"].tolist() == [3, 6]
    assert table["train_loss"].tolist() == [2, 6]
    assert table["train_reconstruction"].tolist() == [1.5, 4.5]
    assert table["train_quantization"].tolist() == [0.5, 1.5]
    assert table["val_ssim"].fillna(-1).tolist() == [-1, 0.5]  # epoch 1 is not validated, and says so
    assert table["val_mse"].iloc[1] == 0.5


def test_held_out_quantization_and_the_continuous_share_stand_beside_the_training_losses(write_history):
    def measure(trainer, evaluator):
        trainer.state.metrics["continuous"] = trainer.state.epoch / 10
        evaluator.state.metrics["quantization"] = 0.25

    table = write_history([1.0] * 6, 2, measure=measure)
    assert table["train_continuous"].tolist() == [0.1, 0.2]
    assert table["val_quantization"].fillna(-1).tolist() == [-1, 0.25]
    plain = write_history([1.0] * 6, 2)
    assert plain.columns.tolist() == table.columns.tolist()
    assert plain[["train_continuous", "val_quantization"]].isna().all(axis=None)


def test_the_epoch_that_is_cut_short_has_a_row_and_a_validation(write_history, stop_at):
    table = write_history([1.0] * 3 + [4, 6], 10, lambda trainer: stop_at(trainer, 5), interval=10)
    assert table[["epoch", "iteration"]].to_numpy().tolist() == [[1, 3], [2, 5]]
    assert table["train_loss"].tolist() == [1, 5]
    assert table["val_ssim"].fillna(-1).tolist() == [-1, 0.5]


def test_a_resumed_run_keeps_the_rows_before_and_replaces_the_cut_one(write_history, stop_at):
    first = write_history([1.0] * 5, 3, lambda trainer: stop_at(trainer, 5))
    table = write_history([0.0] * 3 + [2.0] * 6, 3, resumed_at=1)
    assert table["iteration"].tolist() == [3, 6, 9]
    assert table["train_loss"].tolist() == [1, 2, 2]
    pd.testing.assert_frame_equal(table.head(1), first.head(1))


def test_a_new_run_does_not_mix_with_an_old_table(write_history):
    write_history([1.0] * 6, 2)
    assert write_history([2.0] * 3, 1)["train_loss"].tolist() == [2]


def test_a_table_is_whole_at_any_time(write_history, tmp_path, monkeypatch):
    write_history([1.0] * 3, 1)

    def half(self, path, **options):
        path.write_text("epoch,iter")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(KeyboardInterrupt):
        write_history([1.0] * 3, 1)
    assert pd.read_csv(tmp_path / "metrics.csv")["iteration"].tolist() == [3]
