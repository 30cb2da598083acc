import pytest
import torch

from monai_vq.metrics.degraded import blurred, shuffled_patches


@pytest.fixture
def images():
    return torch.rand(6, 3, 18, 12, generator=torch.Generator().manual_seed(0))


def test_a_blur_keeps_the_mean_of_what_is_inside_and_takes_detail_away(images):
    framed = torch.zeros(6, 3, 128, 96)
    framed[..., 40:58, 40:52] = images
    result = blurred(framed)
    assert torch.allclose(result.mean((2, 3)), framed.mean((2, 3)), atol=1e-4)
    assert result.diff(dim=-1).square().sum() < 0.1 * framed.diff(dim=-1).square().sum()


def test_patches_are_moved_whole_and_differently_in_each_image(images):
    result = shuffled_patches(images, torch.Generator().manual_seed(1))
    assert torch.equal(result[..., 16:, :], torch.zeros(6, 3, 2, 12))  # 4 does not divide 18

    def patches(batch):
        return batch[..., :16, :].unfold(2, 4, 4).unfold(3, 3, 3).permute(0, 2, 3, 1, 4, 5).reshape(6, 16, -1)

    before, after = patches(images), patches(result)
    origin = (after[:, :, None] == before[:, None]).all(dim=-1).int().argmax(dim=-1)  # [6, 16]
    assert torch.equal(after, before.gather(1, origin[..., None].expand_as(before)))
    assert torch.equal(origin.sort(dim=1).values, torch.arange(16).expand(6, 16))
    assert len({tuple(order) for order in origin.tolist()}) == 6


def test_the_generator_decides_the_order(images):
    first, second = (shuffled_patches(images, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)
