import numpy as np

from monai_vq.report.scores import ScoreTables
from monai_vq.report.summary import format_summary


def test_says_what_the_split_table_says(scores):
    splits = ScoreTables.of_model(scores).splits
    header, rule, *lines = format_summary(splits).splitlines()
    assert len({len(header), len(rule), *map(len, lines)}) == 1
    for line, row in zip(lines, splits.to_dict("records"), strict=True):
        fields = line.split()
        assert fields[:3] == [row["split"], str(row["n_patients"]), str(row["n_slices"])]
        assert fields[3:6] == [f"{row['ssim']:.4f}", f"[{row['ssim_low']:.4f},", f"{row['ssim_high']:.4f}]"]
        assert fields[6:] == [f"{row['psnr']:.2f}", "dB", "0.8125", "93.8%"]


def test_missing_values_are_dashes(scores):
    splits = ScoreTables.of_model(scores).splits.assign(ssim_low=np.nan, ssim_high=np.nan, codebook_usage=np.nan)
    line = format_summary(splits).splitlines()[-1]
    assert "[-, -]" in line
    assert line.endswith("-")


def test_a_rate_that_is_a_bound_is_called_one(scores):
    splits = ScoreTables.of_model(scores).splits
    bound, stored = format_summary(splits, is_bound=True), format_summary(splits)
    assert "bits/pixel (bound)" in bound
    assert "bound" not in stored
    assert len({len(line) for line in bound.splitlines()}) == 1


def test_speaks_of_what_the_unit_is(scores):
    splits = ScoreTables.of_model(scores).splits
    assert format_summary(splits).split()[1] == "patients"
    assert format_summary(splits, "image").split()[1] == "images"
