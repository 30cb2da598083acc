import numpy as np
import pytest

from monai_vq.report.score_cells import Cell, score_cell, score_groups
from monai_vq.report.scores import ScoreTables

# [score, its name, its cell]
CELLS = [
    ((0.91234, 0.9, 0.92), "ssim", Cell("0.9123", "[0.9000, 0.9200]")),
    ((0.0012, 0.001, 0.0014), "mse", Cell("0.00120", "[0.00100, 0.00140]")),
    ((27.5, np.nan, np.nan), "psnr", Cell("27.50")),
    ((np.nan, np.nan, np.nan), "mae", Cell("–")),
]


@pytest.mark.parametrize(("score", "name", "cell"), CELLS)
def test_a_score_has_the_digits_of_its_name_and_an_interval_where_it_has_one(score, name, cell):
    assert score_cell(dict(zip([name, f"{name}_low", f"{name}_high"], score, strict=True)), name) == cell


def test_each_split_has_the_model_first_then_the_baselines(scores):
    tables = {"model": ScoreTables.of_model(scores), **ScoreTables.of_baselines(scores)}
    groups = score_groups(tables)
    assert [(group["split"], group["n_patients"], group["n_slices"]) for group in groups] == [
        ("train", 12, 120), ("val", 3, 30), ("test", 4, 40)
    ]  # fmt: skip
    for group in groups:
        assert [name for name, _ in group["lines"]] == list(tables)
        assert len({len(cells) for _, cells in group["lines"]}) == 1
    assert groups[2]["lines"][1][1][0] == score_cell(tables["mean training image"].splits.iloc[2], "ssim")
    assert groups[2]["lines"][1][1][5].value == "–"  # a baseline stores nothing
