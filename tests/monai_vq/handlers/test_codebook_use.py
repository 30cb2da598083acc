import pytest
from ignite.engine import Events

from monai_vq.handlers import CodebookUse


def test_use_is_counted_over_the_epoch_and_starts_anew_with_the_next(make_trainer, codes):
    trainer = make_trainer([1.0] * 4)
    CodebookUse(4).attach(trainer)
    seen = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda e: seen.append(dict(e.state.metrics)))
    trainer.run(codes([0, 1], [2, 2]), max_epochs=2)
    assert [metrics["usage"] for metrics in seen] == [0.75, 0.75]
    assert seen[0]["perplexity"] == pytest.approx(2**1.5)  # probabilities 1/4, 1/4, 1/2


def test_the_epoch_that_is_cut_short_counts_what_it_saw(make_trainer, codes, stop_at):
    trainer = make_trainer([1.0] * 4)
    CodebookUse(4).attach(trainer)
    stop_at(trainer, 3)
    trainer.run(codes([0, 0], [1, 2]), max_epochs=2)
    assert trainer.state.metrics["usage"] == 0.25
