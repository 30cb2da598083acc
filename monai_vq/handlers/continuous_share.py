"""How many positions a frequency or hybrid latent leaves continuous."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import Tensor

from monai_vq.networks import VQVAE
from monai_vq.quantizers import FrequencyQuantizer, HybridQuantizer


class ContinuousShare:
    """Logs each epoch's share of positions that stay continuous (M = 0), in [0, 1], as metric ``continuous``.

    Near 0 the latent is the vector quantizer's in all but name: the S most frequent codes are all that occur.

    Args:
        network: whose quantizer is a ``FrequencyQuantizer`` or a ``HybridQuantizer``.

    Raises:
        ValueError: if it is another.
    """

    def __init__(self, network: VQVAE) -> None:
        if not isinstance(network.quantizer, (FrequencyQuantizer, HybridQuantizer)):
            raise ValueError(
                f"ContinuousShare got a network with a {type(network.quantizer).__name__}, all of whose positions are "
                "alike; leave the handler out, or take a FrequencyQuantizer or a HybridQuantizer."
            )
        self.quantizer = network.quantizer
        self._shares: list[Tensor] = []

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._summarize)
        engine.add_event_handler(Events.TERMINATE, self._summarize)

    def _collect(self, engine: Engine) -> None:
        # By the table as the step left it: one step's counts move few codes over the threshold.
        self._shares.append(self.quantizer.continuous(engine.state.output["pred"].codes).float().mean())

    def _summarize(self, engine: Engine) -> None:
        if self._shares:
            engine.state.metrics["continuous"] = torch.stack(self._shares).mean().item()
            self._shares.clear()
