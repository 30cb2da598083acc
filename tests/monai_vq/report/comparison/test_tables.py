import pandas as pd
import pytest

from monai_vq.report.comparison.differences import difference_table
from monai_vq.report.comparison.tables import patient_rows, score_rows


@pytest.fixture
def rows(comparison):
    return score_rows(comparison, difference_table(comparison), comparison.splits)


def test_a_row_a_split_and_run_holds_the_runs_own_split_table(comparison, rows):
    assert rows[["split", "run"]].apply(tuple, axis=1).tolist() == [
        (split, run) for split in ("test", "val", "train") for run in ("first", "better", "worse")
    ]
    for run in comparison.runs:
        own = rows[rows["run"] == run.name].set_index("split")
        expected = run.tables.splits.set_index("split")
        pd.testing.assert_frame_equal(own.loc[expected.index, expected.columns], expected, check_dtype=False)


def test_differences_stand_beside_the_runs_that_are_compared(comparison, rows):
    columns = [name for name in rows if name.endswith(("_difference", "_holm_p", "_better"))]
    assert len(columns) == 3 * 5
    compared = (rows["split"] == "test") & (rows["run"] != "first")
    assert rows.loc[~compared, columns].isna().all(axis=None)
    means = rows[rows["split"] == "test"].set_index("run")["ssim"]
    found = rows[compared].set_index("run")["ssim_difference"]
    assert found.to_dict() == pytest.approx({name: means[name] - means["first"] for name in ("better", "worse")})


def test_only_the_splits_that_are_asked_for_are_listed(comparison):
    rows = score_rows(comparison, difference_table(comparison), ["train", "test"])
    assert rows["split"].drop_duplicates().tolist() == ["train", "test"]


def test_a_row_a_patient_and_run_with_its_difference(comparison):
    rows = patient_rows(comparison)
    assert len(rows) == 3 * (8 + 3 + 6)
    assert rows["split"].drop_duplicates().tolist() == ["test", "val", "train"]
    one = rows[rows["patient_id"] == "sub-train03"].set_index("run")
    assert one.index.tolist() == ["first", "better", "worse"]
    assert one.loc["first", "ssim_difference"] == 0
    assert one.loc["worse", "ssim_difference"] == pytest.approx(one.loc["worse", "ssim"] - one.loc["first", "ssim"])
