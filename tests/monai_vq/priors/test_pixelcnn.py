import itertools

import pytest
import torch
from torch import nn

from monai_vq.priors import GatedPixelCNN, LatentAlphabet, Prior

DIM = 4
GRIDS = [(5, 5), (3, 6), (6, 3), (1, 5), (5, 1), (1, 1)]


def make_network(num_layers: int = 4, dtype: torch.dtype = torch.float64, **options) -> GatedPixelCNN:
    torch.manual_seed(0)
    return GatedPixelCNN(DIM, num_layers, **options).to(dtype)


def positions_seen(network: GatedPixelCNN, h: int, w: int) -> torch.Tensor:
    """Which positions [h·w] of the input each hidden state [h·w] has a gradient from."""
    embedded = torch.randn(1, h, w, DIM, dtype=torch.float64, requires_grad=True)
    hidden = network(embedded, torch.randn(1, DIM, dtype=torch.float64)).view(h * w, DIM)
    weights = torch.randn(DIM, dtype=torch.float64)  # the sum of a layer norm's outputs has no gradient
    gradients = [torch.autograd.grad((one * weights).sum(), embedded, retain_graph=True)[0] for one in hidden]
    return torch.stack(gradients).abs().sum(dim=-1).view(h * w, h * w) > 0


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("options", [{}, {"kernel_size": 5, "first_kernel_size": 3}], ids=["default", "other-kernels"])
def test_a_position_sees_every_one_before_it_and_none_else(grid, options):
    """With six layers everything is within reach: a position that is not seen would be a blind spot."""
    seen = positions_seen(make_network(6, **options), *grid)
    assert torch.equal(seen, torch.ones_like(seen).tril(-1))


def test_the_field_of_view_grows_by_a_position_a_layer():
    h, w, at = 9, 15, (7, 7)
    for num_layers in (1, 2, 3):
        seen = positions_seen(make_network(num_layers), h, w)[at[0] * w + at[1]].view(h, w)
        reach = 3 + num_layers - 1
        assert seen[at[0], at[1] - reach : at[1]].all()
        assert not seen[at[0], : at[1] - reach].any()
        assert seen[at[0] - reach : at[0], at[1]].all()
        assert not seen[: at[0] - reach].any()


def test_the_condition_reaches_every_position_and_both_stacks():
    network, embedded = make_network(), torch.randn(2, 3, 4, DIM, dtype=torch.float64)
    first, second = (network(embedded, torch.randn(2, DIM, dtype=torch.float64)) for _ in range(2))
    assert (first != second).any(dim=-1).all()
    for layer in network.layers:
        for_stacks = layer.condition(torch.ones(1, DIM, dtype=torch.float64)).view(2, -1)
        assert for_stacks.any(dim=1).all()


def test_without_condition_is_with_a_condition_of_zeros():
    network, embedded = make_network(), torch.randn(2, 3, 4, DIM, dtype=torch.float64)
    torch.testing.assert_close(network(embedded), network(embedded, torch.zeros(2, DIM, dtype=torch.float64)))


def test_an_inner_position_knows_no_place_unless_the_grid_is_given():
    """The same surroundings give the same hidden states, elsewhere and on a larger grid."""
    network = make_network(2)
    patch = torch.randn(1, 5, 9, DIM, dtype=torch.float64)
    large = torch.zeros(1, 12, 20, DIM, dtype=torch.float64)
    large[:, 6:11, 8:17] = patch
    large[:, :5, 2:11] = patch
    hidden = network(large)
    torch.testing.assert_close(hidden[:, 10, 12], hidden[:, 4, 6])  # sees 4 rows up and 4 columns to each side

    placed = make_network(2, grid_size=(12, 20))
    assert not torch.allclose(placed(large)[:, 10, 12], placed(large)[:, 4, 6])


def test_every_parameter_learns():
    network = make_network(dtype=torch.float32, grid_size=(4, 5))
    nn.functional.mse_loss(
        network(torch.randn(2, 4, 5, DIM), torch.randn(2, DIM)), torch.randn(2, 4, 5, DIM)
    ).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_order_is_row_by_row():
    assert make_network().order(2, 3) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "take",
    [lambda n: n(torch.zeros(1, 4, 3, DIM)), lambda n: n.order(4, 3), lambda n: n.start(1, 4, 3)],
    ids=["forward", "order", "start"],
)
def test_another_grid_is_refused_by_name(take):
    with pytest.raises(ValueError, match=r"4 x 3.*3 x 4"):
        take(make_network(dtype=torch.float32, grid_size=(3, 4)))


@pytest.mark.parametrize(
    "options", [{"num_layers": 0}, {"kernel_size": 4}, {"first_kernel_size": 1}, {"kernel_size": 1}], ids=str
)
def test_bad_sizes_are_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name} {value}"):
        GatedPixelCNN(DIM, **options)


@pytest.mark.parametrize("grid", [(2, 2), (1, 4), (4, 1)])
@torch.no_grad()
def test_probabilities_of_all_latents_under_its_prior_sum_to_one(grid):
    K = 3
    prior = Prior(LatentAlphabet(K, num_gains=1, gain_bits=1), make_network(2, torch.float32)).eval()
    for parameter in prior.parameters():
        nn.init.normal_(parameter, std=0.5)  # its heads start at zero, where all latents are alike
    symbols = torch.tensor(list(itertools.product(range(2 * K), repeat=4))).view(-1, *grid)
    codes, indices = symbols // 2, (symbols % 2).unsqueeze(1)
    log_prob = prior.log_prob(codes, prior.alphabet.decode(codes, indices))
    assert log_prob.std() > 1
    assert log_prob.double().exp2().sum().item() == pytest.approx(1, abs=1e-5)
