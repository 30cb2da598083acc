"""A gated PixelCNN over a grid of latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.priors.backbone import Backbone, Stepper, check_grid
from monai_vq.priors.gated_layer import GatedLayer
from monai_vq.priors.pixelcnn_cache import PixelCNNStepper


class GatedPixelCNN(Backbone):
    """Hidden states from a stack that sees all rows above and one that sees the row to the left: no blind spot.

    It takes grids of any shape. The first layer's kernels reach first_kernel_size // 2 positions, the others'
    kernel_size // 2, so a hidden state sees 3 + (num_layers − 1) rows up with the defaults.

    Args:
        dim: channels of embedded, condition, hidden and both stacks.
        num_layers: at least 1.
        kernel_size: odd, at least 3.
        first_kernel_size: of the first layer, odd, at least 3.
        grid_size: (h, w) of the only grid that it is to take, which gives each row and column an embedding of its own;
            None for a network that knows no place but by its distance to the border.

    Raises:
        ValueError: if an argument is outside what is stated here.

    Example:
        >>> import torch
        >>> network = GatedPixelCNN(dim=8, num_layers=3)
        >>> tuple(network(torch.randn(2, 4, 6, 8)).shape)
        (2, 4, 6, 8)
    """

    def __init__(
        self,
        dim: int,
        num_layers: int = 15,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        grid_size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        sizes = (kernel_size, first_kernel_size)
        if dim < 1 or num_layers < 1 or min(sizes) < 3 or any(size % 2 == 0 for size in sizes):
            raise ValueError(
                f"dim {dim} and num_layers {num_layers} must be at least 1, kernel_size {kernel_size} and "
                f"first_kernel_size {first_kernel_size} odd and at least 3."
            )
        self.dim, self.grid_size = dim, None if grid_size is None else (int(grid_size[0]), int(grid_size[1]))
        # The input is shifted by a position, so the first layer's kernels, too, end at a position they may see.
        self.layers = nn.ModuleList([GatedLayer(dim, first_kernel_size // 2, first_kernel_size)])
        self.layers.extend(GatedLayer(dim, kernel_size // 2 + 1, kernel_size) for _ in range(num_layers - 1))
        self.norm = nn.LayerNorm(dim)
        if self.grid_size is not None:
            self.position = nn.ParameterList(nn.Parameter(0.02 * torch.randn(n, dim)) for n in self.grid_size)

    def order(self, h: int, w: int) -> list[int]:
        """Returns the positions row by row.

        Raises:
            ValueError: if the network was made for another grid.
        """
        check_grid(self.grid_size, h, w)
        return list(range(h * w))

    def forward(self, embedded: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns hidden states [B, h, w, dim] of embedded latents [B, h, w, dim] and condition [B, dim].

        Raises:
            ValueError: if the network was made for another grid.
        """
        check_grid(self.grid_size, *embedded.shape[1:3])
        positions = self._positions()
        x = embedded if positions is None else embedded + positions.to(embedded.dtype)
        x = x.permute(0, 3, 1, 2)  # channels last in memory
        v, h = F.pad(x, (0, 0, 1, -1)), F.pad(x, (1, -1))
        for layer in self.layers:
            v, h = layer(v, h, condition)
        return self.norm(h.permute(0, 2, 3, 1))

    def start(self, batch: int, h: int, w: int, condition: Tensor | None = None) -> Stepper:
        """Returns a walk row by row with cached activations (Ramachandran et al. 2017).

        Raises:
            ValueError: if the network was made for another grid.
        """
        check_grid(self.grid_size, h, w)
        layers = [layer for layer in self.layers if isinstance(layer, GatedLayer)]
        return PixelCNNStepper(layers, self.norm, self._positions(), batch, (h, w), condition)

    def _positions(self) -> Tensor | None:
        """What is added to the embedded latents, [h, w, dim]."""
        if self.grid_size is None:
            return None
        rows, columns = self.position
        return rows[:, None] + columns
