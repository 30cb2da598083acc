import pytest
import torch
from monai.transforms import ResizeWithPadOrCrop

from monai_vq.transforms import FitImageSized
from monai_vq.transforms.fit_image import fit_image


@pytest.mark.parametrize("size", [(4, 4), (5, 8), (9, 3), (6, 7), (12, 5)])
@pytest.mark.parametrize("shape", [(6, 7), (5, 5), (9, 4), (3, 10)])
def test_pixels_are_those_of_monai(shape, size):
    image = torch.rand(2, *shape)
    assert torch.equal(fit_image(image, size), ResizeWithPadOrCrop(size)(image).as_tensor())


def test_image_and_mask_are_fitted_as_plain_tensors_and_the_rest_is_kept():
    item = {"image": torch.rand(1, 6, 7), "mask": torch.ones(1, 6, 7), "scan_id": "a"}
    fitted = FitImageSized([8, 4])(item)
    assert type(fitted["image"]) is torch.Tensor
    assert fitted["image"].shape == fitted["mask"].shape == (1, 8, 4)
    assert fitted["mask"].sum() == 6 * 4
    assert fitted["scan_id"] == "a"
    assert item["image"].shape == (1, 6, 7)
