import numpy as np
import pytest

from monai_vq.data import foreground_mask

SPACING = (4.0, 4.0, 5.0)
GRID = np.moveaxis(np.indices((40, 48, 36)), 0, -1)
RADIUS = np.linalg.norm((GRID - (18, 25, 17)) / (14, 18, 13), axis=-1)  # 1 at the skin


@pytest.fixture
def head() -> np.ndarray:
    """A head in millimetres of 4 x 4 x 5: bright scalp, dark skull, brain, a ventricle, in noisy air."""
    rng = np.random.default_rng(0)
    volume = np.abs(rng.normal(0, 12, RADIUS.shape))
    volume[RADIUS < 1] = 700
    volume[(RADIUS < 0.9) & (RADIUS > 0.82)] = 25
    volume[RADIUS < 0.25] = 150
    return (volume + rng.normal(0, 10, RADIUS.shape)).astype(np.float32)


def test_mask_is_the_head_with_its_dark_skull_and_ventricles(head):
    mask, truth = foreground_mask(head, SPACING), RADIUS < 1
    assert (mask & truth).sum() / (mask | truth).sum() > 0.93
    assert mask[RADIUS < 0.95].all()


def test_skull_stripped_brain_in_exact_zeros(head):
    head[RADIUS > 0.82] = 0
    mask, truth = foreground_mask(head, SPACING), RADIUS <= 0.82
    assert (mask & truth).sum() / (mask | truth).sum() > 0.9


def test_a_bright_object_beside_the_head_is_no_foreground(head):
    head[1:4, 1:4, 1:4] = 2000
    mask = foreground_mask(head, SPACING)
    assert not mask[:5, :5, :5].any()
    assert mask[RADIUS < 0.9].all()


@pytest.mark.parametrize("axes", [(2, 0, 1), (1, 0, 2)])
def test_mask_turns_with_the_volume(head, axes):
    turned = foreground_mask(head.transpose(axes)[::-1], tuple(SPACING[axis] for axis in axes))
    np.testing.assert_array_equal(turned, foreground_mask(head, SPACING).transpose(axes)[::-1])


@pytest.mark.parametrize(("scale", "shift"), [(0.001, 0), (3.5, 0), (1, -1000)])
def test_mask_does_not_depend_on_the_unit_of_intensities(head, scale, shift):
    changed = foreground_mask(head * np.float32(scale) + np.float32(shift), SPACING)
    assert (changed != foreground_mask(head, SPACING)).mean() < 1e-3
