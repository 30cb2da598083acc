import dataclasses

import pytest

from monai_vq.report.comparison.cautions import find_comparison_cautions
from monai_vq.report.scores import RunScores


def test_unequal_rates_are_named_with_their_runs(comparison):
    (caution,) = [text for text in find_comparison_cautions(comparison) if "rates differ" in text]
    assert "from 0.5 bits per pixel (first) to 1 (worse)" in caution


def test_equal_runs_of_enough_patients_give_no_caution(make_content, compare, monkeypatch):
    monkeypatch.setattr("monai_vq.report.comparison.cautions.FEW_PATIENTS", 6)  # the test split's
    assert find_comparison_cautions(compare(a=make_content(), b=make_content(seed=2))) == []


def test_unequal_lengths_are_told(make_content, compare):
    cautions = find_comparison_cautions(compare(a=make_content(epochs=3), b=make_content(epochs=6)))
    assert any(
        "not trained equally long" in text and "a 3 epochs, 30 steps; b 6 epochs, 60 steps" in text for text in cautions
    )
    cautions = find_comparison_cautions(compare(a=make_content(), b=make_content(history=None)))
    assert any("b not known" in text for text in cautions)


def test_baselines_that_differ_show_that_the_images_did(make_content, compare):
    content = make_content(seed=2)
    darker = content.scores.baselines["blurred input"].assign(ssim=0.55)
    scores = dataclasses.replace(content.scores, baselines=content.scores.baselines | {"blurred input": darker})
    cautions = find_comparison_cautions(compare(a=make_content(), b=dataclasses.replace(content, scores=scores)))
    assert any("score differently in b than in a" in text and "other images" in text for text in cautions)
    assert not any("differently" in text for text in find_comparison_cautions(compare(a=content, b=make_content())))


def test_baselines_show_that_the_masks_differed(make_content, compare):
    content = make_content(seed=2)
    rows = content.scores.baselines["blurred input"]
    larger = rows.assign(ssim_foreground=rows["ssim_foreground"] + 0.01)
    scores = dataclasses.replace(content.scores, baselines=content.scores.baselines | {"blurred input": larger})
    cautions = find_comparison_cautions(compare(a=make_content(), b=dataclasses.replace(content, scores=scores)))
    assert any("score differently in b than in a" in text for text in cautions)


def test_few_patients_cannot_give_a_small_p(make_content, compare):
    def with_patients(number, seed):
        content = make_content(seed=seed)
        kept = [f"sub-test{i:02d}" for i in range(number)]
        model = content.scores.model
        model = model[(model["split"] != "test") | model["patient_id"].isin(kept)]
        return dataclasses.replace(content, scores=RunScores(model, content.scores.latent))

    few = find_comparison_cautions(compare(a=with_patients(5, 1), b=with_patients(5, 2)))
    assert any("Compared: only 5 patients." in text for text in few)
    assert any("With so few patients and 1 comparison no corrected p can fall below 0.05" in text for text in few)
    enough = find_comparison_cautions(compare(a=with_patients(6, 1), b=with_patients(6, 2)))
    assert not any("corrected p" in text for text in enough)  # 2 / 2^6 = 0.03


@pytest.mark.parametrize("unit", ["scan", "image"])
def test_a_split_that_is_not_by_patient_is_told(make_content, compare, unit):
    cautions = find_comparison_cautions(compare(a=make_content(unit=unit), b=make_content(unit=unit, seed=2)))
    assert any(f"split is by {unit}, not by patient" in text for text in cautions)


def test_without_a_test_split_the_validation_split_is_compared_and_that_is_told(make_content, compare):
    def untested(seed):
        content = make_content(seed=seed)
        model = content.scores.model
        return dataclasses.replace(content, scores=RunScores(model[model["split"] != "test"], content.scores.latent))

    comparison = compare(a=untested(1), b=untested(2))
    assert comparison.compared_split == "val"
    assert any("Compared on the val split" in text for text in find_comparison_cautions(comparison))


def test_other_versions_of_the_scores_are_told(make_content, compare):
    content = make_content(seed=2)
    newer = dataclasses.replace(content, settings=content.settings | {"environment": {"monai_vq": "0.2.0"}})
    cautions = find_comparison_cautions(compare(a=make_content(), b=newer))
    assert any("a 0.1.0; b 0.2.0" in text for text in cautions)
