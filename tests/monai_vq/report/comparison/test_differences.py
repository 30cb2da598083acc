from dataclasses import asdict

import pandas as pd
import pytest

from monai_vq.metrics.paired import holm, paired_difference
from monai_vq.report.comparison.differences import difference_table, patient_scores


def patients_of(run, score):
    rows = run.content.scores.model
    return rows[rows["split"] == "test"].groupby("patient_id")[score].mean()


def test_differences_are_paired_by_patient_whatever_the_order_of_scoring(comparison):
    table = difference_table(comparison).set_index(["score", "run"])
    for run in comparison.others:
        for score in ("ssim", "mse"):
            expected = asdict(paired_difference(patients_of(run, score), patients_of(comparison.reference, score)))
            row = table.loc[(score, run.name)]
            assert {name: row[name] for name in expected} == pytest.approx(expected)
            assert row["patients"] == 6


def test_p_is_corrected_over_runs_within_each_score(comparison):
    table = difference_table(comparison)
    for _, own in table.groupby("score"):
        assert own["holm_p"].tolist() == pytest.approx(holm(own["p"].tolist()))
        assert len(own) == len(comparison.others)


def test_better_is_higher_for_ssim_and_lower_for_errors(comparison):
    table = difference_table(comparison).set_index(["score", "run"])
    for score in ("ssim", "psnr", "mse", "mae"):
        assert tuple(table.loc[(score, "better"), ["better", "worse"]]) == (6, 0)
        assert tuple(table.loc[(score, "worse"), ["better", "worse"]]) == (0, 6)
    assert table.loc[("mse", "better"), "mean"] < 0 < table.loc[("ssim", "better"), "mean"]


def test_a_run_beside_its_copy_is_no_different(make_content, compare):
    table = difference_table(compare(one=make_content(), copy=make_content()))
    assert (table["mean"] == 0).all()
    assert (table["holm_p"] == 1).all()
    assert (table[["better", "worse"]] == 0).all(axis=None)


def test_a_row_a_patient_and_a_column_a_run(comparison):
    scores = patient_scores(comparison, "psnr", "val")
    assert list(scores) == ["first", "better", "worse"]
    rows = comparison.runs[1].content.scores.model
    expected = rows[rows["split"] == "val"].groupby("patient_id")["psnr"].mean()
    pd.testing.assert_series_equal(scores["better"], expected, check_names=False)
