"""How much of the codebook an epoch uses."""

from __future__ import annotations

from ignite.engine import Engine, Events

from monai_vq.metrics import CodebookUsage


class CodebookUse:
    """Logs each epoch's codebook use as metrics ``usage`` (fraction of codes) and ``perplexity``.

    Args:
        num_embeddings: K.
    """

    def __init__(self, num_embeddings: int) -> None:
        self.metric = CodebookUsage(num_embeddings, lambda output: output["pred"].codes)

    def attach(self, engine: Engine) -> None:
        """Follows a trainer or an evaluator."""
        self.metric.attach(engine, "codebook")
        engine.add_event_handler(Events.TERMINATE, self.metric.completed, "codebook")  # the epoch that is cut short
