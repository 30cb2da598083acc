import pytest
from ignite.engine import Events

from monai_vq.handlers import SpikeRatio


def spike_ratios(make_trainer, losses, epoch_length, stop=lambda trainer: None):
    trainer, seen = make_trainer(losses), []
    SpikeRatio().attach(trainer)
    stop(trainer)
    for event in (Events.EPOCH_COMPLETED, Events.TERMINATE):
        trainer.add_event_handler(event, lambda engine: seen.append(engine.state.metrics["spike_ratio"]))
    trainer.run(range(epoch_length), max_epochs=len(losses) // epoch_length)
    return seen


def test_a_spike_is_measured_against_the_median_of_the_steps_before(make_trainer):
    # medians before each step: -, 4, 3, 2 | 2, 2, 2, 2
    ratios = spike_ratios(make_trainer, [4.0, 2, 2, 1, 2, 7, 2, 2], 4)
    assert ratios == pytest.approx([2 / 3, 3.5])


def test_only_the_last_200_steps_count(make_trainer):
    assert spike_ratios(make_trainer, [100.0] * 200 + [1.0] * 200 + [3.0] * 200, 200)[2] == pytest.approx(3)


def test_the_epoch_that_is_cut_short_has_a_ratio(make_trainer, stop_at):
    assert spike_ratios(make_trainer, [1.0, 1, 1, 5, 1, 1], 3, lambda t: stop_at(t, 4)) == pytest.approx([1, 5])
