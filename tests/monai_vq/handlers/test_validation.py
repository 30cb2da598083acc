import pytest
from ignite.engine import Events

from monai_vq.handlers import Validation


def validated_epochs(make_trainer, evaluator, interval, max_epochs, prepare=lambda trainer: None):
    trainer = make_trainer([1.0] * 100)
    Validation(interval=interval, validator=evaluator).attach(trainer)
    prepare(trainer)
    trainer.run(range(3), max_epochs=max_epochs)
    return evaluator.epochs


@pytest.mark.parametrize(
    ("interval", "max_epochs", "epochs"),
    [(1, 3, [1, 2, 3]), (2, 4, [2, 4]), (2, 5, [2, 4, 5]), (7, 3, [3]), (3, 1, [1])],
)
def test_the_last_epoch_is_always_validated_and_only_once(make_trainer, make_evaluator, interval, max_epochs, epochs):
    assert validated_epochs(make_trainer, make_evaluator(), interval, max_epochs) == epochs


@pytest.mark.parametrize(
    ("iteration", "epochs"),
    [(1, [1]), (8, [2, 3]), (12, [2, 4]), (15, [2, 4, 5])],  # within an epoch, and with the last step of one
)
def test_the_epoch_that_time_cuts_short_is_validated_once(make_trainer, make_evaluator, stop_at, iteration, epochs):
    assert validated_epochs(make_trainer, make_evaluator(), 2, 10, lambda t: stop_at(t, iteration)) == epochs


def test_a_run_ended_behind_a_validation_is_not_validated_again(make_trainer, make_evaluator):
    def stop_behind(trainer):
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.terminate())

    assert validated_epochs(make_trainer, make_evaluator(), 1, 10, stop_behind) == [1]
