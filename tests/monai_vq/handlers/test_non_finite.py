import pytest

from monai_vq.handlers import StopAtNonFinite


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_the_weights_and_names_the_slices(make_line_trainer, bad):
    trainer = make_line_trainer([0.25, bad], lambda network: StopAtNonFinite())
    with pytest.raises(FloatingPointError, match=r"iteration 2 on slices sub-A:3, sub-B:7.*--learning_rate"):
        trainer.run()
    assert trainer.network.w.item() == 0.75  # after the first step


@pytest.mark.parametrize("before", [0, 1])
def test_a_checkpoint_is_promised_only_where_there_is_one(make_line_trainer, before):
    trainer = make_line_trainer([0.25, float("nan")], lambda network: StopAtNonFinite())
    trainer.state.epoch_length, trainer.state.max_epochs = 2, before + 1
    trainer.state.epoch, trainer.state.iteration = before, 2 * before  # as a resumed run starts
    with pytest.raises(FloatingPointError) as stopped:
        trainer.run()
    promised = "last checkpoint is from before it: resume (--resume true) with a lower" in str(stopped.value)
    assert promised == (before > 0)
    assert ("there is no checkpoint: start again with a lower" in str(stopped.value)) == (before == 0)
