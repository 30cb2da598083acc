"""The random state at the start of a run."""

from __future__ import annotations

import os

import torch
from monai.utils import set_determinism


def seed_everything(seed: int, deterministic: bool) -> None:
    """Seeds Python, NumPy and torch; ``deterministic`` also allows deterministic algorithms only, which cost time."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS raises without it
    set_determinism(seed=seed, use_deterministic_algorithms=deterministic)
    if not deterministic:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True
