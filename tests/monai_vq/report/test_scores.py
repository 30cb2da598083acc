from monai_vq.report.scores import ScoreTables


def test_levels_agree_with_each_other(scores):
    tables = ScoreTables.of_model(scores)
    assert len(tables.slices) == len(scores.model)
    assert tables.patients["n_slices"].sum() == len(tables.slices)
    assert tables.splits["n_patients"].tolist() == [12, 3, 4]
    assert tables.splits["codebook_usage"].tolist() == [15 / 16] * 3


def test_baselines_have_scores_but_no_rate(scores):
    baselines = ScoreTables.of_baselines(scores)
    assert list(baselines) == ["mean training image", "blurred input"]
    for tables in baselines.values():
        assert tables.splits["ssim"].notna().all()
        assert tables.splits[["bits_per_pixel", "bits_per_pixel_entropy", "codebook_usage"]].isna().all(axis=None)
