from collections import namedtuple

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from torch import nn

from monai_vq.handlers import GradientClip, SpikeRatio, StopAtNonFinite

Output = namedtuple("Output", ["value", "loss"])


class Line(nn.Module):
    """x → w·x, with w = 1."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return Output(self.w * x, torch.zeros(()))


def make_line_trainer(values, handler, scaler=None):
    """Trains w with a gradient of x and a learning rate of 1, so that w falls by the clipped x."""
    network = Line()
    batches = [
        {"x": torch.tensor(v), "scan_id": ["sub-A", "sub-B"], "slice_index": torch.tensor([3, 7])} for v in values
    ]
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=batches,
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        loss_function=lambda output, target: output.value,
        prepare_batch=lambda batch, device, non_blocking: (batch["x"], batch["x"]),
        train_handlers=[handler(network)],
        decollate=False,
    )
    trainer.scaler = scaler
    return trainer


@pytest.mark.parametrize(("gradient", "clipped"), [(0.25, 0.25), (100.0, 0.5), (-3.0, -0.5)])
def test_a_gradient_is_scaled_to_the_largest_norm_and_no_further(gradient, clipped):
    trainer = make_line_trainer([gradient], lambda network: GradientClip(network, 0.5))
    trainer.run()
    assert trainer.network.w.item() == pytest.approx(1 - clipped, abs=1e-5)


@pytest.mark.parametrize(("gradient", "clipped"), [(0.25, 0.25), (100.0, 0.5)])
def test_the_loss_scale_is_taken_out_before_clipping(gradient, clipped, monkeypatch):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: torch.enable_grad())  # MONAI's is CUDA's
    trainer = make_line_trainer([gradient], lambda network: GradientClip(network, 0.5), scaler)
    trainer.amp = True
    trainer.run()
    assert trainer.network.w.item() == pytest.approx(1 - clipped, abs=1e-5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_the_weights_and_names_the_slices(bad):
    trainer = make_line_trainer([0.25, bad], lambda network: StopAtNonFinite())
    with pytest.raises(FloatingPointError, match=r"iteration 2 on slices sub-A:3, sub-B:7.*--learning_rate"):
        trainer.run()
    assert trainer.network.w.item() == 0.75  # after the first step


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
