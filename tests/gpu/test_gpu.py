"""What can only be seen on a GPU: `pytest -m gpu`."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from monai.bundle import ConfigParser

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine or this build of torch has no CUDA device"),
]
VARIANTS = ("projected", "vq_ema", "none")


def read_last(run_dir: Path) -> dict:
    return torch.load(run_dir / "checkpoints/last.pt", map_location="cpu", weights_only=True)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_the_loss_falls_in_each_precision(run_bundle, tmp_path, variant, precision):
    settings = {"max_epochs": 25, "val_interval": 25, "learning_rate": 0.02}  # else 100 steps are warm-up
    run = run_bundle(variant, tmp_path / "run", device="cuda", precision=precision, **settings)
    history = pd.read_csv(run / "metrics.csv")
    assert history["iteration"].tolist() == list(range(4, 104, 4))
    assert history["train_reconstruction"].iloc[-1] < 0.5 * history["train_reconstruction"].iloc[0]
    assert 0 < history["val_ssim"].iloc[-1] <= 1
    last = read_last(run)
    assert ("scaler" in last) == (precision == "fp16")
    assert all(value.isfinite().all() for value in last["network"].values())
    assert not any(value.dtype in (torch.float16, torch.bfloat16) for value in last["network"].values())


@pytest.mark.parametrize("devices", [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_checkpoint_goes_on_on_the_other_device(run_bundle, tmp_path, kill_after, devices):
    with kill_after(2):
        run_bundle("projected", tmp_path / "run", max_epochs=4, device=devices[0])
    assert read_last(tmp_path / "run")["epoch"] == 2
    run = run_bundle("projected", tmp_path / "run", max_epochs=4, device=devices[1], resume="true")
    history = pd.read_csv(run / "metrics.csv")
    assert history["iteration"].tolist() == [4, 8, 12, 16]
    assert read_last(run)["epoch"] == 4
    steps = read_last(run)["optimizer"]["state"].values()
    assert {float(state["step"]) for state in steps} == {16.0}


def test_a_run_in_fp16_goes_on_with_its_loss_scale(run_bundle, tmp_path, kill_after):
    settings = {"max_epochs": 4, "device": "cuda", "precision": "fp16"}
    with kill_after(2):
        run_bundle("projected", tmp_path / "run", **settings)
    last = read_last(tmp_path / "run")
    last["scaler"]["scale"] = 1024.0  # another than what a scaler starts with, and too small to overflow
    torch.save(last, tmp_path / "run/checkpoints/last.pt")
    run = run_bundle("projected", tmp_path / "run", resume="true", **settings)
    assert read_last(run)["epoch"] == 4
    assert read_last(run)["scaler"]["scale"] == 1024.0


@pytest.mark.parametrize("variant", VARIANTS)
def test_reconstructions_are_the_cpus(run_bundle, tmp_path, variant, monkeypatch):
    run = run_bundle(variant, tmp_path / "run", max_epochs=2)
    parser = ConfigParser()
    parser.read_config(run / "config.json")
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(read_last(run)["network"])
    x = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    with torch.no_grad():
        on_cpu = network(x)
        codes, side = network.encode_latent(x)
        expected = network.encode_stage_2_inputs(x)
        on_gpu = network.cuda().decode_latent(codes.cuda(), side.cuda()).cpu()
        z_q = network.encode_stage_2_inputs(x.cuda()).cpu()
        whole = network(x.cuda())
    assert (on_gpu - on_cpu.x_hat).abs().max() < 1e-3  # of the same latent
    same = whole.codes.cpu() == on_cpu.codes  # a code on the boundary of two cells may differ
    assert same.float().mean() > 0.99
    difference = (z_q - expected).abs().amax(dim=1)
    assert difference[same].max() <= 1e-3
    if same.all():
        assert (whole.x_hat.cpu() - on_cpu.x_hat).abs().max() <= 1e-3


def test_deterministic_runs_are_equal_to_the_bit(run_bundle, tmp_path):
    settings = {"device": "cuda", "deterministic": "true"}
    first, second = (read_last(run_bundle("projected", tmp_path / name, **settings))["network"] for name in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)
