import numpy as np
import pytest

from monai_vq.data.dicom.frames import Frame
from monai_vq.data.dicom.stored_scale import choose_scale


def make_frames(*scales):
    return [Frame(None, None, None, slope, intercept, None) for slope, intercept in scales]


def decode(scale, stored):
    return stored.astype(np.float64) * float(scale.slope) + float(scale.intercept)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2.5, -7), (0.013, 4), (-3, 10)])
def test_numbers_of_the_source_come_back_exactly(slope, intercept, signed):
    stored = np.random.default_rng(0).integers(0, 4000, 500)
    intensities = stored * slope + intercept
    scale = choose_scale(intensities, make_frames((slope, intercept)), signed)
    assert float(scale.slope) == abs(slope)
    np.testing.assert_allclose(decode(scale, scale.encode(intensities)), intensities, atol=1e-9)


@pytest.mark.parametrize("spread", [1.0, 1e-6, 3e5, 1e9])
@pytest.mark.parametrize("offset", [0.0, -50.0, 1e6])
def test_other_numbers_come_back_to_half_a_step(spread, offset):
    intensities = (np.random.default_rng(0).random(10_000) - 0.5) * spread + offset
    scale = choose_scale(intensities, make_frames((1, 0)), False)
    error = np.abs(decode(scale, scale.encode(intensities)) - intensities).max()
    assert error <= 0.5 * float(scale.slope) * (1 + 1e-6) + 1e-9 * abs(offset)  # DICOM writes 14 digits, float32 has 7


def test_finest_of_several_steps_is_taken():
    scale = choose_scale(np.array([0.0, 100.0]), make_frames((2, 0), (0.5, 0), (1, 0)), False)
    assert float(scale.slope) == 0.5


@pytest.mark.parametrize(
    ("low", "high", "source_is_signed", "expected"),
    [(0, 1000, False, False), (0, 1000, True, True), (-5, 1000, False, True), (0, 40_000, True, False)],
)
def test_sign_is_the_source_s_where_the_numbers_fit(low, high, source_is_signed, expected):
    scale = choose_scale(np.array([low, high]), make_frames((1, 0)), source_is_signed)
    assert scale.signed is expected
    assert scale.encode(np.array([low, high])).dtype == ("<i2" if expected else "<u2")
    assert scale.is_identity


def test_one_value_beyond_16_bits_is_stored_exactly():
    scale = choose_scale(np.full(5, 1e6), make_frames((1, 0)), False)
    np.testing.assert_array_equal(decode(scale, scale.encode(np.full(5, 1e6))), 1e6)
    assert not scale.is_identity
