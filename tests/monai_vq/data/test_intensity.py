import numpy as np
import pytest

from monai_vq.data import VolumeError, dequantize, foreground_window, quantize


def test_dequantize_undoes_quantize_to_half_a_step_and_clips_outside():
    array = np.random.default_rng(0).uniform(-50, 900, 10_000).astype(np.float32)
    restored = dequantize(quantize(array, 20.0, 800.0), 20.0, 800.0)
    np.testing.assert_allclose(restored, np.clip(array, 20, 800), atol=(800 - 20) / 65535 / 2 + 1e-4)


def test_quantize_maps_the_window_s_ends_to_0_and_65535():
    np.testing.assert_array_equal(
        quantize(np.array([-1e9, 20, 410, 800, 1e9], np.float32), 20, 800)[[0, 1, 3, 4]], [0, 0, 65535, 65535]
    )


def test_window_ignores_the_air_and_a_few_extreme_voxels():
    array = np.random.default_rng(0).uniform(100, 1000, 20_000).astype(np.float32)
    mask = np.ones(20_000, bool)
    mask[10_000:] = False
    array[10_000:] = 0
    window = foreground_window(array, mask, (0.5, 99.5))
    array[:20], array[20:40] = 1e6, -1e6
    np.testing.assert_allclose(foreground_window(array, mask, (0.5, 99.5)), window, atol=5)
    np.testing.assert_allclose(window, (104.5, 995.5), atol=5)


def test_a_window_without_width_is_refused():
    with pytest.raises(VolumeError, match=r"percentiles 0\.5 and 99\.5 are both 7"):
        foreground_window(np.full(10, 7, np.float32), np.ones(10, bool), (0.5, 99.5))
