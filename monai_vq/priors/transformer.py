"""A causal transformer over a grid of latents, with a key-value cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from monai.utils.ordering import Ordering
from torch import Tensor, nn

from monai_vq.priors.backbone import Backbone, Stepper, check_grid


class CausalAttention(nn.Module):
    """Multi-head self-attention on the past, as MONAI's ``SABlock``, whose weights it holds, but with a cache.

    MONAI's keeps a mask of T x T floats a layer, in the checkpoint too, and cannot take one position at a time.
    Attention weights are not dropped: PyTorch's fused attention would fall back to one that makes all T x T of them, at
    five times the cost of a whole training step on a CPU.

    Args:
        dim: a multiple of num_heads.
        num_heads: number of heads.
        dropout: of the output.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, T, dim] of x [B, T, dim]; position t sees positions up to t."""
        q, k, v = self._heads(x)
        return self._out(F.scaled_dot_product_attention(q, k, v, is_causal=True))

    def step(self, x: Tensor, keys: Tensor, values: Tensor, t: int) -> Tensor:
        """Returns [B, 1, dim] of the position t alone, x [B, 1, dim]; writes its key and value into the cache.

        Args:
            x: the position.
            keys: [B, heads, T, dim / heads], filled before t.
            values: same shape.
            t: index of the position.
        """
        q, k, v = self._heads(x)
        keys[:, :, t : t + 1], values[:, :, t : t + 1] = k, v
        return self._out(F.scaled_dot_product_attention(q, keys[:, :, : t + 1], values[:, :, : t + 1]))

    def _heads(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)  # [B, heads, T, d]

    def _out(self, x: Tensor) -> Tensor:
        return F.dropout(self.out_proj(x.transpose(1, 2).flatten(2)), self.dropout, self.training)


class CausalBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)): MONAI's ``TransformerBlock`` (Dosovitskiy et al. 2021)."""

    def __init__(self, dim: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = CausalAttention(dim, num_heads, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns [B, T, dim] of x [B, T, dim]."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def step(self, x: Tensor, keys: Tensor, values: Tensor, t: int) -> Tensor:
        """Returns [B, 1, dim] of the position t alone; see `CausalAttention.step`."""
        x = x + self.attn.step(self.norm1(x), keys, values, t)
        return x + self.mlp(self.norm2(x))


class GridPositions(nn.Module):
    """An embedding of the row and one of the column."""

    def __init__(self, h: int, w: int, dim: int) -> None:
        super().__init__()
        self.rows, self.columns = nn.Embedding(h, dim), nn.Embedding(w, dim)

    def forward(self, sequence: Tensor) -> Tensor:
        """Returns where each place of the sequence is predicted, [T, dim], of its positions on the grid [T]."""
        return (self.rows.weight[:, None] + self.columns.weight).flatten(0, 1)[sequence]


class SequencePositions(nn.Module):
    """An embedding of the place in the sequence, as MONAI's ``AbsolutePositionalEmbedding``."""

    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.places = nn.Embedding(length, dim)

    def forward(self, sequence: Tensor) -> Tensor:
        """Returns the embedding of each place of the sequence, [T, dim], wherever it lies on the grid."""
        return self.places.weight


class CausalTransformer(Backbone):
    """A decoder-only transformer over the positions of a grid, in raster order or any other of MONAI's ``Ordering``.

    ::

        begin, latent 1, … latent T−1   +  position  +  condition  ──► blocks ──► hidden 1 … T

    The state from which position t is predicted enters as the latent of the position before it, with the place of t
    added, by row and column, and the condition. Attention is PyTorch's fused one: memory grows with T, not T².

    Args:
        dim: of the hidden state, a multiple of num_heads.
        num_layers: blocks.
        num_heads: heads of a block's attention.
        grid_size: (h, w), rows and columns of the latent grid; other grids are refused.
        ordering: of the sequence; None is raster order.
        positions: ``grid`` adds an embedding of row and one of column, ``sequence`` one for each place in the sequence,
            as MONAI's ``DecoderOnlyTransformer`` has it.
        dropout: of embeddings, and of what attention and perceptrons add.

    Raises:
        ValueError: if an argument is outside what is stated here.
    """

    def __init__(
        self,
        dim: int,
        num_layers: int,
        num_heads: int,
        grid_size: Sequence[int],
        ordering: Ordering | None = None,
        positions: str = "grid",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"dim {dim} must be a multiple of num_heads {num_heads}.")
        if positions not in ("grid", "sequence"):
            raise ValueError(f"positions {positions!r}: expected 'grid' or 'sequence'.")
        h, w = grid_size
        self.dim, self.grid_size = dim, (h, w)
        ordering = ordering or Ordering("raster_scan", spatial_dims=2, dimensions=(1, h, w))
        sequence = torch.as_tensor(ordering.get_sequence_ordering().copy())
        if sorted(sequence.tolist()) != list(range(h * w)):
            raise ValueError(f"the ordering has {len(sequence)} places, the grid {h} x {w} has {h * w}.")
        self.register_buffer("sequence", sequence)
        self.register_buffer("places", sequence.argsort())  # of each position in the sequence
        self.begin = nn.Parameter(torch.randn(dim) * 0.02)
        self.position = GridPositions(h, w, dim) if positions == "grid" else SequencePositions(h * w, dim)
        self.dropout = nn.Dropout(dropout)
        self.num_heads = num_heads
        self.blocks = nn.ModuleList(CausalBlock(dim, num_heads, dropout) for _ in range(num_layers))
        self.norm = nn.LayerNorm(dim)

    sequence: Tensor
    places: Tensor

    def order(self, h: int, w: int) -> list[int]:
        """Returns the positions in the order of the sequence.

        Raises:
            ValueError: if the grid is not the transformer's.
        """
        check_grid(self.grid_size, h, w)
        return self.sequence.tolist()

    def forward(self, embedded: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns hidden states [B, h, w, dim] of embedded latents [B, h, w, dim] and condition [B, dim].

        Raises:
            ValueError: if the grid is not the transformer's.
        """
        batch, h, w, _ = embedded.shape
        check_grid(self.grid_size, h, w)
        latents = embedded.flatten(1, 2)[:, self.sequence[:-1]]  # the last one predicts nothing
        x = torch.cat([self.begin.to(latents.dtype).expand(batch, 1, -1), latents], dim=1) + self.position(
            self.sequence
        )
        if condition is not None:
            x = x + condition[:, None]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, self.places].unflatten(1, (h, w))

    def start(self, batch: int, h: int, w: int, condition: Tensor | None = None) -> Stepper:
        """Returns a walk with a key-value cache of num_layers · 2 · B · T · dim numbers.

        Raises:
            ValueError: if the grid is not the transformer's.
        """
        check_grid(self.grid_size, h, w)
        return _TransformerStepper(self, batch, condition)


class _TransformerStepper(Stepper):
    def __init__(self, transformer: CausalTransformer, batch: int, condition: Tensor | None) -> None:
        self.transformer, self.t = transformer, 0
        positions = transformer.position(transformer.sequence)
        self.added = positions[:, None] if condition is None else positions[:, None] + condition  # [T, 1 or B, dim]
        layers, heads = len(transformer.blocks), transformer.num_heads
        self.cache = positions.new_empty(layers, 2, batch, heads, len(positions), transformer.dim // heads)
        self.begin = transformer.begin.expand(batch, -1)

    @torch.no_grad()
    def next(self, embedded: Tensor | None) -> Tensor:
        x = ((self.begin if embedded is None else embedded) + self.added[self.t])[:, None]
        for block, (keys, values) in zip(self.transformer.blocks, self.cache, strict=True):
            x = cast(CausalBlock, block).step(x, keys, values, self.t)
        self.t += 1
        return self.transformer.norm(x)[:, 0]
