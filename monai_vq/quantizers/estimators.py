"""What stands for the gradient of a choice: the value is z_q to the bit, the gradient goes to z_e."""

import torch
import torch.nn.functional as F
from torch import Tensor

ESTIMATORS = ("straight_through", "rotation")


def estimate(z_e: Tensor, z_q: Tensor, estimator: str) -> Tensor:
    """Passes z_q forward, and its gradient back to z_e as the estimator has it; shapes as in `straight_through`."""
    return rotation(z_e, z_q) if estimator == "rotation" else straight_through(z_e, z_q)


def straight_through(z_e: Tensor, z_q: Tensor) -> Tensor:
    """Passes z_q forward and its gradient back to z_e (van den Oord et al. 2017, sec. 3.2).

    Args:
        z_e: encoder output, [B, D, *spatial].
        z_q: its quantised value, same shape; receives no gradient here.

    Returns:
        A tensor equal to z_q to the bit, with the identity as gradient with respect to z_e.
    """
    return z_q.detach() + (z_e - z_e.detach())  # not z_e + (z_q - z_e).detach(): rounding would change z_q


def rotation(z_e: Tensor, z_q: Tensor, floor: float = 1e-6) -> Tensor:
    """Passes z_q forward and its gradient back through the rotation and scaling that take z_e to z_q.

    With ê and q̂ the directions of z_e and z_q over the channels at a position, z_q = λ·R·z_e with λ = ‖z_q‖/‖z_e‖,
    R = I − 2rrᵀ + 2q̂êᵀ and r = (ê + q̂)/‖ê + q̂‖; λ and R count as constants (Fifty et al. 2024, eq. 4). So the angle
    between gradient and z_q becomes that between the gradient that arrives and z_e. A position where z_e or z_q is 0
    is straight through.

    Args:
        z_e: encoder output, [B, D, *spatial].
        z_q: its quantised value, same shape; receives no gradient here.
        floor: a vector of this length or less counts as 0.

    Returns:
        A tensor equal to z_q to the bit, with λ·R as gradient with respect to z_e.
    """
    length_e, length_q = _length(z_e.detach()), _length(z_q.detach())
    e, q = z_e.detach() / length_e.clamp_min(floor), z_q.detach() / length_q.clamp_min(floor)
    r = F.normalize(e + q, dim=1)  # 0 where q = −e: what is left is the reflection that takes one to the other
    rotated = z_e - 2 * r * (r * z_e).sum(dim=1, keepdim=True) + 2 * q * (e * z_e).sum(dim=1, keepdim=True)
    has_direction = (length_e > floor) & (length_q > floor)
    moved = torch.where(has_direction, length_q / length_e.clamp_min(floor) * rotated, z_e)
    return z_q.detach() + (moved - moved.detach())


def _length(z: Tensor) -> Tensor:
    return torch.linalg.vector_norm(z, dim=1, keepdim=True)
