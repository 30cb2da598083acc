import numpy as np
import pytest

from monai_vq.metrics.latent_format import LatentFormat
from monai_vq.report.cautions import find_cautions
from monai_vq.report.scores import ScoreTables


@pytest.fixture
def splits(scores):
    return ScoreTables.of_model(scores).splits.assign(n_patients=30)


def test_nothing_wrong_says_nothing(scores, splits):
    baselines = {name: tables.splits for name, tables in ScoreTables.of_baselines(scores).items()}
    assert find_cautions(splits, baselines) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"n_patients": [30, 9, 10]}, "Fewer than 10 patients in val (9):"),
        ({"codebook_usage": [0.49, 0.5, 0.1]}, "Less than 50% of the codebook is used (train 49%, test 10%)"),
        ({"ssim_foreground": [0.9, np.nan, 0.9]}, "no value of ssim_foreground"),
    ],
)
def test_names_the_splits_concerned(splits, change, expected):
    (caution,) = find_cautions(splits.assign(**change), {})
    assert expected in caution


def test_scores_of_patients_who_had_a_part_in_training_flatter(splits):
    (caution,) = find_cautions(splits[splits["split"] == "train"], {})
    assert caution.startswith("There is no test split to show: the model was trained on these patients")


@pytest.mark.parametrize(("share", "number"), [(0.02, 0), (0.009, 1), (0.0, 1)])
def test_a_frequency_latent_that_leaves_nothing_continuous_is_called_a_vector_quantizer(splits, share, number):
    latent = LatentFormat((32, 32), (128, 128), 512, 64, continuous={"train": share, "test": share / 2})
    cautions = find_cautions(splits, {}, latent=latent)
    assert len(cautions) == number
    assert all("vector quantizer's in all but name" in caution for caution in cautions)


def test_a_baseline_wins_by_a_higher_ssim_or_a_lower_error(splits):
    baseline = splits.assign(mse=splits["mse"] * [1, 0.5, 1], ssim=splits["ssim"] + [0, 0, 0.01])
    (caution,) = find_cautions(splits, {"blurred input": baseline})
    assert "“blurred input”" in caution
    assert "val: mse; test: ssim" in caution


def test_scans_of_unknown_patients_claim_no_separation(splits):
    (caution,) = find_cautions(splits, {}, unit="scan")
    assert "Separation of patients cannot be claimed" in caution
    assert find_cautions(splits, {}, unit="image") == []
    (caution,) = find_cautions(splits.assign(n_patients=[30, 9, 30]), {}, unit="image")
    assert caution.startswith("Fewer than 10 images in val (9)")
