import json
from dataclasses import replace

import pytest

from monai_vq.engines.reconstruct.model import ReconstructionModel
from monai_vq.engines.reconstruct.request import ReconstructionRequest
from monai_vq.errors import InputError


@pytest.fixture(scope="module")
def model(tiny_stage1):
    return ReconstructionModel.read(tiny_stage1)


@pytest.fixture
def ask(model, tiny_dataset, tmp_path):
    def ask(input_path=tiny_dataset.parent / "bids", **settings):
        given = {"model": model, "dataset_dir": str(tiny_dataset)} | settings
        return ReconstructionRequest(input_path=str(input_path), output_dir=tmp_path / "out", **given)

    return ask


def test_volumes_are_cut_as_in_training_but_every_slice(ask, tiny_dataset):
    request = ask()
    assert (request.slicing.slice_range, request.slicing.num_slices) == ((0.3, 0.7), None)
    assert ask(slice_range=[0, 1]).slicing.slice_range == (0, 1)
    assert ask(tiny_dataset).slicing is None
    assert len(request.found.scans) == len(ask(tiny_dataset).found.scans) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slice_range", [0, 1]),
        ("spacing", [2.0, 2.0]),
        ("assume_orientation", "LAS"),
        ("noise", "rician:0.1"),
        ("seed", 1),
        ("dicom_out", True),
        ("batch_size", 3),
        ("precision", "bf16"),
        ("device", "cuda"),
    ],
)
def test_what_a_result_depends_on_changes_the_settings_of_that_name(ask, name, value):
    before, after = ask().settings, ask(**{name: value}).settings
    assert before[name] != after[name]
    others = {one for one in before if before[one] != after[one]} - {name}
    assert others <= {"lowest foreground SSIM of the model's own report"}


@pytest.mark.parametrize(("name", "value"), [("dataset_dir", "nowhere"), ("patient_regex", "(P1)"), ("split", "test")])
def test_which_scans_and_whose_they_are_changes_none(ask, name, value):
    assert ask(**{name: value}).settings == ask().settings


def test_settings_of_the_model_are_among_them(ask, model):
    ours = ask().settings
    for change in ({"checkpoint_sha256": "1" * 64}, {"image_size": [64, 64]}, {"spacing": [1.0, 1.0]}):
        assert ask(model=replace(model, **change)).settings != ours


@pytest.mark.parametrize(
    ("trained", "given", "message"),
    [
        ([1.0, 1.0], [2.0, 2.0], r"--spacing \[2.0, 2.0\]: this model was trained on pixels of \[1.0, 1.0\] mm"),
        (None, [2.0, 1e-6], r"--spacing \[2.0, 1e-06\]: expected 0.05 to 30.0 mm"),
    ],
)
def test_pixels_of_an_impossible_size_are_refused(ask, model, trained, given, message):
    with pytest.raises(InputError, match=message):
        ask(model=replace(model, spacing=trained), spacing=given).check()


def test_a_model_that_was_trained_on_one_pixel_size_keeps_it(ask, model):
    trained = replace(model, spacing=[1.5, 1.5])
    assert ask(model=trained).spacing == ask(model=trained, spacing=[1.5, 1.5]).spacing == [1.5, 1.5]


def test_settings_are_plain_values(ask):
    assert json.loads(json.dumps(ask().settings))["slice_range"] == [0.3, 0.7]


def test_a_model_of_colour_has_no_volumes(ask, model):
    with pytest.raises(InputError, match="a model of images with 3 channels"):
        ask(model=replace(model, in_channels=3)).check()


def test_to_resume_needs_something_to_go_on_with(ask):
    ask().check()
    with pytest.raises(InputError, match="holds no reconstruction"):
        ask(resume=True).check()


def test_a_folder_of_dicom_is_not_named(ask, tiny_dataset):
    assert ask().input_name == "bids"
    request = ask()
    request.found.scans[0] = replace(request.found.scans[0], kind="DICOM")
    assert request.input_name == "DICOM"
