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
