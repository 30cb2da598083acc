import os
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_vq.data import dequantize
from monai_vq.transforms import LoadSliced, ResampleSliced


@pytest.fixture
def item(tmp_path: Path) -> dict:
    """The middle of three 10 x 8 slices of 2 x 3 mm pixels."""
    rng = np.random.default_rng(0)
    slices = rng.integers(0, 65536, (3, 10, 8), dtype=np.uint16)
    slices[1, 0, :2] = 0, 65535
    np.save(tmp_path / "a.npy", slices)
    np.save(tmp_path / "a_mask.npy", rng.random((3, 10, 8)) > 0.5)
    paths = {"image": str(tmp_path / "a.npy"), "mask": str(tmp_path / "a_mask.npy")}
    return paths | {"index": 1, "slice_spacing": (2.0, 3.0), "scan_id": "a"}


def test_reads_one_slice_as_float32_in_the_unit_range(item):
    loaded = LoadSliced()(item)
    stored = np.load(item["image"])[1]
    assert loaded["image"].shape == loaded["mask"].shape == (1, 10, 8)
    assert loaded["image"].dtype == loaded["mask"].dtype == torch.float32
    np.testing.assert_allclose(loaded["image"][0], stored / 65535.0, rtol=1e-6)
    np.testing.assert_allclose(loaded["image"][0], dequantize(stored, 0.0, 1.0), rtol=1e-6)
    assert loaded["image"].flatten()[:2].tolist() == [0.0, 1.0]
    assert np.array_equal(loaded["mask"][0] == 1, np.load(item["mask"])[1])
    assert set(loaded["mask"].unique().tolist()) == {0.0, 1.0}


def test_leaves_the_item_and_the_file_as_they_are(item):
    before, stored = dict(item), np.load(item["image"])
    loaded = LoadSliced()(item)
    loaded["image"] += 1
    assert item == before
    assert loaded["scan_id"] == "a"
    assert np.array_equal(np.load(item["image"]), stored)


def test_reads_a_dataset_that_was_prepared_again(item):
    first = LoadSliced()(item)["image"]
    path = Path(item["image"])
    again = path.with_suffix(".part.npy")
    np.save(again, 65535 - np.load(path))
    os.utime(again, ns=(1, path.stat().st_mtime_ns + 1))
    again.replace(path)  # as data_prep does
    torch.testing.assert_close(LoadSliced()(item)["image"], 1 - first)


def test_reads_colour_slices_channels_first(item, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 10, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "colour.npy", pixels)
    image = LoadSliced()(item | {"image": str(tmp_path / "colour.npy")})["image"]
    assert image.shape == (3, 10, 8)
    np.testing.assert_allclose(image.permute(1, 2, 0), pixels[1] / 255.0, rtol=1e-6)


def test_reads_grey_slices_of_eight_bits(item, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 10, 8), dtype=np.uint8)
    pixels[1, 0, :2] = 0, 255
    np.save(tmp_path / "grey.npy", pixels)
    image = LoadSliced()(item | {"image": str(tmp_path / "grey.npy")})["image"]
    assert image.shape == (1, 10, 8)
    assert image.flatten()[:2].tolist() == [0.0, 1.0]
    np.testing.assert_allclose(image[0], pixels[1] / 255.0, rtol=1e-6)


def test_a_missing_key_is_an_error_unless_allowed(item):
    del item["mask"]
    with pytest.raises(KeyError, match="mask"):
        LoadSliced()(item)
    assert LoadSliced(allow_missing_keys=True)(item)["image"].shape == (1, 10, 8)


@pytest.mark.parametrize("spacing", [None, (2.0, 3.0), [2, 3]])
def test_does_not_resample_slices_of_that_spacing(item, spacing):
    loaded = LoadSliced()(item)
    resampled = ResampleSliced(spacing)(loaded)
    assert resampled["image"] is loaded["image"]
    assert resampled["mask"] is loaded["mask"]


def test_resamples_in_the_plane_and_keeps_the_field_of_view(item):
    rows = torch.arange(10.0)[:, None].expand(10, 8) * 2 + 1  # centre of each row in mm
    image, mask = (rows / 20)[None], (rows > 10).float()[None]
    resampled = ResampleSliced((1.0, 6.0))(item | {"image": image, "mask": mask})
    assert resampled["image"].shape == resampled["mask"].shape == (1, 20, 4)
    centres = (torch.arange(20.0) + 0.5) / 20
    inner = slice(1, -1)  # the outermost half pixels have no neighbour to interpolate with
    torch.testing.assert_close(resampled["image"][0, inner, 0], centres[inner])
    assert torch.equal(resampled["mask"][0, :, 0], (centres > 0.5).float())


def test_shrinking_averages_instead_of_picking():
    stripes = torch.tensor([0.0, 1.0, 1.0, 0.0]).repeat(16)[None, :, None].expand(1, 64, 64)
    item = {"image": stripes, "mask": torch.ones(1, 64, 64), "slice_spacing": (1.0, 1.0)}
    coarse = ResampleSliced((4.0, 4.0))(item)["image"]
    assert coarse.shape == (1, 16, 16)
    assert (coarse[:, 1:-1] - 0.5).abs().max() < 0.05


def test_a_shrunken_mask_is_that_of_the_pixels_at_the_new_centres():
    middles = (torch.arange(12) % 3 == 1).float()[None, :, None].expand(1, 12, 12)
    item = {"image": middles, "mask": middles, "slice_spacing": (1.0, 1.0)}
    assert torch.equal(ResampleSliced((3.0, 1.0))(item)["mask"], torch.ones(1, 4, 12))


def test_resampled_values_stay_in_range():
    item = {"image": torch.rand(1, 12, 12).round(), "mask": torch.rand(1, 12, 12).round(), "slice_spacing": (1.0, 1.0)}
    resampled = ResampleSliced((0.7, 1.9))(item)
    assert 0 <= resampled["image"].min() <= resampled["image"].max() <= 1
    assert set(resampled["mask"].unique().tolist()) <= {0.0, 1.0}
