import pytest
import torch
from torch import nn

from monai_vq.priors import GatedPixelCNN, LatentAlphabet, Prior

DIM = 4
GRIDS = [(5, 5), (3, 6), (6, 3), (1, 5), (5, 1), (1, 1)]


def make_network(num_layers: int = 4, dtype: torch.dtype = torch.float32, **options) -> GatedPixelCNN:
    torch.manual_seed(0)
    return GatedPixelCNN(DIM, num_layers, **options).to(dtype)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("conditioned", [False, True])
@pytest.mark.parametrize(
    ("num_layers", "options"),
    [(1, {}), (15, {}), (3, {"kernel_size": 5, "first_kernel_size": 3}), (3, {"grid_size": True})],
    ids=["one-layer", "default", "other-kernels", "positions"],
)
def test_the_walk_equals_forward_at_every_step(grid, conditioned, num_layers, options):
    h, w = grid
    options = {**options, "grid_size": grid} if "grid_size" in options else options
    network = make_network(num_layers, **options)
    embedded, condition = torch.randn(2, h, w, DIM), torch.randn(2, DIM) if conditioned else None
    hidden = network(embedded, condition).flatten(1, 2)
    walk, before = network.start(2, h, w, condition), None
    for t in network.order(h, w):
        torch.testing.assert_close(walk.next(before), hidden[:, t], atol=1e-5, rtol=1e-5)
        before = embedded.flatten(1, 2)[:, t]


def test_two_walks_do_not_disturb_each_other_nor_their_results():
    network, latents = make_network(), torch.randn(6, 2, DIM)
    first, second = network.start(2, 2, 3), network.start(2, 2, 3)
    kept, copies = [], []
    for t in range(6):
        kept.append(first.next(None if t == 0 else latents[t]))
        copies.append(kept[-1].clone())
        second.next(None if t == 0 else -latents[t])
    for hidden, copy in zip(kept, copies, strict=True):
        assert torch.equal(hidden, copy)


def test_its_prior_draws_at_each_position_what_forward_makes_of_those_before():
    prior = Prior(LatentAlphabet(7), make_network(grid_size=(4, 5))).eval()
    nn.init.normal_(prior.to_logits.weight)  # it starts at zero
    codes, side = prior.sample((2, 4, 5), top_k=1)
    assert torch.equal(codes, prior.logits(codes, side).argmax(dim=-1))
    assert len(codes.unique()) > 1


def test_the_walk_has_the_type_of_the_parameters():
    network = make_network(dtype=torch.float64)
    assert network.start(1, 2, 2).next(None).dtype == torch.float64


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_walks_on_cuda():
    network = make_network(dtype=torch.float64).cuda()
    embedded = torch.randn(2, 3, 4, DIM, dtype=torch.float64, device="cuda")
    hidden, walk = network(embedded).flatten(1, 2), network.start(2, 3, 4)
    for t in range(12):
        before = None if t == 0 else embedded.flatten(1, 2)[:, t - 1]
        torch.testing.assert_close(walk.next(before), hidden[:, t])
