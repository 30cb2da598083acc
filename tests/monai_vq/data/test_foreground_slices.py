import io

import numpy as np
import pytest
from PIL import Image

from monai_vq.data.foreground_slices import slices_mask

SHAPE = (12, 96, 80)
GRID = np.moveaxis(np.indices(SHAPE), 0, -1)
RADIUS = np.linalg.norm((GRID - (6, 50, 38)) / (9, 36, 28), axis=-1)  # 1 at the edge of the brain
TRUTH = RADIUS < 1


@pytest.fixture
def brain() -> np.ndarray:
    """A brain without skull in exact black: cortex, white matter, dark ventricles."""
    rng = np.random.default_rng(0)
    volume = np.where(TRUTH, 110 + 40 * (RADIUS < 0.8), 0) + rng.normal(0, 8, SHAPE) * TRUTH
    volume[RADIUS < 0.2] = 3
    return volume.clip(0, 255).astype(np.uint8)


def through_jpeg(slices: np.ndarray, quality: int) -> np.ndarray:
    def compress(picture: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return np.stack([compress(picture) for picture in slices])


def overlap(mask: np.ndarray, truth: np.ndarray = TRUTH) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_mask_is_the_brain_with_its_dark_ventricles(brain):
    mask = slices_mask(brain)
    assert overlap(mask) > 0.99
    assert mask[RADIUS < 0.2].all()


@pytest.mark.parametrize("quality", [75, 90])
@pytest.mark.parametrize("brightness", [1.0, 0.25, 0.12])
def test_compression_and_dark_scans_change_little(brain, quality, brightness):
    dark = (brain * brightness).astype(np.uint8)
    assert overlap(slices_mask(through_jpeg(dark, quality))) > 0.95


def test_specks_in_the_black_are_no_foreground_and_large_parts_are(brain):
    brain[3, 4:7, 4:7] = 200
    brain[5:9, 2:12, 60:75] = 90  # such as a temporal pole, apart from the brain in these slices
    mask = slices_mask(brain)
    assert not mask[3, :10, :10].any()
    assert mask[6, 5:9, 63:72].all()


def test_only_what_is_closed_within_a_slice_is_filled():
    ring = np.zeros((3, 30, 30), np.uint8)
    ring[:, 5:25, 5:25] = 150
    ring[:, 10:20, 10:20] = 0
    ring[1, 10:20, 20:] = 0  # open to the edge in the middle slice alone
    mask = slices_mask(ring)
    assert mask[[0, 2], 5:25, 5:25].all()
    assert not mask[1, 10:20, 10:].any()


def test_slices_without_brain_have_an_empty_mask(brain):
    brain[0] = 0
    occupied = slices_mask(brain).any(axis=(1, 2))
    assert not occupied[0]
    assert occupied[1:].all()
    assert not slices_mask(np.zeros(SHAPE, np.uint8)).any()


def test_one_slice_alone_is_masked_too(brain):
    assert overlap(slices_mask(brain[6:7]), TRUTH[6:7]) > 0.99


def test_mask_turns_with_the_pictures(brain):
    np.testing.assert_array_equal(slices_mask(brain[:, ::-1, ::-1]), slices_mask(brain)[:, ::-1, ::-1])
