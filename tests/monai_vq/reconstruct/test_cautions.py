from dataclasses import replace

import pandas as pd
import pytest

from monai_vq.data.preparation import Preparation
from monai_vq.data.slicing import SlicingSettings
from monai_vq.reconstruct.cautions import batch_cautions, denoising_cautions, scan_cautions
from monai_vq.reconstruct.denoising import RECONSTRUCTION
from monai_vq.reconstruct.training_scans import TrainingScans

LIKE_TRAINING = Preparation(SlicingSettings(), "bids", "half-otsu-v2", (8.0, 8.0), (8.0, 8.0), 0.0)


@pytest.fixture
def scan(tmp_path, write_head, through_model):
    """A head of 8 mm voxels and the size of a brain, reconstructed without an error."""
    return through_model(write_head(tmp_path / "head.nii.gz"))[0]


def test_a_scan_like_those_of_training_needs_no_caution(scan):
    assert scan_cautions(scan, "test", LIKE_TRAINING, 0.9) == []
    assert scan_cautions(scan, "new", None, None) == []


@pytest.mark.parametrize(
    ("split", "preparation", "lowest", "words"),
    [
        ("train", LIKE_TRAINING, None, "the model was trained on it"),
        ("val", LIKE_TRAINING, None, "the model was chosen by it"),
        ("new", {"row_mm": (1.0, 2.0)}, None, "pixels of 8 x 8 mm, in training 1-2 x 8 mm"),
        ("new", {"whole_heads": 1.0}, None, "the model learned from whole heads"),
        ("new", LIKE_TRAINING, 1.1, "below every patient of the model's own report"),
    ],
)
def test_what_is_odd_is_said(scan, split, preparation, lowest, words):
    if isinstance(preparation, dict):
        preparation = Preparation(**(vars(LIKE_TRAINING) | preparation))
    (caution,) = scan_cautions(scan, split, preparation, lowest)
    assert words in caution


def test_the_pixels_that_count_are_those_of_the_model(scan):
    preparation = replace(LIKE_TRAINING, row_mm=(2.0, 2.0), column_mm=(2.0, 2.0))
    (caution,) = scan_cautions(scan, "new", preparation, None)
    assert caution == "pixels of 8 x 8 mm, in training 2 x 2 mm: give --spacing '[2, 2]'"
    assert scan_cautions(scan, "new", preparation, None, trained_spacing=[8.0, 8.0]) == []
    latent = scan.latent
    for spacing, number in ((2.0, 0), (4.0, 1)):
        brought = replace(scan, latent=replace(latent, fit=replace(latent.fit, spacing=(spacing, spacing))))
        assert len(scan_cautions(brought, "new", preparation, None)) == number


def test_a_whole_head_is_unlike_brains_alone(scan):
    whole = replace(scan, warnings=("may show a face",))
    (caution,) = scan_cautions(whole, "new", LIKE_TRAINING, None)
    assert caution == "a whole head, the model learned from brains without skulls"
    some = replace(LIKE_TRAINING, whole_heads=0.5)
    assert scan_cautions(whole, "new", some, None) == scan_cautions(scan, "new", some, None) == []


def test_foreground_that_the_image_size_cuts_off_is_said(tmp_path, write_head, through_model):
    done, _ = through_model(write_head(tmp_path / "head.nii.gz"), image_size=(16, 12))
    assert any("the image size cuts off" in caution for caution in scan_cautions(done, "new", LIKE_TRAINING, None))


def test_a_page_says_what_nobody_knows():
    patients = pd.DataFrame({"patient_id": range(12), "split": ["new"] * 11 + ["train"]})
    known, unknown = TrainingScans(True), TrainingScans(False)
    assert not any("not at hand" in one for one in batch_cautions(patients, known, 0, ""))
    assert any("not at hand" in one for one in batch_cautions(patients, unknown, 0, ""))
    assert any("(1 in train)" in one for one in batch_cautions(patients, known, 0, ""))
    assert any("Only 2 patient(s)" in one for one in batch_cautions(patients.head(2), known, 0, ""))
    assert any("--patient_regex" in one for one in batch_cautions(patients, known, 3, ""))
    assert any("rician:0.1" in one for one in batch_cautions(patients, known, 0, "rician:0.1"))


@pytest.mark.parametrize(("gain", "number"), [(-0.05, 1), (0.0, 1), (0.02, 0)])
def test_a_model_that_loses_to_a_filter_is_said_to(gain, number):
    gains = {"ssim_gain": [gain, -1.0], "ssim_foreground_gain": [0.1, -1.0]}
    assert len(denoising_cautions(pd.DataFrame({"method": [RECONSTRUCTION, "identity"], **gains}))) == number
    assert denoising_cautions(None) == []


def test_a_model_that_wins_by_its_background_alone_is_said_to_lose_in_the_head():
    gains = {"ssim_gain": [0.2, -1.0], "ssim_foreground_gain": [-0.1, 0.0]}
    (sentence,) = denoising_cautions(pd.DataFrame({"method": [RECONSTRUCTION, "identity"], **gains}))
    assert sentence.endswith("(SSIM in the foreground).")
