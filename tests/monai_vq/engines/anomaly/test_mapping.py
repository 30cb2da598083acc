import numpy as np
import pytest

from monai_vq.anomaly.lesions import TESTING
from monai_vq.engines.anomaly.mapping import plant
from monai_vq.engines.anomaly.scan_stacks import ScanStack, scan_stacks
from monai_vq.engines.priors.load import load_prior
from monai_vq.errors import InputError


@pytest.fixture(scope="module")
def stack(tiny_prior, tiny_dataset) -> ScanStack:
    return next(scan_stacks(load_prior(tiny_prior), tiny_dataset, "test"))


def test_without_a_set_the_scan_stays_as_it_is(stack):
    planted = plant(stack, None, seed=0)
    np.testing.assert_array_equal(planted.images, stack.images[:, 0].numpy())
    assert not planted.mask.any()


def test_lesions_are_of_the_scan_and_the_seed(stack, monkeypatch):
    monkeypatch.setattr("monai_vq.anomaly.lesions.SURFACE_MM", 0.0)
    monkeypatch.setattr("monai_vq.anomaly.lesions.APART", 0.5)
    one, same, other = (plant(stack, TESTING, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.images, same.images)
    assert one.lesions == same.lesions != other.lesions
    changed = one.images != stack.images[:, 0].numpy()
    assert changed[one.mask].any()
    assert not changed[~stack.foreground].any()


def test_too_small_a_head_has_no_site(stack, monkeypatch):
    monkeypatch.setattr("monai_vq.anomaly.lesions.SURFACE_MM", 1e3)
    with pytest.raises(InputError, match=f"scan {stack.record.scan_id} has no site"):
        plant(stack, TESTING, seed=0)
