import shutil
from pathlib import Path

import pandas as pd
import pytest

from monai_vq.study import __main__ as command
from monai_vq.study.__main__ import main
from monai_vq.study.variants import VARIANTS

SCORES = ["ssim", "ssim_foreground", "psnr", "mse", "mae", "bits_per_pixel", "bits_per_pixel_entropy"]
CODES = {"n_patients": "patients", "codebook_usage": "usage", "codebook_perplexity": "perplexity"}


def times(output_dir: Path) -> dict[str, int]:
    """When the last checkpoint of each run was written."""
    paths = (output_dir / "runs").glob("*/checkpoints/last.pt")
    return {path.parents[1].name: path.stat().st_mtime_ns for path in paths}


def test_the_tables_say_what_the_runs_report(study_dir):
    rows = pd.read_csv(study_dir / "study.csv")
    assert rows[["variant", "seed", "split"]].apply(tuple, axis=1).tolist() == [
        (variant, 0, split) for variant in ("vq_ema", "projected") for split in ("train", "val", "test")
    ]
    for variant, own in rows.groupby("variant"):
        run_dir = study_dir / f"runs/{variant}-seed0"
        reported = pd.read_csv(run_dir / "report/ssim_splits.csv").rename(columns=CODES)
        columns = [*SCORES, *CODES.values()]
        pd.testing.assert_frame_equal(own[columns].reset_index(drop=True), reported[columns], rtol=1e-8)
        history = pd.read_csv(run_dir / "metrics.csv")
        assert own["steps"].unique().tolist() == [history["iteration"].iloc[-1]] == [4]
    variants = pd.read_csv(study_dir / "study_variants.csv").set_index("variant")
    mse = [pd.read_csv(study_dir / f"runs/{v}-seed0/report/ssim_patients.csv") for v in ("vq_ema", "projected")]
    ratio = [table.loc[table["split"] == "test", "mse"].item() for table in mse]
    assert variants.loc["projected", "mse_ratio"] == pytest.approx(ratio[0] / ratio[1])


def test_a_complete_study_trains_nothing(copy_study, run_study, capsys):
    before = times(copy_study)
    assert run_study(copy_study, "--variants", "vq_ema", "projected") == 0
    assert times(copy_study) == before
    assert "2 of 2 runs are complete already" in capsys.readouterr().out


@pytest.mark.slow
def test_only_what_is_missing_or_fails_is_trained(copy_study, run_study, tmp_path, capsys):
    shutil.rmtree(copy_study / "runs/projected-seed0")
    bundles = shutil.copytree("bundles", tmp_path / "bundles")
    vq = (bundles / "vq.json").read_text()
    (bundles / "vq.json").write_text(vq.replace("common.json#loss", "common.json#los"))
    before = times(copy_study)
    words = ["--variants", "vq_ema", "projected", "vq", "--bundles", str(bundles), "--jobs", "2"]
    assert run_study(copy_study, *words) == 1
    after = times(copy_study)
    assert after["vq_ema-seed0"] == before["vq_ema-seed0"]
    assert set(after) == {"vq_ema-seed0", "projected-seed0"}
    said = capsys.readouterr().err
    assert said.startswith("failed: vq-seed0: ")
    assert said.splitlines()[0].removeprefix("failed: vq-seed0: ") in (copy_study / "logs/vq-seed0.log").read_text()
    assert sorted(set(pd.read_csv(copy_study / "study.csv")["variant"])) == ["projected", "vq_ema"]
    assert "Not complete, hence left out: vq-seed0." in (copy_study / "index.html").read_text()


def test_a_report_of_what_is_there_trains_nothing(copy_study, run_study):
    words = ["--variants", "vq_ema", "projected", "none", "--report_only"]
    assert run_study(copy_study, *words) == 0
    assert "Not complete, hence left out: none-seed0." in (copy_study / "index.html").read_text()
    assert not (copy_study / "runs/none-seed0").exists()


def test_without_any_run_there_is_no_page(run_study, tmp_path, capsys):
    assert run_study(tmp_path / "empty", "--variants", "vq", "--report_only") == 1
    assert "no run is complete; see " in capsys.readouterr().err


def test_the_list(capsys):
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in VARIANTS)


# [words, what the error says]
BAD = [
    (["--variants", "nonsense"], "no variant or group 'nonsense'"),
    (["--batchsize", "4"], "setting batchsize: none of the chosen variants has it; did you mean batch_size?"),
    (["--grid", "batch_size"], "expected knob=value,value"),
    (["--bundles", "elsewhere"], "--bundles elsewhere: expected this project's folder"),
    (["--jobs", "0"], "--jobs 0 must be at least 1"),
    (["--dataset_dir", "nowhere"], "nowhere"),
    (["--reference", "vq_em"], "no variant or group 'vq_em'"),
    (["--reference", "curve"], "--reference curve is a group; expected one variant"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_one_line_and_status_2(run_study, tmp_path, capsys, words, message):
    assert run_study(tmp_path / "out", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not (tmp_path / "out/runs").exists()


def test_required_folders(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--output_dir", "out"])
    assert stop.value.code == 2
    assert "--dataset_dir" in capsys.readouterr().err


def test_an_interrupted_study_says_how_to_go_on(run_study, tmp_path, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_all", interrupt)
    assert run_study(tmp_path / "out") == 130
    assert "the same command goes on" in capsys.readouterr().err
