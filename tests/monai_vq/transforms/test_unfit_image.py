import pytest
import torch

from monai_vq.transforms.fit_image import fit_image
from monai_vq.transforms.unfit_image import unfit_image


@pytest.mark.parametrize("size", [(7, 12), (8, 9), (12, 12), (11, 10)])
def test_padding_is_undone_exactly(size):
    image = torch.rand(3, *size)
    torch.testing.assert_close(unfit_image(fit_image(image, (12, 12)), size), image, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(15, 12), (14, 9), (13, 20)])
def test_what_was_cropped_is_zero_and_the_rest_is_where_it_was(size):
    image = torch.rand(2, *size) + 1
    back = unfit_image(fit_image(image, (12, 12)), size)
    assert back.shape == image.shape
    kept = back > 0
    assert kept.sum() == 2 * min(size[0], 12) * min(size[1], 12)
    assert torch.equal(back[kept], image[kept])
