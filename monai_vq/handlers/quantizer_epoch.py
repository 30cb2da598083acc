"""Tells a quantizer how far training is."""

from __future__ import annotations

from ignite.engine import Engine, Events

from monai_vq.networks import VQVAE


class QuantizerEpoch:
    """Calls the quantizer's ``set_epoch`` with the number of epochs that are over, before each epoch.

    Args:
        network: whose quantizer warms up.
    """

    def __init__(self, network: VQVAE) -> None:
        self.quantizer = network.quantizer

    def attach(self, engine: Engine) -> None:
        """Follows a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Passes the number on; Ignite counts the epoch that starts."""
        self.quantizer.set_epoch(engine.state.epoch - 1)
