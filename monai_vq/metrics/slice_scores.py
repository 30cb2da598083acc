"""Every score of a reconstructed slice, from one pass over it."""

import torch
from torch import Tensor

from monai_vq.errors import InputError
from monai_vq.metrics.ssim import DATA_RANGE, interior_mean, ssim_map

PSNR_CAP = 100.0  # dB, stands for an equal image (MSE 0) so that means over slices stay finite


def slice_scores(x: Tensor, x_hat: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Scores each slice of a batch on its own; x_hat is clipped to [0, 1] first.

    Args:
        x: images [B, C, H, W] in [0, 1].
        x_hat: reconstructions [B, C, H, W].
        mask: foreground [B, 1, H, W], boolean.

    Returns:
        Tensors [B], float64: `ssim` over the interior of the image; `ssim_foreground`, the mean of the same map over
        the mask, NaN where the mask is empty; `psnr` in dB, 10 log10(1 / mse), at most PSNR_CAP; `mse`; `mae`.

    Raises:
        InputError: a mask that is not boolean or of another shape, or images that `ssim_map` refuses.
    """
    _check_mask(mask, x)
    similarity = ssim_map(x_hat, x)  # [B, H, W]
    error = x_hat.double().clamp(0, DATA_RANGE) - x.double()
    mse = error.square().mean(dim=(1, 2, 3))
    return {
        "ssim": interior_mean(similarity),
        "ssim_foreground": _masked_mean(similarity, mask[:, 0]),
        "psnr": peak_signal_to_noise(mse),
        "mse": mse,
        "mae": error.abs().mean(dim=(1, 2, 3)),
    }


def peak_signal_to_noise(mse: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of images in [0, 1] with this mean squared error, at most PSNR_CAP."""
    return (10 * torch.log10(DATA_RANGE**2 / mse)).clamp(max=PSNR_CAP)


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of [B, H, W] over a boolean mask of that shape, [B]; NaN (0 / 0) where the mask is empty."""
    return torch.where(mask, values, 0).sum(dim=(1, 2)) / mask.sum(dim=(1, 2))


def _check_mask(mask: Tensor, x: Tensor) -> None:
    expected = [x.shape[0], 1, *x.shape[2:]]
    if mask.dtype != torch.bool or list(mask.shape) != expected:
        raise InputError(
            f"The foreground mask must be boolean of shape {expected}, got {mask.dtype} {list(mask.shape)}. "
            "Compare a probability or label map with a threshold first."
        )
