from collections.abc import Callable

import pytest
import torch

from monai_vq.priors import (
    Categorical,
    CausalTransformer,
    ConditionEmbedding,
    ConditionFields,
    Continuous,
    LatentAlphabet,
    Prior,
)

FIELDS = ConditionFields((Categorical("diagnosis", ("AD", "CN")), Continuous("age", 70.0, 10.0)))


def randomise(module: torch.nn.Module, seed: int = 0, scale: float = 0.7) -> None:
    """Random weights everywhere: heads start at zero, where every property of a likelihood would hold."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale / max(1, parameter.ndim))


def alphabet(kind: str, K: int = 3) -> LatentAlphabet:
    """A small alphabet: codes alone, with one or two gains, with gains of rare codes only, or with vectors."""
    made = {
        "vector": lambda: LatentAlphabet(K),
        "projected": lambda: LatentAlphabet(K, num_gains=1, gain_bits=1),
        "two_gains": lambda: LatentAlphabet(K, num_gains=2, gain_bits=1),
        "hybrid": lambda: LatentAlphabet(K, num_gains=1, gain_bits=1),
        "frequency": lambda: LatentAlphabet(K, vector_size=4),
    }[kind]()
    if kind in ("hybrid", "frequency"):
        made.has_side[0] = False
    if made.gains is not None:
        made.gains.levels.copy_(torch.tensor([-0.5, 1.25]))
    return made


@pytest.fixture
def make_prior() -> Callable[..., Prior]:
    """Makes a prior with random weights: kind of alphabet, grid, K, and whether it has conditions."""

    def make(kind: str, grid_size: tuple[int, int], K: int = 3, conditions: bool = False) -> Prior:
        backbone = CausalTransformer(8, 2, 2, grid_size)
        prior = Prior(alphabet(kind, K), backbone, ConditionEmbedding(FIELDS, 8) if conditions else None)
        randomise(prior)
        return prior.eval()

    return make
