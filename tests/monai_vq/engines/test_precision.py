import pytest
import torch
from torch import nn

from monai_vq.engines import AutocastInferer, default_precision
from monai_vq.engines.precision import check_device
from monai_vq.errors import InputError


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_network_runs_in_the_precision_and_its_weights_stay_float32(precision, dtype):
    network, x = nn.Conv2d(1, 2, 3), torch.rand(1, 1, 8, 8)
    y = AutocastInferer(precision)(x, network)
    assert (y.dtype, network.weight.dtype) == (dtype, torch.float32)
    y.float().sum().backward()
    assert network.weight.grad.dtype == torch.float32


def test_fp32_holds_inside_someone_elses_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert AutocastInferer("fp32")(torch.rand(1, 1, 8, 8), nn.Conv2d(1, 2, 3)).dtype == torch.float32


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="'fp8': expected one of fp32, bf16, fp16"):
        AutocastInferer("fp8")


def test_a_device_is_returned_as_torch_knows_it():
    assert check_device("cpu", "bf16") == torch.device("cpu") == check_device(torch.device("cpu"), "fp32")


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        ("cpu", "fp16", "--precision fp16 needs a CUDA device, not cpu; use --precision bf16 or fp32"),
        ("graphics", "fp32", "--device 'graphics': torch knows no such device"),
        ("mps", "fp32", "--device mps: use cpu or cuda; SSIM needs float64"),
        ("meta", "bf16", "--device meta: use cpu or cuda"),
        ("cpu", "fp8", "--precision 'fp8': expected one of fp32, bf16, fp16"),
        ("cuda:99", "fp32", r"--device cuda:99: .* \d+ CUDA devices; use cpu"),
    ],
)
def test_what_cannot_train_here_is_refused(device, precision, message):
    with pytest.raises(InputError, match=message):
        check_device(device, precision)


@pytest.mark.parametrize("supported", [True, False])
def test_the_default_is_bf16_where_the_device_computes_in_it(monkeypatch, supported):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)
    assert default_precision("cpu") == default_precision(torch.device("cpu")) == ("bf16" if supported else "fp32")
    assert default_precision("cuda:1") == default_precision(torch.device("cuda")) == "bf16"
    assert default_precision("no device") in ("bf16", "fp32")  # refused by check_device, with its line


def test_the_default_is_fp32_in_a_torch_without_mkldnn(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert default_precision("cpu") == "fp32"
