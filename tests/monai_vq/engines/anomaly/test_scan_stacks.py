import numpy as np
import pytest
import torch

from monai_vq.data import slice_items
from monai_vq.data.condition_rows import condition_rows
from monai_vq.engines.anomaly.scan_stacks import scan_stacks
from monai_vq.engines.latents.extraction import slice_loader
from monai_vq.engines.latents.stage1 import read_stage1
from monai_vq.engines.priors.load import PriorRun, load_prior


@pytest.fixture(scope="module")
def prior_run(tiny_prior) -> PriorRun:
    return load_prior(tiny_prior)


@pytest.mark.parametrize("split", ["train", "test"])
def test_slices_are_those_that_the_prior_learned_from(prior_run, tiny_stage1, tiny_dataset, split):
    stacks = list(scan_stacks(prior_run, tiny_dataset, split))
    loaded = torch.cat([batch["image"] for batch in slice_loader(read_stage1(tiny_stage1), tiny_dataset, split, 4)])
    assert torch.equal(torch.cat([stack.images for stack in stacks]), loaded)
    assert [s.record.scan_id for s in stacks for _ in s.images] == [
        item["scan_id"] for item in slice_items(tiny_dataset, split)
    ]
    positions = [row["slice_position"] for row in condition_rows(tiny_dataset, split)]
    assert np.concatenate([stack.slice_positions for stack in stacks]).tolist() == positions
    expected = prior_run.fields.encode([{"slice_position": position} for position in positions])
    torch.testing.assert_close(torch.cat([stack.condition for stack in stacks]), expected)


def test_distances_are_those_of_the_volume(prior_run, tiny_dataset):
    (stack,) = scan_stacks(prior_run, tiny_dataset, "test")
    assert stack.spacing == (8.0, 8.0)
    np.testing.assert_allclose(stack.positions_mm, np.array(stack.record.slice_indices) * 8.0)
    assert stack.own_size == (24, 20)
    assert stack.foreground.shape == (4, 32, 32)
    assert 0.05 < stack.foreground.mean() < 0.5


def test_of_many_scans_some_are_read_evenly(prior_run, tiny_dataset):
    every = [stack.record.scan_id for stack in scan_stacks(prior_run, tiny_dataset, "train")]
    assert [stack.record.scan_id for stack in scan_stacks(prior_run, tiny_dataset, "train", 2)] == every[::2]
    assert [stack.record.scan_id for stack in scan_stacks(prior_run, tiny_dataset, "train", 9)] == every
