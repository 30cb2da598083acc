import pytest
import torch
import torch.nn.functional as F

from monai_vq.priors.gated_layer import GatedLayer, gate

DIM = 3


def make_layer(rows: int, columns: int) -> GatedLayer:
    torch.manual_seed(0)
    return GatedLayer(DIM, rows, columns).double()


def masked(weight: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """The kernel that ends at its own position, in the middle of one with zeros below and to the right."""
    return F.pad(weight, (0, columns - 1, 0, rows - 1))


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (3, 7), (3, 5)])
def test_equals_the_papers_layer_of_masked_convolutions(rows, columns):
    layer = make_layer(rows, columns)
    v, h, condition = (torch.randn(2, DIM, *grid, dtype=torch.float64) for grid in ((4, 6), (4, 6), ()))
    y_v = F.conv2d(v, masked(layer.vertical.weight, rows, 1), layer.vertical.bias, padding=(rows - 1, columns // 2))
    y_h = F.conv2d(h, masked(layer.horizontal.weight, 1, rows), layer.horizontal.bias, padding=(0, rows - 1))
    for_v, for_h = (condition @ layer.condition.weight.T)[..., None, None].chunk(2, dim=1)
    y_h = y_h + for_h + F.conv2d(y_v + for_v, layer.link.weight)
    expected = v + gate(y_v + for_v), h + F.conv2d(gate(y_h), layer.out.weight)
    for got, wanted in zip(layer(v, h, condition), expected, strict=True):
        torch.testing.assert_close(got, wanted)


def test_the_vertical_stack_does_not_see_the_horizontal_one():
    layer, v = make_layer(2, 3), torch.randn(1, DIM, 4, 5, dtype=torch.float64)
    first, second = (layer(v, torch.randn_like(v), None) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert (first[1] != second[1]).any()


def test_gate_is_tanh_of_the_first_half_times_the_sigmoid_of_the_second():
    y = torch.tensor([[0.5, -2.0, 0.0, 3.0]])
    expected = torch.tensor([[0.5, -2.0]]).tanh() / (1 + torch.tensor([[0.0, -3.0]]).exp())
    torch.testing.assert_close(gate(y), expected)
