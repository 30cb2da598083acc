from collections.abc import Callable

import pytest
import torch

from monai_vq.quantizers import Codebook, IdentityQuantizer, ProjectedQuantizer, Quantizer, VectorQuantizer

K, D = 16, 6


def _projected(estimator: str, choice: str, update: str) -> Callable[[], Quantizer]:
    return lambda: ProjectedQuantizer(
        Codebook(K, D, update, choice), commitment_cost=0.3, projection_cost=0.2, estimator=estimator
    )


VARIANTS: dict[str, Callable[[], Quantizer]] = {
    "vector-ema": lambda: VectorQuantizer(Codebook(K, D)),
    "vector-gradient": lambda: VectorQuantizer(Codebook(K, D, update="gradient")),
    "identity": lambda: IdentityQuantizer(D),
} | {
    f"projected-{estimator}-{choice}-{update}": _projected(estimator, choice, update)
    for estimator in ("straight_through", "published")
    for choice in ("nearest", "direction")
    for update in ("ema", "gradient")
}


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
