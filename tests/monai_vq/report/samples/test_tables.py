import pytest

from monai_vq.report.samples.groups import SAMPLES
from monai_vq.report.samples.tables import SCORE_COLUMNS, score_rows


def test_every_number_has_a_row(scores):
    rows = score_rows(scores)
    assert rows.columns.tolist() == SCORE_COLUMNS
    assert not rows.duplicated(["score", "images", "reference", "condition", "group"]).any()
    tables = [scores.distances, scores.decoded_distances, scores.groups.table]
    assert rows["score"].isin(["frechet", "mmd"]).sum() == 2 * sum(len(table) for table in tables)
    by_score = rows[rows["images"] == SAMPLES].groupby("score")["value"].first()
    assert by_score["memorisation_p"] == scores.memorisation.p
    assert by_score["ms_ssim"] == scores.sample_diversity.ms_ssim
    own = scores.distances.set_index("images").loc[SAMPLES]
    assert by_score["frechet"] == own["frechet"]
    assert rows.loc[rows["group"] == "AD", "condition"].unique().tolist() == ["diagnosis"]
    sd = rows[(rows["score"] == "mmd") & (rows["images"] == SAMPLES)]["sd"].iloc[0]
    assert sd == pytest.approx(own["mmd_sd"])
