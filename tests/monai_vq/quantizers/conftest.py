from collections.abc import Callable

import pytest
import torch

from monai_vq.quantizers import (
    Codebook,
    FrequencyQuantizer,
    HybridQuantizer,
    IdentityQuantizer,
    ProjectedQuantizer,
    Quantizer,
    VectorQuantizer,
    WidthProjectedQuantizer,
)

K, D = 16, 6


def _vector(estimator: str, update: str) -> Callable[[], Quantizer]:
    return lambda: VectorQuantizer(Codebook(K, D, update), estimator=estimator)


def _projected(estimator: str, choice: str, update: str) -> Callable[[], Quantizer]:
    return lambda: ProjectedQuantizer(
        Codebook(K, D, update, choice), commitment_cost=0.3, projection_cost=0.2, estimator=estimator
    )


def _gains(num_gains: int, gain_bits: int | None, choice: str) -> Callable[[], Quantizer]:
    return lambda: ProjectedQuantizer(Codebook(K, D, choice=choice, num_groups=num_gains), gain_bits=gain_bits)


def _hybrid(estimator: str, choice: str, gain_bits: int | None) -> Callable[[], Quantizer]:
    update = "gradient" if gain_bits is None else "ema"
    return lambda: HybridQuantizer(Codebook(K, D, update, choice), K // 2, 0, 0.3, 0.2, estimator, gain_bits)


def _frequency(estimator: str, update: str) -> Callable[[], Quantizer]:
    return lambda: FrequencyQuantizer(Codebook(K, D, update), K // 2, 0, estimator=estimator)


VARIANTS: dict[str, Callable[[], Quantizer]] = (
    {f"vector-{e}-{u}": _vector(e, u) for e in VectorQuantizer.ESTIMATORS for u in ("ema", "gradient")}
    | {
        f"projected-{estimator}-{choice}-{update}": _projected(estimator, choice, update)
        for estimator in ProjectedQuantizer.ESTIMATORS
        for choice in ("nearest", "direction")
        for update in ("ema", "gradient")
    }
    | {
        f"projected-{gains}-gains-{bits}-bits-{choice}": _gains(gains, bits, choice)
        for gains, bits in ((1, 3), (3, None), (6, 2))
        for choice in ("nearest", "direction")
    }
    | {
        f"hybrid-{estimator}-{choice}-{bits}-bits": _hybrid(estimator, choice, bits)
        for estimator in HybridQuantizer.ESTIMATORS
        for choice in ("nearest", "direction")
        for bits in (None, 3)
    }
    | {f"frequency-{e}-{u}": _frequency(e, u) for e in FrequencyQuantizer.ESTIMATORS for u in ("ema", "gradient")}
    | {"width": lambda: WidthProjectedQuantizer(Codebook(K, D, "gradient")), "identity": lambda: IdentityQuantizer(D)}
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=VARIANTS)
def quantizer(request: pytest.FixtureRequest) -> Quantizer:
    """Every variant, with K = 16 and D = 6, whose codebook has taken its codewords from data and learned once."""
    made = VARIANTS[request.param]()
    made.train()(torch.randn(4, D, 5, 5))
    return made


@pytest.fixture
def clusters() -> Callable[..., torch.Tensor]:
    """Draws vectors [n, D] around 40 fixed centres."""
    centres = 3 * torch.randn(40, D, generator=torch.Generator().manual_seed(1))

    def draw(n: int) -> torch.Tensor:
        return centres[torch.randint(40, (n,))] + 0.2 * torch.randn(n, D)

    return draw
