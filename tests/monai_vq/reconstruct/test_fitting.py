import numpy as np
import pytest
import torch

from monai_vq.data.slicing import SlicingSettings, slice_volume
from monai_vq.reconstruct.fitting import SliceFit
from monai_vq.transforms import FitImageSized, LoadSliced, ResampleSliced


@pytest.mark.parametrize("spacing", [None, (6.0, 5.0)])
def test_images_are_those_of_training(cut_head, tmp_path, spacing):
    volume, cut = cut_head
    assert cut.slice_indices == slice_volume(volume, SlicingSettings("axial", (0.25, 0.75))).slice_indices
    np.save(tmp_path / "slices.npy", cut.slices)
    np.save(tmp_path / "mask.npy", cut.mask)
    fit = SliceFit(cut.slices.shape[1:], (8.0, 8.0), (32, 40), spacing)
    x, mask = fit.images(cut.slices, cut.mask)
    for index in range(len(cut.slices)):
        item = {"image": str(tmp_path / "slices.npy"), "mask": str(tmp_path / "mask.npy"), "index": index}
        item["slice_spacing"] = (8.0, 8.0)
        for transform in (LoadSliced(), ResampleSliced(spacing), FitImageSized((32, 40))):
            item = transform(item)
        assert torch.equal(x[index], item["image"])
        assert torch.equal(mask[index], item["mask"] > 0)


@pytest.mark.parametrize("own_size", [(24, 20), (33, 47), (32, 32), (31, 33), (20, 50)])
def test_without_resampling_every_covered_pixel_returns_to_the_bit(own_size):
    slices = np.random.default_rng(0).integers(0, 65536, (2, *own_size)).astype(np.uint16)
    fit = SliceFit(own_size, (1.0, 1.0), (32, 32), None)
    x, _ = fit.images(slices, np.ones(slices.shape, bool))
    rows, columns = fit.covered
    back = np.rint(fit.slices(x).double().numpy() * 65535)
    assert (rows.sum(), columns.sum()) == (min(32, own_size[0]), min(32, own_size[1]))
    np.testing.assert_array_equal(back, slices * (rows[:, None] & columns))


@pytest.mark.parametrize("spacing", [(0.7, 0.7), (1.5, 1.2)])
def test_a_smooth_image_returns_to_its_place_through_another_pixel_size(spacing):
    rows, columns = np.meshgrid(np.arange(40), np.arange(50), indexing="ij")
    ramp = ((rows / 80 + columns / 100) * 65535).astype(np.uint16)[None]
    fit = SliceFit((40, 50), (1.0, 1.0), (80, 80), spacing)
    x, _ = fit.images(ramp, np.ones(ramp.shape, bool))
    back = fit.slices(x).numpy()[0] * 65535
    np.testing.assert_allclose(back[3:-3, 3:-3], ramp[0, 3:-3, 3:-3], atol=0.005 * 65535)
    assert fit.covered[0].all()
    assert fit.covered[1].all()
