"""The projected latent: a code and one or several gains at each position, the classical gain-shape quantizer."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from monai_vq.quantizers.base import CodebookQuantizer, Quantized
from monai_vq.quantizers.codebook import Codebook, parts
from monai_vq.quantizers.estimators import ESTIMATORS, estimate, straight_through
from monai_vq.quantizers.gains import GainQuantizer, gain, scale

CANDIDATES = 4  # codes that are tried with their rounded gains; twice as many lower the error of brains by 0.2 % more
VALUES_AT_ONCE = 2**23  # of the candidates' codewords: 32 MiB


class ProjectedQuantizer(CodebookQuantizer):
    """z_q = P(z_e, e_k) = g·e_k with the gain g = ⟨z_e, e_k⟩ / ‖e_k‖², per position over the D channels.

    ::

        z_e ──► code k ──► e_k ──┐
          └───► gain g ──────────┴──► g·e_k = z_q         side = g, [B, G, *spatial]

    P is the point nearest to z_e on the line through e_k, so it does not change with the codeword's scale. A codebook
    of G groups cuts the channels into G parts, each projected on its own part of the codeword with its own gain. With
    ``gain_bits`` b a gain is one of 2^b levels that training finds (see `GainQuantizer`), so that a latent is exactly
    K codes and 2^b gains; ``direction`` then chooses the code together with its rounded gain. The loss is

    codebook term + commitment_cost · ‖z_e − sg[q]‖² + projection_cost · ‖P − sg[e_k]‖²   (element means)

    where q is what the codebook's choice takes for near: q = e_k for ``nearest``, as in the projected report, and
    q = z_q for ``direction``, whose distortion is the distance to the line. The codebook term ‖sg[z_e] − q(e_k)‖²
    stands with ``update="gradient"`` only.

    Args:
        codebook: K codewords in D dimensions; its ``num_groups`` is G, the number of gains a position.
        commitment_cost: weight that draws z_e to q; 0 leaves it out.
        projection_cost: weight that draws the projection to its codeword, hence the gain to 1; 0 leaves it out.
        estimator: how the reconstruction's gradient reaches z_e: ``straight_through`` z_q, by ``rotation`` of z_e to
            z_q, or as ``published``: through both arguments of P, the codeword itself straight through.
        gain_bits: b, 1 to 8; None keeps gains as float32.

    Raises:
        ValueError: if an argument is outside what is stated here.

    Example:
        >>> import torch
        >>> quantizer = ProjectedQuantizer(Codebook(num_embeddings=8, embedding_dim=4, choice="direction")).eval()
        >>> z_q, codes, side, loss = quantizer(torch.randn(2, 4, 3, 5))
        >>> tuple(codes.shape), tuple(side.shape), torch.equal(quantizer.embed(codes, side), z_q)
        ((2, 3, 5), (2, 1, 3, 5), True)
    """

    ESTIMATORS: ClassVar[tuple[str, ...]] = (*ESTIMATORS, "published")

    def __init__(
        self,
        codebook: Codebook,
        commitment_cost: float = 0.25,
        projection_cost: float = 0.0,
        estimator: str = "straight_through",
        gain_bits: int | None = None,
    ) -> None:
        super().__init__(codebook, commitment_cost, estimator)
        self.projection_cost, self.gain_bits = projection_cost, gain_bits
        self.side_channels = codebook.num_groups
        self.gains = None if gain_bits is None else GainQuantizer(self.side_channels, gain_bits)
        self._num_candidates = CANDIDATES
        self._rows_at_once = max(1, VALUES_AT_ONCE // (CANDIDATES * self.embedding_dim))

    def _choose(self, vectors: Tensor) -> Tensor:
        if self.gains is None or self.codebook.choice != "direction":
            return self.codebook.choose(vectors)
        return torch.cat([self._choose_rounded(part) for part in parts(vectors.detach(), self._rows_at_once)])

    def _choose_rounded(self, z: Tensor) -> Tensor:
        """Of the nearest lines takes the one whose rounded gain leaves least of z [N, D]: another may round better."""
        candidates = self.codebook.nearest_lines(z, self._num_candidates)  # [N, C]
        e = F.embedding(candidates, self.codebook.embedding.detach()).movedim(1, -1)  # [N, D, C]
        free = self._gain(z.unsqueeze(-1).expand_as(e), e)  # [N, G, C]
        rounding = (free - self._levels_of(free)).square() - free.square()  # of ‖z − ĝe‖² what varies with the code
        errors = (rounding * self._squared_length(e)).sum(dim=1)
        best = errors.masked_fill(~self._may_replace(candidates), float("inf")).argmin(dim=1, keepdim=True)
        return candidates.gather(1, best)[:, 0]

    def _may_replace(self, candidates: Tensor) -> Tensor:
        """Which of the candidates [N, C] may stand for the first, the nearest: here all."""
        return torch.ones_like(candidates, dtype=torch.bool)

    def _levels_of(self, g: Tensor) -> Tensor:
        return g if self.gains is None else self.gains(g)

    def _latent(self, z_e: Tensor, codes: Tensor, e: Tensor, learn: bool) -> Quantized:
        fixed = e.detach()
        free = self._gain(z_e, fixed)
        g = self._hold(self._round(free.detach(), codes, fixed, learn), codes)
        z_q = scale(fixed, g)
        to_line = self.codebook.choice == "direction"
        loss = self._commitment(z_e, z_q if to_line else fixed)
        if self.projection_cost > 0:  # the term costs time even at weight 0
            loss = loss + self.projection_cost * F.mse_loss(scale(fixed, self._hold(free, codes)), fixed)
        if self.codebook.update == "gradient":
            target = z_e.detach()
            loss = loss + F.mse_loss(scale(e, self._hold(self._gain(target, e), codes)) if to_line else e, target)
        return Quantized(self._estimate(z_e, codes, fixed, z_q), codes, g, loss)

    def _estimate(self, z_e: Tensor, codes: Tensor, e: Tensor, z_q: Tensor) -> Tensor:
        if self.estimator != "published":
            return estimate(z_e, z_q, self.estimator)
        q = straight_through(z_e, e)
        return straight_through(scale(q, self._hold(self._gain(z_e, q), codes)), z_q)

    def _gain(self, z_e: Tensor, e: Tensor) -> Tensor:
        return gain(z_e, e, self.side_channels)

    def _hold(self, g: Tensor, codes: Tensor) -> Tensor:
        """Holds the gain at 1 where a variant has none."""
        return g

    def _has_gain(self, codes: Tensor) -> Tensor:
        return torch.ones_like(codes, dtype=torch.bool).unsqueeze(1)

    def _round(self, g: Tensor, codes: Tensor, e: Tensor, learn: bool) -> Tensor:
        if self.gains is None:
            return g
        if learn:
            self.gains.initialize_from(g)
        rounded = self._levels_of(g)
        if learn:  # only now: as with the codewords, z_q comes from the levels that chose the indices
            self.gains.learn(g, self._squared_length(e) * self._has_gain(codes))
        return rounded

    def _squared_length(self, e: Tensor) -> Tensor:
        """What a gain's squared error is worth in z_q, [B, G, *spatial]."""
        return e.square().unflatten(1, (self.side_channels, -1)).sum(dim=2)

    def embed(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns g·e_k, [B, D, *spatial], of codes [B, *spatial] and gains [B, G, *spatial]."""
        return scale(self.codebook.lookup(codes), side)

    @torch.jit.unused
    def stored_gains(self, codes: Tensor, side: Tensor) -> Tensor:
        """Returns the gains that are stored, [N, G], of codes [B, *spatial] and side [B, G, *spatial]."""
        return side.movedim(1, -1)[self._has_gain(codes)[:, 0]]
