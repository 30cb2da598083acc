import pytest
import torch
import torch.nn.functional as F

from monai_vq.data import slice_items
from monai_vq.engines import load_run, read_stage1
from monai_vq.engines.latents.extraction import extract_latents, rounding_scores, slice_loader
from monai_vq.transforms import FitImageSized, LoadSliced


@pytest.fixture(scope="module")
def stage1(tiny_stage1):
    return read_stage1(tiny_stage1)


def test_latents_are_those_of_the_slices_in_their_order(stage1, tiny_stage1, tiny_dataset):
    codes, side = extract_latents(stage1, slice_loader(stage1, str(tiny_dataset), "train", batch_size=3), "cpu")
    network = load_run(tiny_stage1)
    assert (codes.shape, side.shape) == ((16, 8, 8), (16, 1, 8, 8))
    for index, item in enumerate(slice_items(tiny_dataset, "train")):
        x = FitImageSized([32, 32])(LoadSliced()(dict(item)))["image"][None]
        with torch.no_grad():
            expected_codes, expected_side = network.encode_latent(x)
        assert torch.equal(codes[index], expected_codes[0])
        assert torch.allclose(side[index], expected_side[0], atol=1e-5)


def test_extraction_changes_nothing_of_stage_1(stage1, tiny_dataset):
    before = {name: value.clone() for name, value in stage1.network.state_dict().items()}
    extract_latents(stage1, slice_loader(stage1, str(tiny_dataset), "val", 4), "cpu")
    after = stage1.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not stage1.network.training


class Means:
    """Stores the mean of each 4 x 4 pixels as side and decodes it to them."""

    def encode_latent(self, x):
        side = F.avg_pool2d(x, 4)
        return torch.zeros_like(side[:, 0], dtype=torch.int64), side

    def decode_latent(self, codes, side):
        return F.interpolate(side, scale_factor=4)


def test_rounding_costs_nothing_where_nothing_is_rounded_and_more_the_coarser_it_is(stage1, tiny_dataset):
    loader = slice_loader(stage1, str(tiny_dataset), "val", 4)
    errors = []
    for step in (0.0, 0.1, 1.0):
        rounding = (lambda codes, side, s=step: (side / s).round() * s) if step else (lambda codes, side: side)
        table = rounding_scores(Means(), loader, rounding, "cpu").set_index("gains")
        errors.append(abs(table["mse"]["rounded"] - table["mse"]["as they are"]))
    assert errors[0] == 0
    assert errors[0] < errors[1] < errors[2]
