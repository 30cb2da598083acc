"""A gated PixelCNN one position at a time.

Of each layer is kept what later positions read: the last rows of the vertical stack and the present row of the
horizontal one. So the vertical stack runs once a row, and the horizontal one once a position (Ramachandran et al. 2017,
"Fast generation for convolutional autoregressive models").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.priors.backbone import Stepper
from monai_vq.priors.gated_layer import GatedLayer, gate


class VerticalRows:
    """The vertical stacks of all layers, row by row.

    Args:
        layers: of the network.
        batch: B.
        width: w of the grid.
        condition: [B, dim].
    """

    def __init__(self, layers: Sequence[GatedLayer], batch: int, width: int, condition: Tensor | None) -> None:
        self.layers, self.width = layers, width
        weight = layers[0].out.weight
        self.dim = len(weight)
        self.kept = [weight.new_zeros(batch, x.rows, width + 2 * x.margin, self.dim) for x in layers]  # channels last
        given = weight.new_zeros(1, self.dim) if condition is None else condition
        self.biases = [layer.condition(given).chunk(2, dim=1) for layer in layers]  # [B or 1, 2 * dim] a stack

    def next(self, above: Tensor) -> Tensor:
        """Returns what each layer's horizontal stack adds in the next row, [w, layers, B, 2 * dim].

        Args:
            above: the embedded row before, [B, w, dim]; zeros for the first.
        """
        features = []
        for layer, kept, (for_v, for_h) in zip(self.layers, self.kept, self.biases, strict=True):
            kept[:, :-1] = kept[:, 1:].clone()
            kept[:, -1, layer.margin : layer.margin + self.width] = above
            y = layer.vertical(kept.permute(0, 3, 1, 2)) + for_v[:, :, None, None]  # [B, 2 * dim, 1, w]
            features.append(layer.link(y)[:, :, 0].permute(2, 0, 1) + for_h + layer.horizontal.bias)
            above = above + gate(y)[:, :, 0].permute(0, 2, 1)
        return torch.stack(features, dim=1)


class PixelCNNStepper(Stepper):
    """A walk row by row; matrices multiply from the right here: y [B, 2 * dim] = h [B, dim] @ W [dim, 2 * dim].

    Args:
        layers: of the network.
        norm: what makes hidden states of the last layer's.
        positions: what is added to the embedded latents, [h, w, dim].
        batch: B.
        grid: (h, w).
        condition: [B, dim].
    """

    @torch.no_grad()
    def __init__(
        self,
        layers: Sequence[GatedLayer],
        norm: nn.Module,
        positions: Tensor | None,
        batch: int,
        grid: tuple[int, int],
        condition: Tensor | None,
    ) -> None:
        self.norm, self.grid, self.t = norm, grid, 0
        self.positions = None if positions is None else positions.flatten(0, 1)
        self.vertical = VerticalRows(layers, batch, grid[1], condition)
        first, *others = layers
        dim, new = self.vertical.dim, first.out.weight.new_zeros
        self.row = new(batch, grid[1], dim)  # as it is embedded
        # A layer's inputs of this row, right of as many zeros as its kernel reaches; the last are the outputs.
        self.first_reach, self.reach = first.rows - 1, others[0].rows - 1 if others else 0
        self.first_inputs = new(batch, self.first_reach + grid[1], dim)
        self.inputs = new(self.reach + grid[1], len(layers), batch, dim)
        self.first_kernel = _kernel(first).flatten(0, 1)
        kernels = torch.stack([_kernel(layer) for layer in others], dim=1) if others else new(1, 0, dim, 2 * dim)
        self.past_kernels, self.own_kernels = kernels[:-1].contiguous(), kernels[-1].contiguous().unbind()
        self.out = [layer.out.weight[:, :, 0, 0].T.contiguous() for layer in layers]

    @torch.no_grad()
    def next(self, embedded: Tensor | None) -> Tensor:
        """Returns the hidden state of the next position, [B, dim].

        Args:
            embedded: the latent of the position before, [B, dim]; None at the first.
        """
        column = self.t % self.grid[1]
        if embedded is not None:
            self._keep(embedded, column)
        if column == 0:
            self.features = self.vertical.next(self.row)
        self.t += 1
        return self.norm(self._horizontal(column))

    def _keep(self, embedded: Tensor, column: int) -> None:
        if self.positions is not None:
            embedded = embedded + self.positions[self.t - 1]
        self.row[:, column - 1] = embedded  # column -1 is the last of the row before
        if column > 0:
            self.first_inputs[:, self.first_reach + column] = embedded

    def _horizontal(self, column: int) -> Tensor:
        """Returns the horizontal stack's output at a column of the row, [B, dim]."""
        y = self.features[column]  # [layers, B, 2 * dim]
        for shift, kernels in enumerate(self.past_kernels):
            y[1:].baddbmm_(self.inputs[column + shift, :-1], kernels)
        outputs = self.inputs[column + self.reach].unbind()
        y_of = y.unbind()
        seen = self.first_inputs[:, column : column + self.first_reach + 1]
        y_of[0].addmm_(seen.flatten(1), self.first_kernel)
        _gated(y_of[0], seen[:, -1], self.out[0], outputs[0])
        for i, kernel in enumerate(self.own_kernels):
            y_of[i + 1].addmm_(outputs[i], kernel)
            _gated(y_of[i + 1], outputs[i], self.out[i + 1], outputs[i + 1])
        return outputs[-1]


def _kernel(layer: GatedLayer) -> Tensor:
    """Returns the horizontal kernel, [columns, dim, 2 * dim], the position's own column last."""
    return layer.horizontal.weight[:, :, 0].permute(2, 1, 0)


def _gated(y: Tensor, h: Tensor, out: Tensor, result: Tensor) -> None:
    """Writes h + gate(y) @ out into ``result``; y is used up."""
    y[:, : h.shape[1]].tanh_()
    torch.addmm(h, F.glu(y, dim=1), out, out=result)
