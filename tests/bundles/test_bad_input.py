import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from monai_vq.data import read_splits
from monai_vq.data.splits import write_splits

SHORT = {"max_epochs": 1}


def refusal(run_bundle, output_dir, bundle="projected", **settings) -> str:
    """The one line with which a run ends that must not start."""
    with pytest.raises(SystemExit) as stopped:
        run_bundle(bundle, output_dir, **(SHORT | settings))
    assert isinstance(stopped.value.code, str)  # printed to stderr, exit code 1
    assert stopped.value.code.startswith("error: ")
    assert "\n" not in stopped.value.code
    return stopped.value.code


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"learning_rat": 1}, ["--learning_rat", "did you mean --learning_rate"]),
        ({"zzz": 1}, ["--zzz", "expected one of", "max_minutes"]),
        ({"max_epochs": "many"}, ["--max_epochs 'many'", "expected int"]),
        ({"max_epochs": 0}, ["--max_epochs 0", "at least 1"]),
        ({"deterministic": "yes"}, ["--deterministic 'yes'", "expected bool"]),
        ({"max_minutes": -1}, ["--max_minutes -1.0", "positive"]),
        ({"learning_rate": 0}, ["--learning_rate 0.0", "positive"]),
        ({"num_workers": -1}, ["--num_workers -1"]),
        ({"precision": "fp8"}, ["'fp8'", "fp32, bf16, fp16"]),
        ({"precision": "fp16"}, ["fp16 needs a CUDA device", "--precision bf16"]),
        ({"precision": "$'fp' + '16'"}, ["fp16 needs a CUDA device"]),
        ({"precision": "$'fp' + '8'"}, ["'fp8'", "fp32, bf16, fp16"]),
        ({"device": "mps"}, ["--device mps: use cpu or cuda"]),
        ({"device": "gpu"}, ["--device 'gpu'", "use cpu, cuda"]),
        ({"device": "cuda:99"}, ["--device cuda:99", "use cpu"]),
        ({"image_size": 32}, ["--image_size 32", "expected list"]),
        ({"image_size": [32, 30]}, ["[32, 30]", "factor 4", "--image_size [32, 32]"]),
        ({"image_size": [16, 32]}, ["crop foreground of scan sub-P", "--image_size [32, 32]"]),
        ({"dataset_dir": "nowhere/at/all"}, ["nowhere/at/all", "python -m data_prep SOURCE"]),
        ({"resume": "true"}, ["last.pt", "without --resume"]),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_written(run_bundle, tmp_path, settings, parts):
    message = refusal(run_bundle, tmp_path / "run", **settings)
    assert [part for part in parts if part not in message] == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("bundle", "settings", "parts"),
    [
        ("projected", {"gain_bits": 9}, ["--gain_bits 9", "at most 8", "none"]),
        ("projected", {"num_gains": 3}, ["--num_gains 3", "divide --embedding_dim, 8"]),
        ("projected", {"estimator": "gumbel"}, ["'gumbel'", "straight_through, rotation, published"]),
        ("vq_ema", {"estimator": "published"}, ["'published'", "expected one of straight_through, rotation."]),
        ("vq", {"commitment_cost": -1}, ["--commitment_cost -1.0", "0 or more"]),
        ("vq", {"num_gains": 2}, ["--num_gains 2", "nothing in this config reads it"]),
        ("frequency", {"num_frequent": 9}, ["--num_frequent 9", "at most --num_embeddings, 8"]),
        ("hybrid", {"warmup_epochs": -1}, ["--warmup_epochs -1", "0 or more"]),
        ("vae", {"kl_weight": -1}, ["--kl_weight -1.0", "0 or more"]),
        ("vae", {"latent_size": 0}, ["--latent_size 0", "at least 1"]),
        ("vae", {"image_size": [32, 40]}, ["[32, 40]", "factor 16", "--image_size [32, 48]"]),
    ],
)
def test_a_setting_that_no_such_latent_has_is_refused(run_bundle, tmp_path, bundle, settings, parts):
    message = refusal(run_bundle, tmp_path / "run", bundle, **settings)
    assert [part for part in parts if part not in message] == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (lambda dataset: (dataset / "manifest.csv").unlink(), "no manifest.csv"),
        (lambda dataset: (dataset / "slices/sub-P3.npy").unlink(), "sub-P3.npy"),
        (lambda dataset: (dataset / "splits.json").unlink(), "no splits.json"),
    ],
)
def test_a_damaged_dataset_is_refused_before_anything_is_written(run_bundle, tiny_dataset, tmp_path, damage, part):
    damage(shutil.copytree(tiny_dataset, tmp_path / "data"))
    message = refusal(run_bundle, tmp_path / "run", dataset_dir=str(tmp_path / "data"))
    assert part in message
    assert "python -m data_prep" in message
    assert not (tmp_path / "run").exists()


def test_a_known_setting_that_this_bundle_does_not_read_is_refused(run_bundle, tmp_path):
    with pytest.raises(SystemExit, match="error: setting --num_embeddings 8: nothing in this config reads it"):
        run_bundle("none", tmp_path / "run", num_embeddings=8)


def test_a_device_that_is_none_is_refused_with_the_default_precision(run_bundle, tmp_path):
    settings = {"device": "gpu", "precision": "$engines.default_precision(@device)"}
    assert "--device 'gpu'" in refusal(run_bundle, tmp_path / "run", **settings)


def test_one_process_of_several_is_refused(run_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    message = refusal(run_bundle, tmp_path / "run")
    assert "WORLD_SIZE is 4" in message
    assert "without torchrun" in message
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_network_leaves_the_run_as_it_was(run_bundle, four_epochs, tmp_path):
    run = shutil.copytree(four_epochs, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    message = refusal(run_bundle, run, resume="true", num_embeddings=16)
    assert "belongs to another network" in message
    assert "[8, 8], here [16, 8]" in message
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_checkpoint_that_saw_another_split_is_not_resumed(run_bundle, four_epochs, tiny_dataset, tmp_path):
    run = shutil.copytree(four_epochs, tmp_path / "run")
    dataset = shutil.copytree(tiny_dataset, tmp_path / "data")
    splits = read_splits(dataset)
    test, (first, *train) = splits.splits["test"], splits.splits["train"]
    moved = {"train": sorted(train + test), "val": splits.splits["val"], "test": [first]}
    write_splits(dataset / "splits.json", replace(splits, splits=moved))
    message = refusal(run_bundle, run, resume="true", dataset_dir=str(dataset))
    assert "another split" in message


def test_a_damaged_checkpoint_is_refused(run_bundle, four_epochs, tmp_path):
    run = shutil.copytree(four_epochs, tmp_path / "run")
    (run / "checkpoints/last.pt").write_bytes((run / "checkpoints/last.pt").read_bytes()[:1000])
    assert "cannot be read as a checkpoint" in refusal(run_bundle, run, resume="true")


def test_a_folder_of_something_else_is_not_moved_away(run_bundle, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter_1.tex").write_text("mine")
    assert "is no run" in refusal(run_bundle, tmp_path / "thesis")
    assert "is no run" in refusal(run_bundle, tmp_path / "thesis/chapter_1.tex")
    assert [path.name for path in tmp_path.rglob("*")] == ["thesis", "chapter_1.tex"]


def test_the_command_line_shows_the_line_alone_and_fails(tiny_dataset, tmp_path):
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "bundles/projected.json"]
    command += ["--dataset_dir", str(tiny_dataset), "--output_dir", str(tmp_path / "run"), "--learning_rat", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: unknown setting --learning_rat 1")
