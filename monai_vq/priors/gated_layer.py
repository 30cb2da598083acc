"""The layer of a gated PixelCNN: a vertical stack that feeds a horizontal one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class GatedLayer(nn.Module):
    """One layer of both stacks (van den Oord et al. 2016, "Conditional image generation with PixelCNN decoders").

    ::

        v ──► rows × columns ──► y_v ──► tanh · sigmoid ──► + v ──► v
                                  └─ 1 × 1 ─┐
        h ──► 1 × rows ────────────────────►+──► tanh · sigmoid ──► 1 × 1 ──► + h ──► h

    Both convolutions end at their own position: the vertical one sees the row of v and rows above it, the horizontal
    one the column of h and columns left of it. What a mask would set to 0 is not computed.

    Args:
        dim: channels of both stacks.
        rows: of the vertical kernel, and columns of the horizontal one.
        columns: of the vertical kernel, odd.
    """

    def __init__(self, dim: int, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.margin = rows, columns // 2
        self.vertical = nn.Conv2d(dim, 2 * dim, (rows, columns))
        self.horizontal = nn.Conv2d(dim, 2 * dim, (1, rows))
        self.link = nn.Conv2d(2 * dim, 2 * dim, 1, bias=False)
        self.out = nn.Conv2d(dim, dim, 1, bias=False)
        self.condition = nn.Linear(dim, 4 * dim, bias=False)

    def forward(self, v: Tensor, h: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns both stacks, [B, dim, h, w] each, of both stacks and condition [B, dim]."""
        y_v = self.vertical(F.pad(v, (self.margin, self.margin, self.rows - 1, 0)))
        y_h = self.horizontal(F.pad(h, (self.rows - 1, 0)))
        if condition is not None:
            for_v, for_h = self.condition(condition)[..., None, None].chunk(2, dim=1)
            y_v, y_h = y_v + for_v, y_h + for_h
        return v + gate(y_v), h + self.out(gate(y_h + self.link(y_v)))


def gate(y: Tensor) -> Tensor:
    """Returns tanh(a) · σ(b) of y = (a, b), halves of the channels (eq. 2)."""
    a, b = y.chunk(2, dim=1)
    return a.tanh() * b.sigmoid()
