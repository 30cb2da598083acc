import torch
from torch import nn

from monai_vq.engines import place, prepare_batch


def test_images_are_input_and_target_in_channels_last():
    images = torch.rand(2, 3, 4, 5)
    x, target = prepare_batch({"image": images, "mask": None}, torch.device("cpu"))
    assert x is target
    assert torch.equal(x, images)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_placed_network_keeps_its_values():
    network = nn.Conv2d(3, 4, 3)
    before = network.weight.detach().clone()
    assert place(network, "cpu") is network
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.weight, before)


def test_volumes_and_their_networks_are_in_the_layout_of_three_axes():
    network = place(nn.Sequential(nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4)), "cpu")
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    x, _ = prepare_batch({"image": torch.rand(1, 2, 4, 5, 6)}, "cpu")
    assert x.is_contiguous(memory_format=torch.channels_last_3d)
    assert network(x).shape == (1, 4, 2, 3, 4)


def test_an_optimiser_made_before_still_trains_the_placed_network():
    network = nn.Conv2d(1, 1, 2)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = place(network, "cpu").weight.detach().clone()
    network(torch.ones(1, 1, 2, 2)).sum().backward()
    optimizer.step()
    assert torch.equal(network.weight, before - 1)
