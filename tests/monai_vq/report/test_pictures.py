import numpy as np
import pandas as pd
import pytest

from monai_vq.report.pictures import PatientPicture, choose_patients, choose_slice


@pytest.mark.parametrize(
    ("ssim", "expected"),
    [
        ([0.9, 0.7, 0.8], {"best": "a", "median": "c", "worst": "b"}),
        ([0.9, 0.7, 0.8, 0.85], {"best": "a", "median": "c", "worst": "b"}),  # of two in the middle the lower
        ([0.9, 0.9, 0.9], {"best": "c", "median": "b", "worst": "a"}),
        ([0.9, np.nan, 0.8], {"best": "a", "worst": "c"}),  # nobody is shown twice
        ([0.9], {"only": "a"}),
        ([np.nan], {}),
    ],
)
def test_ranks_patients_by_ssim(ssim, expected):
    patients = pd.DataFrame({"split": "test", "patient_id": list("abcd")[: len(ssim)], "ssim": ssim})
    chosen = choose_patients(patients, "test")
    assert list(chosen.items()) == list(expected.items())
    assert choose_patients(patients.iloc[::-1], "test") == chosen
    assert choose_patients(patients, "val") == {}


def test_shows_the_slice_of_median_ssim(slices):
    own = slices[slices["patient_id"] == "sub-test01"]
    choice = choose_slice(slices, "sub-test01")
    assert (own["ssim"] < choice.ssim).sum() == 4
    assert (own["ssim"] > choice.ssim).sum() == 5
    row = own[(own["scan_id"] == choice.scan_id) & (own["slice_index"] == choice.slice_index)].iloc[0]
    assert row["ssim"] == choice.ssim


def test_error_is_of_the_clipped_reconstruction_and_averages_channels():
    x = np.zeros((2, 2, 3))
    x_hat = np.stack([np.full((2, 2), 5.0), np.full((2, 2), -1.0), np.full((2, 2), 0.5)], axis=-1)
    picture = PatientPicture("best", "test", "a", "a", 0, 0.9, x, x_hat)
    np.testing.assert_allclose(picture.error, np.full((2, 2), 0.5))
