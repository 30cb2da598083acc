from types import SimpleNamespace

import pytest
import torch

from monai_vq.engines import step_losses, train


class Trainer:
    def __init__(self, epoch=0, failure=None):
        self.state = SimpleNamespace(epoch=epoch, max_epochs=4)
        self.runs, self.failure = 0, failure

    def run(self):
        self.runs += 1
        if self.failure is not None:
            raise self.failure


class Checkpoints:
    """Resumes after an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def resume(self, trainer):
        trainer.state.epoch = self.epoch


def budget(is_spent=False):
    return SimpleNamespace(is_spent=is_spent, max_minutes=1.0)


@pytest.mark.parametrize(
    ("resume", "epoch", "spent", "runs"),
    [(False, 4, False, 1), (True, 2, False, 1), (True, 4, False, 0), (True, 2, True, 0)],
)
def test_a_run_starts_anew_or_goes_on_unless_it_is_complete(resume, epoch, spent, runs):
    trainer = Trainer()
    train(trainer, Checkpoints(epoch), budget(spent), resume)
    assert trainer.runs == runs
    assert trainer.state.epoch == (epoch if resume else 0)


def test_a_loss_that_is_not_finite_ends_the_program_with_its_remedy():
    with pytest.raises(SystemExit, match="error: loss nan"):
        train(Trainer(failure=FloatingPointError("loss nan")), Checkpoints(0), budget(), False)


def test_a_steps_loss_is_the_reconstructions_and_the_quantizers():
    output = {"loss": torch.tensor(0.75), "pred": SimpleNamespace(loss=torch.tensor(0.25))}
    assert step_losses(output) == {"loss": 0.75, "reconstruction": 0.5, "quantization": 0.25}
