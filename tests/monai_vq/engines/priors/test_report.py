import shutil

import pandas as pd
import pytest
import torch

from monai_vq.engines import AutocastInferer, PriorData, PriorReport, load_prior, read_stage1
from monai_vq.engines.priors import report as prior_report
from monai_vq.engines.priors.baselines import Uniform


@pytest.fixture
def report(tiny_prior, tiny_stage1, tiny_dataset, tmp_path):
    run_dir = shutil.copytree(tiny_prior, tmp_path / "run")
    shutil.rmtree(run_dir / "report")
    run = load_prior(run_dir)
    with torch.no_grad():
        for parameter in run.prior.parameters():
            parameter.mul_(0.5)  # the last state of a training, say
    data = PriorData(read_stage1(tiny_stage1), str(tiny_dataset), run_dir / "latents", ["slice_position"], gain_bits=4)
    return PriorReport(run_dir, run.prior, data, 4, "cpu", AutocastInferer())


def test_the_best_checkpoint_is_what_is_counted(report, tiny_prior, capsys):
    report.run()
    again = pd.read_csv(report.run_dir / "report/prior_bits.csv")
    pd.testing.assert_frame_equal(again, pd.read_csv(tiny_prior / "report/prior_bits.csv"))
    out = capsys.readouterr().out
    assert "bits/code [95% interval]" in out
    assert out.rstrip().endswith(f"report: {report.run_dir / 'report'}")


def test_of_many_training_slices_some_are_counted_evenly(report, monkeypatch):
    monkeypatch.setattr(prior_report, "TRAINING_SLICES", 5)
    splits = report.run().set_index(["split", "model"])
    assert splits.loc[("train", "prior"), "n_slices"] == 4  # each fourth of 16
    assert splits.loc[("val", "prior"), "n_slices"] == 4


def test_a_baseline_is_scored_on_the_same_slices(report):
    rows = report._count("test", "uniform", Uniform(report.prior.alphabet))
    assert rows["code_bits"].tolist() == pytest.approx([64 * 3.0] * 4)
    assert set(rows["split"]) == {"test"}
