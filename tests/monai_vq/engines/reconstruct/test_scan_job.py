import numpy as np
import pandas as pd
import pytest
import torch

from monai_vq.engines.reconstruct import scan_job
from monai_vq.engines.reconstruct.loading import load_scan
from monai_vq.engines.reconstruct.model import ReconstructionModel
from monai_vq.engines.reconstruct.run import ReconstructionRun
from monai_vq.engines.reconstruct.scan_job import lowest_ssim, new_scores
from monai_vq.reconstruct.denoising import SCORES, SIGMAS
from monai_vq.reconstruct.finished_scan import read_finished
from monai_vq.reconstruct.noise import Noise


@pytest.fixture
def do_scan(tiny_stage1, tiny_dataset, tmp_path):
    """Takes a patient's scan through the run."""

    def do(patient="sub-P1", **settings):
        source = tiny_dataset.parent / "bids" / patient
        model = ReconstructionModel.read(tiny_stage1)
        run = ReconstructionRun(model, str(source), tmp_path / "out", str(tiny_dataset), **settings)
        (scan,) = run.found.scans
        return run.job.run(load_scan(scan, run.slicing, source, tmp_path), "1" * 64), run

    return do


def test_the_record_tells_of_all_files_and_of_the_run(do_scan, tmp_path):
    finished, run = do_scan()
    folder = tmp_path / "out/scans"
    names = {f"sub-P1_T1w_{name}" for name in ("recon.nii.gz", "error.nii.gz", "codes.npz")}
    assert set(finished.files) == {f"scans/{name}" for name in names}
    assert finished.is_whole(tmp_path / "out")
    stored = read_finished(folder / "sub-P1_T1w_record.npz")
    pd.testing.assert_frame_equal(stored.scores, finished.scores, check_exact=True)
    assert (stored.row, stored.known, stored.trials) == (finished.row, True, None)
    assert stored.settings["checkpoint"] == run.model.checkpoint_sha256
    assert stored.row["split"] == "train"
    assert "seen in training" in stored.row["cautions"]


def test_the_record_is_written_behind_all_files(do_scan, tmp_path, monkeypatch):
    def fail(path, finished):
        assert finished.is_whole(tmp_path / "out")
        raise OSError("the disk is full")

    monkeypatch.setattr(scan_job, "write_finished", fail)
    with pytest.raises(OSError, match="the disk is full"):
        do_scan()
    assert len(list((tmp_path / "out/scans").iterdir())) == 3


def test_a_record_does_not_outlive_the_files_that_it_tells_of(do_scan, tmp_path, monkeypatch):
    do_scan()
    monkeypatch.setattr(scan_job, "write_finished", lambda path, finished: None)
    do_scan()
    assert not (tmp_path / "out/scans/sub-P1_T1w_record.npz").exists()


def test_noise_is_the_same_for_a_scan_and_a_seed_and_scored_beside_filters(do_scan):
    first, again, other = (do_scan(noise="rician:0.2", seed=seed, batch_size=2)[0] for seed in (0, 0, 1))
    assert first.trials.shape == (1 + 2 * len(SIGMAS), len(first.scores), len(SCORES))
    np.testing.assert_array_equal(first.trials, again.trials)
    assert (first.trials[1] != other.trials[1]).any()
    np.testing.assert_allclose(first.trials[0, :, 0], first.scores["ssim"], atol=1e-12)


def test_filters_know_the_floor_of_rician_noise_alone():
    x = torch.zeros(1, 1, 32, 32)
    assert new_scores(None) is None
    n_trials = [len(new_scores(Noise(kind, 0.1)).score(x, x, x, x > 0)) for kind in ("rician", "gaussian")]
    assert n_trials == [1 + 2 * len(SIGMAS), 1 + len(SIGMAS)]


def test_scores_of_noisy_scans_are_not_compared_with_the_model_s_own(tiny_stage1):
    model = ReconstructionModel.read(tiny_stage1)
    own = pd.read_csv(tiny_stage1 / "report/ssim_patients.csv")["ssim_foreground"].min()
    assert lowest_ssim(model, None) == own
    assert lowest_ssim(model, Noise("rician", 0.1)) is None
