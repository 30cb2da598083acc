from dataclasses import replace

import pytest

from monai_vq.export.card import BOUND, FILL_IN, model_card
from monai_vq.export.data_terms import TERMS
from monai_vq.networks import VAE


@pytest.fixture
def card(finished) -> str:
    return model_card(finished, "tiny", TERMS["oasis"], has_onnx=False)


def test_scores_stand_with_their_intervals_beside_the_baselines(finished):
    many = replace(finished, scores=finished.scores.assign(n_patients=12))
    card = model_card(many, "tiny", TERMS["oasis"], has_onnx=False)
    test = finished.scores.set_index("split").loc["test"]
    assert f"| model | test | {test['ssim']:.4f}" in card
    train = finished.scores.set_index("split").loc["train"]
    assert f"{train['ssim']:.4f} [{train['ssim_low']:.4f}, {train['ssim_high']:.4f}]" in card
    for name in set(finished.baselines["reconstruction"]):
        assert f"| {name} | test |" in card


def test_scores_of_fewer_than_five_patients_are_left_out_and_named(card, finished):
    assert finished.scores["n_patients"].max() < 5
    assert "Left out, with fewer than 5 patients: train, val, test." in card
    assert "| model |" not in card
    assert f"{finished.scores.set_index('split').loc['test', 'ssim']:.4f}" not in card


def test_the_rate_of_a_variational_autoencoder_is_called_a_bound(card, finished):
    vae = VAE((32, 32), 1, latent_size=4, channels=(4, 8))
    assert BOUND in model_card(replace(finished, network=vae), "tiny", None, has_onnx=False)
    assert BOUND not in card


def test_the_split_has_its_hash_and_sizes(card, finished):
    assert finished.record["split_sha256"] in card
    assert "| train | 4 |" in card
    assert "No patient is in two splits." in card


def test_how_slices_were_prepared_is_said(card, finished):
    slicing = finished.preparation["slicing"]
    low, high = slicing["slice_range"]
    assert f"- plane: `{slicing['plane']}`" in card
    assert f"- slice range: `{low}, {high}`" in card


@pytest.fixture
def of_pictures(finished):
    """The run as one of colour images, of which each is a unit."""
    return replace(
        finished,
        config=finished.config | {"in_channels": 3},
        record=finished.record | {"unit": "image"},
        preparation={"source": "cifar10", "slicing": None, "row_mm": [1, 1], "column_mm": [1, 1], "whole_heads": 0.0},
        scores=finished.scores.assign(n_patients=finished.scores["n_slices"]),
    )


CLINICAL = ("patient", "lesion", "diagnos", "treatment", "medical", "head", "disease", "scanners", "foreground", " mm")


def test_a_card_of_pictures_speaks_of_no_patients(of_pictures, card):
    text = model_card(of_pictures, "tiny", TERMS["cifar10"], has_onnx=True).lower()
    assert not [word for word in CLINICAL if word in text.replace("command", "")]
    assert "some may be in two splits" in text
    assert all(word in card.lower() for word in ("no patient is in two splits", "lesion", "diagnosis", "scanners"))


def test_a_card_of_pictures_counts_each_image_once(of_pictures):
    text = model_card(of_pictures, "tiny", TERMS["cifar10"], has_onnx=True)
    train = next(row for row in of_pictures.scores.to_dict("records") if row["split"] == "train")
    assert f"| split | images |\n| --- | ---: |\n| train | {train['n_slices']} |" in text
    assert f"| model | train | {train['ssim']:.4f}" in text


def test_scans_of_nobody_known_are_scans_all_the_same(finished):
    by_scan = replace(finished, record=finished.record | {"unit": "scan"})
    text = model_card(by_scan, "tiny", None, has_onnx=False)
    assert "patients may be in two splits" in text
    assert "lesion" in text


def test_what_the_datas_terms_forbid_is_said(card):
    assert all(condition in card for condition in TERMS["oasis"].conditions)
    assert FILL_IN not in card


def test_unknown_data_is_to_be_filled_in(finished):
    text = model_card(replace(finished, preparation={}), "tiny", None, has_onnx=False)
    assert text.count(FILL_IN) == 3  # whose data, how prepared, which licence


def test_few_patients_and_memorisation_are_limits(card):
    limits = card.partition("## Limits")[2].partition("## Commands")[0]
    assert "Only 1 patients in the test split" in limits
    assert "may remember" in limits


def test_a_tracked_run_does_not_tell_where_it_was_tracked(finished):
    where = {"tracking_uri": "file:///home/jane/mlruns", "experiment_name": "royal", "run_name": "sub-01"}
    text = model_card(replace(finished, config=finished.config | where), "tiny", None, has_onnx=False)
    assert not [name for name in (*where, *where.values()) if name in text]


def test_no_folder_of_the_machine_is_named(card, finished):
    assert finished.config["dataset_dir"] not in card
    assert finished.config["output_dir"] not in card
