"""Precision of the forward pass: MONAI's ``amp`` flag is hard-wired to CUDA, ours is a choice of type."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor, nn

from monai_vq.engines.knobs import PRECISIONS
from monai_vq.errors import InputError

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class AutocastInferer(SimpleInferer):
    """Runs the network under ``torch.autocast`` of a precision; losses and the quantizer stay in float32.

    Args:
        precision: ``fp32`` (no autocast), ``bf16``, or ``fp16`` (CUDA only, with a loss scaler while training).

    Raises:
        InputError: if the precision is unknown.
    """

    def __init__(self, precision: str = "fp32") -> None:
        super().__init__()
        if precision not in PRECISIONS:
            raise InputError(f"precision {precision!r}: expected one of {', '.join(PRECISIONS)}.")
        self.precision = precision

    def __call__(self, inputs: Tensor, network: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Returns the network's output for inputs [B, C, H, W]."""
        kind = _TYPES.get(self.precision)
        with torch.autocast(inputs.device.type, dtype=kind, enabled=kind is not None):
            return super().__call__(inputs, network, *args, **kwargs)


def default_precision(device: torch.device | str) -> str:
    """Returns bf16 where the device computes in it, on CUDA and on CPUs with instructions for it, else fp32.

    bf16 has the range of fp32, so it needs no loss scaler, and is faster there. A CPU without the instructions converts
    to float32 and back at every convolution, which is slower than fp32.

    Args:
        device: as the knob has it; one that torch does not know is ``check_device``'s to refuse.
    """
    if str(device).startswith("cuda"):
        return "bf16"
    mkldnn = torch.backends.mkldnn.is_available()  # without it the question itself is missing from torch.ops
    return "bf16" if mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"


def check_device(device: torch.device | str, precision: str) -> torch.device:
    """Returns the device, refused where it is absent or cannot train in this precision.

    Raises:
        InputError: if there is no such device, or it is neither a CPU nor CUDA's; if the precision is unknown, or it is
            fp16 without CUDA.
    """
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision!r}: expected one of {', '.join(PRECISIONS)}.")
    try:
        device = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"--device {device!r}: torch knows no such device; use cpu, cuda or cuda:1.") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"--device {device}: use cpu or cuda; SSIM needs float64, which not every device has.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        number = torch.cuda.device_count()
        raise InputError(f"--device {device}: this machine or this build of torch has {number} CUDA devices; use cpu.")
    if precision == "fp16" and device.type != "cuda":
        raise InputError(f"--precision fp16 needs a CUDA device, not {device.type}; use --precision bf16 or fp32.")
    return device
