"""What a prior's network promises: hidden states that depend on the past only, at once or one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Stepper(ABC):
    """A backbone's cached walk through a grid, in the order of sampling."""

    @abstractmethod
    def next(self, embedded: Tensor | None) -> Tensor:
        """Returns the hidden state of the next position, [B, dim], without gradient.

        Args:
            embedded: the latent of the position before, [B, dim]; None at the first.
        """


class Backbone(nn.Module, ABC):
    """A causal network on grids: hidden at a position depends on the embedded latents before it in the order only.

    Attributes:
        dim: of embedded, condition and hidden.
    """

    dim: int

    @abstractmethod
    def forward(self, embedded: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns hidden states [B, h, w, dim] of all positions at once.

        Args:
            embedded: [B, h, w, dim].
            condition: [B, dim].
        """

    @abstractmethod
    def order(self, h: int, w: int) -> list[int]:
        """Returns the positions of a grid, row·w + column, in the order of the factorisation."""

    @abstractmethod
    def start(self, batch: int, h: int, w: int, condition: Tensor | None = None) -> Stepper:
        """Returns a walk through a grid whose hidden states equal ``forward``'s, each at the cost of one position."""


def check_grid(made_for: tuple[int, int] | None, h: int, w: int) -> None:
    """Refuses a grid that a prior was not made for; None stands for any.

    Raises:
        ValueError: naming both grids.
    """
    if made_for is not None and (h, w) != made_for:
        raise ValueError(
            f"a latent grid of {h} x {w}; this prior was made for {made_for[0]} x {made_for[1]}: "
            "take latents of the image size that it was trained at."
        )
