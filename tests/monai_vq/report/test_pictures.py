import numpy as np
import pandas as pd
import pytest

from monai_vq.report.pictures import (
    NUM_DRAWN,
    PatientPicture,
    choose_patients,
    choose_slice,
    draw_patients_by_id,
    middle_slice,
)


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


def test_patients_are_drawn_whatever_the_model_and_the_order(slices):
    others = slices.assign(ssim=-slices["ssim"]).sample(frac=1, random_state=1)
    others.loc[others["patient_id"] == "sub-test00", "ssim"] = np.nan  # a model that breaks on somebody
    for split, number in (("test", NUM_DRAWN), ("train", NUM_DRAWN), ("test", 3)):
        drawn = draw_patients_by_id(slices, split, number)
        assert drawn == draw_patients_by_id(others, split, number)
        assert len(set(drawn)) == number
        assert all(patient.startswith(f"sub-{split}") for patient in drawn)
        for patient in drawn:
            one, same = middle_slice(slices, patient), middle_slice(others, patient)
            assert (one.scan_id, one.slice_index) == (same.scan_id, same.slice_index)
    assert draw_patients_by_id(slices[slices["split"] == "train"], "test") == []


def test_drawn_patients_are_not_the_first_by_name():
    """Ids are handed out by time or by site: of a hundred splits, the first two by name are seldom the drawn ones."""
    names = [[f"site{split}-{number:02d}" for number in range(10)] for split in range(100)]
    tables = [pd.DataFrame({"split": "test", "patient_id": own}) for own in names]
    drawn = [draw_patients_by_id(table, "test") for table in tables]
    assert sum(set(own[:2]) == set(two) for own, two in zip(names, drawn, strict=True)) < 10


def test_the_middle_slice_is_in_the_middle(slices):
    choice = middle_slice(slices, "sub-test01")
    own = slices[slices["scan_id"] == choice.scan_id]
    assert set(own["patient_id"]) == {"sub-test01"}
    assert (own["slice_index"] < choice.slice_index).sum() == (own["slice_index"] > choice.slice_index).sum() == 2
    assert own.set_index("slice_index")["ssim"][choice.slice_index] == choice.ssim


def test_error_is_of_the_clipped_reconstruction_and_averages_channels():
    x = np.zeros((2, 2, 3))
    x_hat = np.stack([np.full((2, 2), 5.0), np.full((2, 2), -1.0), np.full((2, 2), 0.5)], axis=-1)
    picture = PatientPicture("best", "test", "a", "a", 0, 0.9, x, x_hat)
    np.testing.assert_allclose(picture.error, np.full((2, 2), 0.5))
