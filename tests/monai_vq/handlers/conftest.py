from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import Evaluator, SupervisedTrainer
from torch import Tensor, nn


@pytest.fixture
def make_trainer() -> Callable[..., Engine]:
    """An engine with what a MONAI trainer has, whose steps' losses are given; the quantizer's share is a quarter."""

    def make(losses: list[float]) -> Engine:
        def step(engine: Engine, batch: Any) -> dict[str, Any]:
            loss = torch.tensor(losses[engine.state.iteration - 1])
            return {"loss": loss, "pred": SimpleNamespace(loss=loss / 4, codes=batch)}

        trainer = Engine(step)
        trainer.scaler = None  # type: ignore[attr-defined]
        return trainer

    return make


@pytest.fixture
def codes() -> Callable[..., list[Tensor]]:
    """Batches of codes, a position each."""
    return lambda *batches: [torch.tensor(batch)[:, None, None] for batch in batches]


class FakeEvaluator(Evaluator):
    """Counts the epochs it is asked for; its score falls or rises as given."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__(device="cpu", val_data_loader=[None], epoch_length=1)
        self.scores, self.epochs = scores, []

    def run(self, epoch: int) -> None:  # type: ignore[override]
        score = self.scores[len(self.epochs) % len(self.scores)]
        self.epochs.append(epoch)
        self.state.epoch = epoch
        self.state.metrics = {"ssim": score, "ssim_foreground": score, "mse": 1 - score, "mae": 1.0, "psnr": 20.0}
        if score > self.state.best_metric or self.state.best_metric_epoch < 0:
            self.state.best_metric, self.state.best_metric_epoch = score, epoch


@pytest.fixture
def make_evaluator() -> Callable[..., FakeEvaluator]:
    return lambda *scores: FakeEvaluator(list(scores) or [0.5])


@pytest.fixture
def stop_at() -> Callable[[Engine, int], None]:
    """Ends a trainer's run at an iteration, as the time limit does."""

    def stop(trainer: Engine, iteration: int) -> None:
        trainer.add_event_handler(Events.ITERATION_COMPLETED(once=iteration), trainer.terminate)

    return stop


class Step(NamedTuple):
    """What Line makes of a batch."""

    value: Tensor
    loss: Tensor


class Line(nn.Module):
    """x → w·x, with w = 1."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Step:
        return Step(self.w * x, torch.zeros(()))


@pytest.fixture
def make_line_trainer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., SupervisedTrainer]:
    """Trains w with a gradient of x and a learning rate of 1, so that w falls by the x that a handler leaves."""
    autocast = torch.autocast  # MONAI's trainer has CUDA's only, and makes CUDA's scaler when it runs
    monkeypatch.setattr(torch, "autocast", lambda device, **options: autocast("cpu", enabled=False))
    monkeypatch.setattr(torch.cuda.amp, "GradScaler", lambda: torch.amp.GradScaler("cpu"))

    def make(values: list[float], handler: Callable[[nn.Module], Any], amp: bool = False) -> SupervisedTrainer:
        network, ids = Line(), {"scan_id": ["sub-A", "sub-B"], "slice_index": torch.tensor([3, 7])}
        return SupervisedTrainer(
            device="cpu",
            max_epochs=1,
            train_data_loader=[{"x": torch.tensor(value)} | ids for value in values],
            network=network,
            optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
            loss_function=lambda output, target: output.value,
            prepare_batch=lambda batch, device, non_blocking: (batch["x"], batch["x"]),
            train_handlers=[handler(network)],
            amp=amp,
            decollate=False,
        )

    return make
