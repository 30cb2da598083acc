"""How the gains of a projected latent are distributed while it trains."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from monai_vq.networks import VQVAE
from monai_vq.quantizers import ProjectedQuantizer


class GainLog:
    """Logs each epoch's ``gain_mean`` and ``gain_sd`` as metrics, and a histogram of its last step to TensorBoard.

    Only gains that are stored count: of a hybrid latent those of rare codes. An epoch without any logs NaN.

    Args:
        network: whose quantizer is a ``ProjectedQuantizer`` or one that derives from it.
        summary_writer: None for the metrics alone.

    Raises:
        ValueError: if the quantizer has no gains.
    """

    def __init__(self, network: VQVAE, summary_writer: SummaryWriter | None = None) -> None:
        if not isinstance(network.quantizer, ProjectedQuantizer):
            raise ValueError(
                f"GainLog got a network with a {type(network.quantizer).__name__}, which has no gains; leave it out."
            )
        self.quantizer, self.summary_writer = network.quantizer, summary_writer
        self._sums: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._summarize)
        engine.add_event_handler(Events.TERMINATE, self._summarize)

    def _collect(self, engine: Engine) -> None:
        gains = self._gains(engine)
        self._sums.append(torch.stack([torch.ones_like(gains).sum(), gains.sum(), gains.square().sum()]))

    def _summarize(self, engine: Engine) -> None:
        if not self._sums:
            return
        number, total, squares = torch.stack(self._sums).sum(dim=0).tolist()
        self._sums.clear()
        mean = total / number if number else float("nan")
        variance = squares / number - mean**2 if number else float("nan")
        engine.state.metrics |= {"gain_mean": mean, "gain_sd": max(variance, 0.0) ** 0.5}
        gains = self._gains(engine)
        if self.summary_writer is not None and len(gains):
            self.summary_writer.add_histogram("train_gains", gains, engine.state.epoch)

    def _gains(self, engine: Engine) -> Tensor:
        pred = engine.state.output["pred"]
        return self.quantizer.stored_gains(pred.codes, pred.side).double()
