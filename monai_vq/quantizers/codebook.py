"""K codewords: how one is chosen for a position, and how they learn. Composed into every quantizer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_vq.quantizers.ranks import broadcast_from_first_rank, sum_over_ranks

UPDATES = ("ema", "gradient")
CHOICES = ("nearest", "direction")
NORM_FLOOR = 1e-12  # squared codeword norms below it count as zero; float32 keeps 1e-38, data have about 1
SCORES_AT_ONCE = 2**24  # scores held at a time while choosing: 64 MiB of float32, whatever N and K
SCORES_IN_CACHE = 2**18  # 1 MiB: with groups the scores are added up, each time anew from memory if they were more


class Codebook(nn.Module):
    """K codewords in D dimensions, with the choice and the learning of the codewords.

    The choice defines a distortion, and the codewords learn to make that same distortion small:

    ========== =============================== ======================================= =======================
    choice     code k of z                     distortion                              EMA update of e_k
    ========== =============================== ======================================= =======================
    nearest    argmin ‖z − e_k‖²               ‖z − e_k‖²                              mean of its z
    direction  argmax ⟨z, e_k⟩² / ‖e_k‖²       ‖z − P(z, e_k)‖², distance to a line    Σ⟨z, e_k⟩z, see below
    ========== =============================== ======================================= =======================

    With ``num_groups`` G the channels are cut into G groups of D/G neighbours, each with a line of its own: what stands
    for ``direction`` in the table then stands for each group, and the distortion is their sum.

    ``nearest`` with ``update="ema"`` is van den Oord et al. 2017, appendix A.1; ``direction`` is the shape codebook of
    gain-shape vector quantisation (Sabin and Gray 1984), its update one power iteration towards the cluster's first
    principal direction. A line has no length of its own; the EMA update gives a codeword that of its cluster, the root
    of the mean ⟨z, u⟩² along its unit vector u, and points it to where most of the cluster lies. So the gains
    ⟨z, e_k⟩/‖e_k‖² are about 1 for every code, and few levels serve them all.

    Codewords start as vectors of the first training batch. A code that is hardly used any more is moved to a vector of
    the batch, drawn with probability proportional to its distortion, together with its EMA state.

    Everything that learns is a buffer or a parameter, hence in the checkpoint; nothing changes in eval mode.

    Args:
        num_embeddings: K.
        embedding_dim: D.
        update: ``ema`` (moving averages, no gradient) or ``gradient`` (a parameter, moved by the codebook loss).
        choice: ``nearest`` or ``direction``.
        num_groups: G, groups of channels with a line each; divides D.
        decay: of the moving averages, in [0, 1).
        epsilon: Laplace smoothing of the cluster sizes.
        revival_threshold: a code whose moving average of use falls below this fraction of the uniform share is
            revived; 0 turns revival off.

    Raises:
        ValueError: if an argument is outside what is stated here.
    """

    embedding: Tensor
    cluster_size: Tensor
    ema_w: Tensor
    ema_along: Tensor
    initialized: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        update: str = "ema",
        choice: str = "nearest",
        decay: float = 0.99,
        epsilon: float = 1e-5,
        revival_threshold: float = 0.03,
        num_groups: int = 1,
    ) -> None:
        super().__init__()
        if update not in UPDATES or choice not in CHOICES:
            raise ValueError(f"update {update!r} and choice {choice!r}: expected one of {UPDATES} and of {CHOICES}.")
        if num_embeddings < 1 or embedding_dim < 1:
            raise ValueError(f"num_embeddings {num_embeddings} and embedding_dim {embedding_dim} must be at least 1.")
        if not (0 <= decay < 1 and epsilon > 0 and 0 <= revival_threshold < 1):
            raise ValueError(
                f"decay {decay} and revival_threshold {revival_threshold} must lie in [0, 1), epsilon {epsilon} > 0."
            )
        if num_groups < 1 or embedding_dim % num_groups:
            raise ValueError(f"num_groups {num_groups} must divide embedding_dim {embedding_dim}.")
        self.num_embeddings, self.embedding_dim, self.num_groups = num_embeddings, embedding_dim, num_groups
        self.update, self.choice = update, choice
        self.decay, self.epsilon, self.revival_threshold = decay, epsilon, revival_threshold
        scores = SCORES_AT_ONCE if num_groups == 1 else SCORES_IN_CACHE
        self._rows_at_once = max(1, scores // num_embeddings)
        embedding = torch.randn(num_embeddings, embedding_dim)
        if update == "gradient":
            self.embedding = nn.Parameter(embedding)
        else:
            self.register_buffer("embedding", embedding)
            self.register_buffer("ema_w", embedding.clone())
            if choice == "direction":
                self.register_buffer("ema_along", torch.zeros(num_embeddings, num_groups, 1))
        # Ones, not zeros: an unused code divided by a cluster size near 0 would jump to a norm of 1e5.
        self.register_buffer("cluster_size", torch.ones(num_embeddings))
        self.register_buffer("initialized", torch.zeros((), dtype=torch.bool))

    def choose(self, z: Tensor) -> Tensor:
        """Chooses a code for each vector; no gradient, nothing learns.

        Args:
            z: [N, D], float32.

        Returns:
            Codes, [N], int64.
        """
        z, e = z.detach(), self.embedding.detach()
        return torch.cat([self._best(part, e) for part in parts(z, self._rows_at_once)])

    def nearest_lines(self, z: Tensor, count: int) -> Tensor:
        """Returns the ``count`` codes of least distortion by direction, the nearest first, [N, count], of z [N, D]."""
        z, e = z.detach(), self._unit(self.embedding.detach())
        count = min(count, self.num_embeddings)
        return torch.cat([self._alignment(part, e).topk(count, dim=1)[1] for part in parts(z, self._rows_at_once)])

    def _best(self, z: Tensor, e: Tensor) -> Tensor:
        if self.choice == "direction":
            return self._alignment(z, self._unit(e)).argmax(dim=1)
        return torch.addmm(e.square().sum(dim=1), z, e.T, alpha=-2).argmin(dim=1)  # ‖z‖² is the same for every k

    def _alignment(self, z: Tensor, e: Tensor) -> Tensor:
        """What of ‖z‖² lies along the lines through codewords e of unit groups, or its root for one group, [N, K]."""
        if self.num_groups == 1:
            return (z @ e.T).abs_()
        scores = torch.zeros(z.shape[0], e.shape[0], dtype=z.dtype, device=z.device)
        width = z.shape[1] // self.num_groups
        for start in range(0, z.shape[1], width):
            along = z[:, start : start + width] @ e[:, start : start + width].T
            scores.addcmul_(along, along)
        return scores

    def _unit(self, e: Tensor) -> Tensor:
        """Brings each group of channels of e [N, D] to length 1; 0 stays 0."""
        return F.normalize(self._groups(e), dim=2).flatten(1)

    def _groups(self, e: Tensor) -> Tensor:
        return e.unflatten(1, (self.num_groups, -1))

    def lookup(self, codes: Tensor) -> Tensor:
        """Returns the codewords [B, D, *spatial] of codes [B, *spatial]; a ``gradient`` codebook is differentiable."""
        return F.embedding(codes, self.embedding).movedim(-1, 1)

    @torch.jit.unused
    @torch.no_grad()
    def initialize_from(self, z: Tensor) -> None:
        """Takes the codewords from the first training batch, once; z is [N, D]."""
        if bool(self.initialized):
            return
        self._place(torch.ones_like(self.cluster_size, dtype=torch.bool), z, torch.ones_like(z[:, 0]))
        self.initialized.fill_(True)

    @torch.jit.unused
    @torch.no_grad()
    def learn(self, z: Tensor, codes: Tensor) -> None:
        """Moves the averages (and with ``update="ema"`` the codewords) towards a training batch, then revives.

        Call it after the codewords of this batch have been read: z_q must come from the codebook before the update.

        Args:
            z: vectors of the batch on this rank, [N, D], float32.
            codes: their codes, [N].
        """
        z = z.detach()
        counts = sum_over_ranks(torch.bincount(codes, minlength=self.num_embeddings).to(z.dtype))
        self.cluster_size.lerp_(counts, 1 - self.decay)
        chosen = F.embedding(codes, self.embedding.detach())
        if self.update == "ema":
            self._average(z, codes, chosen)
            self.embedding.copy_(self._centroids())
        if self.revival_threshold > 0:
            dead = self.cluster_size < self.revival_threshold * self.cluster_size.mean()
            self._place(dead, z, self.distortion(z, chosen))

    def _average(self, z: Tensor, codes: Tensor, chosen: Tensor) -> None:
        if self.choice == "direction":
            along = self._groups(z * self._unit(chosen)).sum(dim=2, keepdim=True)  # [N, G, 1]
            self._follow(self.ema_along, codes, along)
            z = (self._groups(z) * along).flatten(1)
        self._follow(self.ema_w, codes, z)
        if self.choice == "direction":
            turn = torch.where(self.ema_along < 0, -1.0, 1.0)
            self.ema_along.mul_(turn)
            self.ema_w.copy_((self._groups(self.ema_w) * turn).flatten(1))

    def _follow(self, average: Tensor, codes: Tensor, values: Tensor) -> None:
        sums = sum_over_ranks(torch.zeros_like(average).index_add_(0, codes, values))
        average.lerp_(sums, 1 - self.decay)

    def distortion(self, z: Tensor, e: Tensor) -> Tensor:
        """The squared error that the choice makes small, [N], of vectors z [N, D] against codewords e [N, D]."""
        if self.choice == "nearest":
            return (z - e).square().sum(dim=1)
        along = self._groups(z * e).sum(dim=2).square() / self._groups(e.square()).sum(dim=2).clamp_min(NORM_FLOOR)
        return (z.square().sum(dim=1) - along.sum(dim=1)).clamp_min(0)

    def _centroids(self) -> Tensor:
        n = self.cluster_size.sum()
        smoothed = (self.cluster_size + self.epsilon) / (n + self.num_embeddings * self.epsilon) * n
        means = self.ema_w / smoothed[:, None]
        if self.choice == "nearest":
            return means
        squares = self._groups(means).norm(dim=2, keepdim=True)  # mean ⟨z, u⟩², as ⟨mean ⟨z, u⟩z, u⟩ is
        return (self._groups(means) / squares.sqrt().clamp_min(NORM_FLOOR)).flatten(1)

    def _place(self, where: Tensor, z: Tensor, weight: Tensor) -> None:
        """Moves the codes ``where`` [K] to vectors of z drawn with probability ~ weight [N], the same on every rank."""
        number = int(where.sum())
        if number == 0:
            return
        weight = weight.nan_to_num(0, posinf=0)  # a loss that is not finite is for the engine to refuse, not for us
        weight = weight.clamp_min(torch.finfo(weight.dtype).tiny)  # all-zero weights draw evenly
        drawn = torch.multinomial(weight, number, replacement=number > len(z))
        vectors = broadcast_from_first_rank(z[drawn])
        share = self.cluster_size.mean()
        self.cluster_size[where] = share
        along = self._groups(vectors).norm(dim=2, keepdim=True)
        if self.choice == "direction" and self.update == "gradient":  # its length only scales the optimiser's steps
            vectors = (self._groups(vectors) / along.clamp_min(NORM_FLOOR)).flatten(1)
        self.embedding.data[where] = vectors
        if self.update == "gradient":
            return
        if self.choice == "direction":
            self.ema_along[where] = along * share
            vectors = (self._groups(vectors) * along).flatten(1)
        self.ema_w[where] = vectors * share


def parts(vectors: Tensor, rows: int) -> list[Tensor]:
    """Cuts vectors [N, D] into parts of at most ``rows``, so that what is computed of each stays small.

    An exported program gets one part: their number would be a part of it, and with it the batch size.
    """
    if not torch.jit.is_scripting():  # noqa: SIM102 - TorchScript compiles both sides of an `and`
        if torch.compiler.is_exporting():
            return [vectors]
    return list(vectors.split(rows))
