import pytest
import torch
from torch import nn

from monai_vq.engines import AutocastInferer
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
        ("cuda:99", "fp32", r"--device cuda:99: .* \d+ CUDA devices; use cpu"),
    ],
)
def test_what_cannot_train_here_is_refused(device, precision, message):
    with pytest.raises(InputError, match=message):
        check_device(device, precision)
