import pytest
import torch
from monai.utils.ordering import Ordering

from monai_vq.priors import CausalTransformer


def ordering(kind: str, h: int, w: int) -> Ordering:
    return Ordering(kind, spatial_dims=2, dimensions=(1, h, w))


@pytest.mark.parametrize("positions", ["grid", "sequence"])
@pytest.mark.parametrize("kind", ["raster_scan", "s_curve"])
@pytest.mark.parametrize("grid", [(3, 3), (2, 5), (5, 2), (1, 6), (6, 1)])
def test_hidden_state_depends_on_exactly_the_positions_before(grid, kind, positions):
    transformer = CausalTransformer(8, 2, 2, grid, ordering(kind, *grid), positions).double().eval()
    order = transformer.order(*grid)
    embedded = torch.randn(1, *grid, 8, dtype=torch.float64, requires_grad=True)
    hidden = transformer(embedded).flatten(1, 2)
    for t, position in enumerate(order):
        (gradient,) = torch.autograd.grad(
            hidden[0, position].square().sum(), embedded, retain_graph=True, allow_unused=True
        )
        reached = gradient.abs().sum(-1).flatten() > 0
        assert set(reached.nonzero().flatten().tolist()) == set(order[:t])


@pytest.mark.parametrize("positions", ["grid", "sequence"])
@pytest.mark.parametrize("kind", ["raster_scan", "s_curve"])
def test_cached_walk_equals_the_forward_pass(kind, positions):
    transformer = CausalTransformer(16, 3, 4, (4, 3), ordering(kind, 4, 3), positions, dropout=0.5).eval()
    embedded, condition = torch.randn(2, 4, 3, 16), torch.randn(2, 16)
    for given in (None, condition):
        whole = transformer(embedded, given).flatten(1, 2)
        stepper, before = transformer.start(2, 4, 3, given), None
        for position in transformer.order(4, 3):
            assert torch.allclose(stepper.next(before), whole[:, position], atol=1e-5)
            before = embedded.flatten(1, 2)[:, position]


def test_condition_reaches_the_first_position():
    transformer = CausalTransformer(8, 1, 2, (2, 2)).eval()
    embedded, condition = torch.randn(1, 2, 2, 8), torch.randn(1, 8)
    assert not torch.allclose(transformer(embedded, condition)[0, 0, 0], transformer(embedded)[0, 0, 0])


def test_sequences_of_4096_keep_no_mask():
    """MONAI's block stores 4,096 x 4,096 floats a layer; here what is stored does not grow with the square."""
    transformer = CausalTransformer(8, 1, 2, (64, 64))
    assert sum(tensor.numel() for tensor in transformer.state_dict().values()) < 20_000
    hidden = transformer(torch.randn(1, 64, 64, 8))
    assert hidden.shape == (1, 64, 64, 8)
    assert hidden.isfinite().all()


def test_arguments_that_cannot_be():
    with pytest.raises(ValueError, match="multiple of num_heads 3"):
        CausalTransformer(8, 1, 3, (2, 2))
    with pytest.raises(ValueError, match="positions 'circle'"):
        CausalTransformer(8, 1, 2, (2, 2), positions="circle")
    with pytest.raises(ValueError, match="6 places, the grid 2 x 2 has 4"):
        CausalTransformer(8, 1, 2, (2, 2), ordering("raster_scan", 2, 3))
    with pytest.raises(ValueError, match="3 x 2; this prior was made for 2 x 2"):
        CausalTransformer(8, 1, 2, (2, 2)).start(1, 3, 2)
