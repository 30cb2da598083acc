import pytest

from monai_vq.handlers import EarlyStop, Validation


@pytest.fixture
def epochs_until_stop(make_trainer, make_evaluator):
    """Trains up to 20 epochs on given validation scores, from an epoch on; returns the epoch at which it ended."""

    def run(scores, patience, interval=1, resumed_at=0, best_before=None):
        trainer, evaluator = make_trainer([1.0] * 99), make_evaluator(*scores)
        if best_before:
            evaluator.state.best_metric, evaluator.state.best_metric_epoch = best_before
        Validation(interval=interval, validator=evaluator).attach(trainer)
        EarlyStop(evaluator, interval, patience).attach(trainer)
        trainer.state.epoch, trainer.state.iteration = resumed_at, 2 * resumed_at
        trainer.state.max_epochs, trainer.state.epoch_length = 20, 2
        trainer.run(range(2), max_epochs=20)
        return trainer.state.epoch

    return run


def test_it_stops_after_as_many_validations_without_a_better_one(epochs_until_stop):
    scores = [1, 2, 5, 3, 4, 5, 4, 3, 2, 1]
    assert epochs_until_stop(scores, patience=2) == 5
    assert epochs_until_stop(scores, patience=4) == 7


def test_patience_counts_validations_not_epochs(epochs_until_stop):
    assert epochs_until_stop([2, 1, 1, 1, 1, 1, 1], patience=2, interval=3) == 9


def test_none_never_stops(epochs_until_stop):
    assert epochs_until_stop([2] + [1] * 30, patience=None) == 20


def test_a_stopped_run_that_is_resumed_stops_at_once_and_one_with_more_patience_goes_on(epochs_until_stop):
    assert epochs_until_stop([1] * 30, patience=2, resumed_at=5, best_before=(5.0, 3)) == 5
    assert epochs_until_stop([1] * 30, patience=4, resumed_at=5, best_before=(5.0, 3)) == 7
