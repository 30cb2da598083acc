"""Structural similarity of images in [0, 1], as Wang et al. 2004 define it.

Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13(4), 2004, eq. 13, with a Gaussian window of 11 x 11 pixels and sigma 1.5.
Equal to scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
data_range=1)`, whose border is mirrored with the edge pixel repeated (d c b a | a b c d | d c b a).
"""

import torch
from torch import Tensor

from monai_vq.errors import InputError

WINDOW = 11
SIGMA = 1.5
K1 = 0.01
K2 = 0.03
DATA_RANGE = 1.0
BORDER = WINDOW // 2  # pixels left out on each side of the mean over an image, where the window would leave it


def ssim(x_hat: Tensor, x: Tensor) -> Tensor:
    """Mean structural similarity of each image, over the pixels whose whole window lies inside it.

    Args:
        x_hat: reconstructions [B, C, H, W], clipped to [0, 1] here.
        x: images [B, C, H, W] in [0, 1].

    Returns:
        Scores [B] in [-1, 1], float64; 1 for equal images.

    Raises:
        InputError: as `ssim_map` does.
    """
    return interior_mean(ssim_map(x_hat, x))


def ssim_map(x_hat: Tensor, x: Tensor) -> Tensor:
    """Structural similarity at every pixel (Wang et al. 2004, eq. 13), averaged over the channels.

    Args:
        x_hat: reconstructions [B, C, H, W] of any floating type, clipped to [0, 1] here.
        x: images [B, C, H, W] in [0, 1], of any floating type.

    Returns:
        A map [B, H, W] in [-1, 1], float64 whatever the input and under autocast too: a variance computed as
        E[x²] - E[x]² cancels in float32, next to (K2 · range)² = 9e-4.

    Raises:
        InputError: the shapes differ, an image is smaller than the window, or x leaves [0, 1].
    """
    _check_images(x_hat, x)
    with torch.autocast(device_type=x.device.type, enabled=False):
        a, b = x_hat.double().clamp(0, DATA_RANGE), x.double()
        moments = _blur(torch.stack([a, b, a * a, b * b, a * b]))  # [5, B, C, H, W]
        mean_a, mean_b, mean_aa, mean_bb, mean_ab = moments.unbind()
        c1, c2 = (K1 * DATA_RANGE) ** 2, (K2 * DATA_RANGE) ** 2
        luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        covariance = mean_ab - mean_a * mean_b
        variances = mean_aa - mean_a**2 + mean_bb - mean_b**2
        return (luminance * (2 * covariance + c2) / (variances + c2)).mean(dim=1)


def interior_mean(similarity: Tensor) -> Tensor:
    """Mean of a map [B, H, W] without its border of BORDER pixels, [B]: scikit-image's scalar."""
    return similarity[:, BORDER:-BORDER, BORDER:-BORDER].mean(dim=(1, 2))


def _blur(images: Tensor) -> Tensor:
    """Gaussian window over [..., H, W]: two products with banded matrices.

    On two cores this is five to ten times faster than a separable convolution, which has no fast float64 kernel
    there; on a GPU it is safe from TF32, which cuDNN uses for float32 convolutions by default.
    """
    height, width = images.shape[-2:]
    rows, columns = _window_matrix(height, images.device), _window_matrix(width, images.device)
    return rows @ images @ columns.T


def _window_matrix(size: int, device: torch.device) -> Tensor:
    """The 1D Gaussian window as a float64 matrix [size, size], mirrored at both ends."""
    offset = torch.arange(-BORDER, BORDER + 1, device=device)
    weight = torch.exp(-0.5 * (offset.double() / SIGMA) ** 2)
    position = torch.arange(size, device=device)[:, None] + offset  # [size, WINDOW]
    position = torch.where(position < 0, -1 - position, position)
    position = torch.where(position >= size, 2 * size - 1 - position, position)
    columns = torch.arange(size, device=device)
    return ((position[:, :, None] == columns) * (weight / weight.sum())[:, None]).sum(dim=1)


def _check_images(x_hat: Tensor, x: Tensor) -> None:
    """Refuses what would give a number that is not the SSIM."""
    if x.ndim != 4 or x_hat.shape != x.shape:
        raise InputError(
            f"SSIM compares two batches of one shape [B, C, H, W], got x_hat {list(x_hat.shape)} and x {list(x.shape)}."
        )
    if min(x.shape[-2:]) < WINDOW:
        raise InputError(
            f"SSIM needs images of at least {WINDOW} x {WINDOW} pixels, its window, got {x.shape[-2]} x {x.shape[-1]}. "
            "Set a larger image_size."
        )
    if x.numel() and not (x.min() >= 0 and x.max() <= DATA_RANGE):  # written so that NaN is refused as well
        raise InputError(
            f"SSIM is defined here for images in [0, {DATA_RANGE:g}], got values from {x.min():.4g} to {x.max():.4g}. "
            "Scale the images before they are scored."
        )
